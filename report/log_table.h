/* An iteration as a table in the manner of Stable-Baselines3's logger. */
#ifndef AFT_REPORT_LOG_TABLE_H
#define AFT_REPORT_LOG_TABLE_H

#include "report/event.h"

#include <stddef.h>

enum { AFT_LOG_TABLE_SIZE = 8192 };

/* Lines with their newlines; figures that are not known (NaN) are left out. */
void aft_log_table(char out[AFT_LOG_TABLE_SIZE], const struct aft_event *event);

#endif
