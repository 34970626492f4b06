/*
 * The gate at the end of a stage: whether its result is good enough for the
 * stage to be complete. A pure function of scores and limits; what follows from
 * a verdict is the stage's attempts' business (runner/attempt.h).
 */
#ifndef AFT_RUNNER_PROMOTION_GATE_H
#define AFT_RUNNER_PROMOTION_GATE_H

#include "curriculum/settings.h"

#include <stdbool.h>
#include <stddef.h>

enum aft_gate_reason { /* the numbers stand in archives: add, never renumber */
                       AFT_GATE_PASSED = 0,
                       AFT_GATE_DRIFT = 1,    /* the stage's own score is above its limit */
                       AFT_GATE_FORGOT = 2,   /* an earlier stage's has grown beyond tolerance */
                       AFT_GATE_NO_SCORE = 3, /* a score that decides is not finite */
                       AFT_GATE_DIVERGED = 4, /* training came to numbers that are not finite; … */
                                              /* … no verdict of aft_gate_judge */
};

struct aft_gate_verdict {
    enum aft_gate_reason reason;
    int stage;    /* whose score decided, counted from 1: the stage's own or an earlier one's */
    double score; /* that score, and what it may be at most: exactly that passes; */
    double limit; /* NaN: there is none */
};

/* False where neither limit is set: then every result will do. */
bool aft_gate_is_on(const struct aft_gate_settings *gate);

/* The stage (counted from 1) with its scores now, a mean peak drift ratio to passive for each
 * stage up to its own, and those that the earlier stages had when they were completed. Lower is
 * better. An earlier stage whose score then is not known (NaN) is not compared. Of several
 * earlier stages that are too bad, the one that grew the most decides. */
struct aft_gate_verdict aft_gate_judge(const struct aft_gate_settings *gate, int stage,
                                       const double *now, const double *when_completed);

/* One word for scripts: "passed", the key whose limit it is, "no_score" or "diverged". */
const char *aft_gate_reason_word(enum aft_gate_reason reason);

/* One clause for people, at most 100 characters: "mean peak drift 1.3 of passive, above
 * max_drift_ratio 0.9". */
void aft_gate_text(char *text, size_t size, const struct aft_gate_verdict *verdict);

#endif
