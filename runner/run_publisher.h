/*
 * The keeper's hooks: publishes a run's archives under their names and tells
 * the observers what happens.
 */
#ifndef AFT_RUNNER_RUN_PUBLISHER_H
#define AFT_RUNNER_RUN_PUBLISHER_H

#include "base/file.h"
#include "recovery/keeper.h"
#include "report/event.h"
#include "runner/archive_content.h"
#include "runner/checkpoint_rotation.h"

#include <limits.h>

struct aft_run_publisher {
    struct aft_run_record record;
    char folder[PATH_MAX];                    /* models/<run> */
    struct aft_event_stream *events;          /* borrowed */
    char last_path[PATH_MAX];                 /* of the archive published last; "" */
    int64_t stage, stage_step, total_step;    /* where training is, for events of the keeper */
    const struct aft_snapshot_region *region; /* borrowed; has the finished episodes */
    double stage_began_s;
    struct aft_checkpoint_rotation rotation;
    struct aft_file_reserve stop_reserve, error_reserve; /* for an INTERRUPTED and an ERROR
                                                          * archive on a full disk */
    double best_score;                        /* of best_model.zip; -infinity: none yet */
    int64_t completed_stage;                  /* the last published one, or resumed after, … */
    char completed_hash[AFT_SHA256_HEX_SIZE]; /* … and its training_state_sha256 */
    int64_t cleared_stage;                    /* whose other archives were moved out of the way */
    struct aft_reference_file references;     /* references.json */
};

/* Takes over what the scan found: checkpoints to rotate, the best score so far. */
enum aft_code aft_run_publisher_init(struct aft_run_publisher *publisher,
                                     const struct aft_scan *scan, struct aft_error *error);
void aft_run_publisher_clear(struct aft_run_publisher *publisher);

/* What is known of LQR and LQG from earlier processes. Nothing where they are not asked for. */
enum aft_code aft_run_publisher_read_references(struct aft_run_publisher *publisher,
                                                struct aft_error *error);

/* Hooks whose context is the publisher. */
struct aft_keeper_hooks aft_run_publisher_hooks(struct aft_run_publisher *publisher);

/* Publishes final_<run>.zip from the last stage's last state; an earlier one of another
 * state is kept as *.superseded.zip. */
enum aft_code aft_publish_final(struct aft_run_publisher *publisher,
                                const struct aft_sealed_state *sealed, struct aft_error *error);

/* Publishes best_model.zip if the state's score is better than that one's. */
enum aft_code aft_offer_best(struct aft_run_publisher *publisher,
                             const struct aft_sealed_state *sealed, struct aft_error *error);

/* An event of the keeper's own: where training is, as far as it has been told. */
struct aft_event aft_run_publisher_event(const struct aft_run_publisher *publisher,
                                         enum aft_event_type type);

/* Tells the observers of archives that are moved out of the way; its context is the publisher. */
struct aft_set_aside_witness aft_run_publisher_witness(struct aft_run_publisher *publisher);

/* Tells the observers something of the keeper's own. */
void aft_run_publisher_tell(struct aft_run_publisher *publisher, enum aft_event_type type,
                            const char *text);

#endif
