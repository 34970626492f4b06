/* Events and figures as text for people; shared by the console and the run log. */
#ifndef AFT_REPORT_TEXT_H
#define AFT_REPORT_TEXT_H

#include "report/event.h"

#include <stddef.h>
#include <stdint.h>

enum { AFT_TEXT_SIZE = 1280, AFT_TEXT_NUMBER = 48 };

/* 3000000 as "3,000,000"; 12345.6 as "12.3k"; seconds as "0:42", "1:02:03", "2d 03:04:05". */
const char *aft_text_count(char out[AFT_TEXT_NUMBER], int64_t number);
const char *aft_text_rate(char out[AFT_TEXT_NUMBER], double number);
const char *aft_text_duration(char out[AFT_TEXT_NUMBER], double seconds);
const char *aft_text_bytes(char out[AFT_TEXT_NUMBER], int64_t bytes);

/* "2026-03-01T09:08:07.654Z", as RFC 3339 has it. */
const char *aft_text_time(char out[AFT_TEXT_NUMBER], double unix_time);

/* One line, without a newline, about any event. */
void aft_text_event(char out[AFT_TEXT_SIZE], const struct aft_event *event);

#endif
