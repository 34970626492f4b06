/*
 * Which step checkpoints a run keeps: the newest few, in the order in which
 * they were written, as their manifests count it ("order"). An older one is
 * deleted only after a newer one is durable.
 */
#ifndef AFT_RUNNER_CHECKPOINT_ROTATION_H
#define AFT_RUNNER_CHECKPOINT_ROTATION_H

#include "base/error.h"
#include "recovery/scan.h"

#include <stdint.h>

struct aft_checkpoint {
    char *path;
    int64_t order;
};

struct aft_checkpoint_rotation {
    int keep; /* 1 or more */
    int n, capacity;
    struct aft_checkpoint *checkpoints; /* ascending order */
};

/* Takes the valid checkpoints of the scan that bear the names that the program gives. */
enum aft_code aft_checkpoint_rotation_init(struct aft_checkpoint_rotation *rotation, int keep,
                                           const struct aft_scan *scan, struct aft_error *error);
void aft_checkpoint_rotation_clear(struct aft_checkpoint_rotation *rotation);

/* For the next checkpoint's manifest: one more than any before. */
int64_t aft_checkpoint_rotation_next(const struct aft_checkpoint_rotation *rotation);

/* A checkpoint has become durable: the oldest beyond `keep` are deleted. */
enum aft_code aft_checkpoint_rotation_add(struct aft_checkpoint_rotation *rotation,
                                          const char *path, struct aft_error *error);

#endif
