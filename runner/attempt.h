/*
 * A stage's attempts. Where a stage has a gate, the state keeps the stage's
 * beginning; a result that the gate blocks is given up for it, and so is an attempt
 * that diverges while another is left. The next
 * attempt begins there with a smaller learning rate and random streams of its
 * own. Attempt, scale and beginning are part of the state, so an attempt goes on
 * bit for bit wherever it is resumed, whatever [gate] says then.
 */
#ifndef AFT_RUNNER_ATTEMPT_H
#define AFT_RUNNER_ATTEMPT_H

#include "runner/promotion_gate.h"
#include "runner/worker_run.h"

#include <stdbool.h>
#include <stdint.h>

/* The run's state becomes the beginning of the stage's first attempt. */
enum aft_code aft_stage_enter(struct aft_worker_run *run, const struct aft_stage *stage,
                              struct aft_error *error);

/* The stage as this attempt trains it: its learning rates scaled. */
struct aft_stage aft_attempt_settings(const struct aft_worker_run *run,
                                      const struct aft_stage *stage);

/* What the attempt's random streams have for the stage's number; that itself in the first. */
uint32_t aft_attempt_stream(const struct aft_worker_run *run, const struct aft_stage *stage);

/* Judges the evaluated state, records the verdict in it and tells of it; notes the completed
 * stage's score. True: the stage is complete. Always true, and untold, without a gate. */
bool aft_attempt_passes(struct aft_worker_run *run, const struct aft_stage *stage);

/* Whether a blocked attempt may be followed by another. */
bool aft_attempt_may_follow(const struct aft_worker_run *run, const struct aft_stage *stage);

/* Notes that the attempt diverged, with what, and tells of it. */
void aft_attempt_diverged(struct aft_worker_run *run, const struct aft_stage *stage,
                          const char *message);

/* Back to the stage's beginning, state and engine, for the next attempt. */
enum aft_code aft_attempt_begin_next(struct aft_worker_run *run, const struct aft_stage *stage,
                                     struct aft_error *error);

/* Fails with AFT_ERR_GATE: the last attempt was blocked, by what, and what can be done. */
enum aft_code aft_attempt_fail(const struct aft_worker_run *run, const struct aft_stage *stage,
                               struct aft_error *error);

#endif
