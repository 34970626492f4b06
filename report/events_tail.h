/* The end of an events.jsonl that an earlier process left behind, perhaps torn. */
#ifndef AFT_REPORT_EVENTS_TAIL_H
#define AFT_REPORT_EVENTS_TAIL_H

#include "base/error.h"

#include <stdint.h>

/* Cuts off what follows the last line that is whole and an event, so that what is appended
 * starts a line of its own; *seq is that line's "seq", 0 in an empty file. REFUSED, and nothing
 * is cut, where the file has lines and none is an event: it is not ours. */
enum aft_code aft_events_tail_mend(int64_t *seq, const char *path, struct aft_error *error);

#endif
