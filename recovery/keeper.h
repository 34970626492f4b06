/*
 * The keeper: a small single-threaded process that starts the worker, watches
 * over it, and turns its sealed snapshots into archives. It loads neither BLAS
 * nor CUDA. docs/design.md has the state diagram; the states here bear its names.
 *
 * The keeper knows when an archive is due; what is in one is the hooks' business.
 */
#ifndef AFT_RECOVERY_KEEPER_H
#define AFT_RECOVERY_KEEPER_H

#include "base/error.h"
#include "recovery/archive.h"
#include "recovery/snapshot.h"

#include <stdbool.h>
#include <stdint.h>

enum aft_keeper_state {
    AFT_KEEPER_STARTING,     /* a worker runs, and has sealed nothing of its own yet */
    AFT_KEEPER_TRAINING,     /* it seals a snapshot at every iteration boundary */
    AFT_KEEPER_PUBLISHING,   /* a stage's last snapshot becomes its archive; the worker waits */
    AFT_KEEPER_INTERRUPTING, /* a signal asked to stop: the INTERRUPTED archive is due */
    AFT_KEEPER_RECOVERING,   /* the worker is gone: ERROR archive, then a new worker or the end */
    AFT_KEEPER_FINISHED,
    AFT_KEEPER_STOPPED,
    AFT_KEEPER_FAILED,
};

const char *aft_keeper_state_name(enum aft_keeper_state state); /* "starting", … */

struct aft_sealed_state { /* a believed copy of a snapshot; borrowed for the call */
    const void *bytes;
    struct aft_snapshot_info info;
    const struct aft_snapshot_region *region; /* for its history */
};

struct aft_worker_loss {
    const char *reason;
    int64_t stage, attempt, step; /* where a new worker goes on; stage 1 where nothing was sealed */
    bool retried;                 /* a new worker will be started; otherwise the run has failed */
    int failures, retries;        /* in a row without progress, of how many recovered from */
    double pause_s;               /* before the new worker */
};

struct aft_keeper_hooks {
    void *context;
    /* Publishes the state as an archive of that kind (STAGE, BEST, INTERRUPTED, ERROR,
     * CHECKPOINT). reason is why, for an ERROR archive, else NULL. BEST is asked for at every
     * evaluation: the hook knows the score to beat. */
    enum aft_code (*publish)(void *context, enum aft_archive_kind kind,
                             const struct aft_sealed_state *state, const char *reason,
                             struct aft_error *error);
    void (*event)(void *context, const void *record);  /* of the worker, in order */
    void (*incident)(void *context, const char *text); /* for people: a failure, and what is done */
    void (*lost)(void *context, const struct aft_worker_loss *loss);
    void (*state)(void *context, enum aft_keeper_state state); /* entered */
    /* SIGUSR1, which asks for a checkpoint, or the first that asks to stop. */
    void (*signal)(void *context, int number);
    void (*tick)(void *context); /* ten times a second */
};

struct aft_keeper_config {
    const char *worker_command;     /* argv[1] of the program started anew as the worker */
    int launch_fd;                  /* inherited by the worker as it is; what to train */
    int64_t checkpoint_every_steps; /* of a stage; 0: not by steps */
    double checkpoint_every_s;      /* 0: not by time */
    int64_t last_stage;             /* the run is finished once this stage is published */
    int retries;                    /* failures in a row without progress that are recovered from */
    double hang_timeout_s;          /* 0: never */
    double publish_patience_s;      /* how long a stage's archive is tried again */
};

struct aft_keeper_result {
    enum aft_keeper_state state; /* FINISHED, STOPPED or FAILED */
    int stop_signal;             /* STOPPED: the first signal; SIGUSR2: by way of a checkpoint */
    bool before_training;        /* nothing was ever sealed */
    struct aft_error error;      /* FAILED: why */
};

/* Blocks the signals that the keeper takes from a descriptor, so that none is
 * lost before it runs. A SIGHUP that is ignored stays ignored. */
void aft_keeper_block_signals(void);

/* Runs until the curriculum is finished, stopped or failed. The region may hold
 * a snapshot to start from (aft_snapshot_seal). Returns once no worker is left. */
void aft_keeper_run(struct aft_keeper_result *result, const struct aft_keeper_config *config,
                    const struct aft_keeper_hooks *hooks, struct aft_snapshot_region *region);

#endif
