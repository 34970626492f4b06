/*
 * What a worker is told at its start: the curriculum as the keeper read it (its
 * text, not its path: the file may change while a run goes on), the overrides,
 * where to end, and where the reference controllers' scores are kept. It travels in a memfd that
 * the worker inherits.
 */
#ifndef AFT_RUNNER_LAUNCH_H
#define AFT_RUNNER_LAUNCH_H

#include "base/error.h"
#include "curriculum/curriculum.h"
#include "runner/reference_scores.h"

struct aft_launch {
    struct aft_curriculum *curriculum;
    int last_stage; /* counts from 1 */
    struct aft_reference_file references;
};

/* Keeper: *fd is a memfd with the document. overrides: applied to the curriculum's text. */
enum aft_code aft_launch_write(int *fd, const struct aft_launch *launch,
                               const char *const *overrides, int n_overrides,
                               struct aft_error *error);

/* Worker. The launch owns the curriculum. */
enum aft_code aft_launch_read(struct aft_launch *launch, int fd, struct aft_error *error);
void aft_launch_clear(struct aft_launch *launch);

#endif
