/* One line that says how far a stage is. */
#ifndef AFT_REPORT_PROGRESS_BAR_H
#define AFT_REPORT_PROGRESS_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AFT_PROGRESS_LINE_SIZE = 1024 };

struct aft_progress {
    int stage, n_stages; /* n_stages 0: unknown */
    const char *name;    /* of the stage */
    int64_t step, timesteps;
    double steps_per_s; /* NaN: not known yet */
    double since_s;     /* since step was counted: the time left shrinks meanwhile */
    double reward;      /* NaN: none yet */
};

/* At most `columns` wide, padded to that width; utf8 draws smooth blocks. */
void aft_progress_bar(char out[AFT_PROGRESS_LINE_SIZE], const struct aft_progress *progress,
                      int columns, bool utf8);
/* The same in words, for a log; without a newline. */
void aft_progress_plain(char out[AFT_PROGRESS_LINE_SIZE], const struct aft_progress *progress);
/* Time left; NaN where it is not known. */
double aft_progress_seconds_left(const struct aft_progress *progress);

#endif
