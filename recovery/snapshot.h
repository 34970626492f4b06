/*
 * The snapshot region: memory that keeper and worker share (a memfd), through
 * which a worker's state outlives it. It holds
 *   - two slots, of which one always contains the last sealed snapshot;
 *   - the history, an append-only array of fixed-size records of which a
 *     snapshot carries the length;
 *   - a ring of event records on their way from worker to keeper;
 *   - what the worker announces (its phase, its failure, its end) and what the
 *     keeper answers (which stage is published).
 * Snapshots, history records and events are bytes here; the runner knows them.
 *
 * Invariants
 *   S1  The slot of the last sealed sequence number is never written to: the
 *       worker writes the other one, and then moves the number.
 *   S2  A copy is believed only if the slot's sequence number is the same
 *       before and after copying, and the checksum over the copy is right.
 *   S3  Events are delivered only up to the last sealed snapshot, so that what
 *       observers were told is never taken back by a retry.
 *   S4  History records below a sealed snapshot's length are never changed
 *       while that snapshot may still be used.
 */
#ifndef AFT_RECOVERY_SNAPSHOT_H
#define AFT_RECOVERY_SNAPSHOT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aft_worker_phase { /* what the worker is doing; for people and for tests */
                        AFT_PHASE_START,
                        AFT_PHASE_ROLLOUT,
                        AFT_PHASE_UPDATE,
                        AFT_PHASE_EVALUATION,
                        AFT_PHASE_SEAL,
                        AFT_PHASE_WAIT, /* for a stage's archive to be published */
};

enum aft_announcement {
    AFT_ANNOUNCED_NOTHING, /* an exit now is a crash, whatever its status */
    AFT_ANNOUNCED_FAILURE, /* code and message say why */
    AFT_ANNOUNCED_END,     /* everything asked for is trained and published */
};

struct aft_snapshot_sizes {
    size_t slot;             /* capacity of a snapshot, in bytes */
    size_t history_record;   /* size of one record, in bytes … */
    size_t history_capacity; /* … and how many there can be */
    size_t event_record;
    size_t event_capacity;
};

/* Describes a sealed snapshot. */
struct aft_snapshot_info {
    uint64_t sequence; /* 0: nothing was sealed yet */
    size_t size;
    size_t history_length; /* records that belong to it */
    int64_t stage;         /* counts from 1 */
    int64_t attempt;       /* at the stage, each with its steps from 0 */
    int64_t step;          /* within the attempt */
    bool stage_complete;   /* the stage's last state: to be published as its archive */
    bool evaluated;        /* has a new score: may be the best so far */
    bool awaited;          /* the worker waits until it has been copied */
};

struct aft_snapshot_region;

/* The keeper's side. Untouched parts take no memory. */
enum aft_code aft_snapshot_create(struct aft_snapshot_region **region,
                                  const struct aft_snapshot_sizes *sizes, struct aft_error *error);
/* The worker's side, from inherited descriptors, which the region then owns. */
enum aft_code aft_snapshot_attach(struct aft_snapshot_region **region, int memory_fd,
                                  int to_keeper_fd, int to_worker_fd, struct aft_error *error);
void aft_snapshot_destroy(struct aft_snapshot_region *region);

/* For inheritance by the worker and for poll: eventfds in either direction. */
int aft_snapshot_memory_fd(const struct aft_snapshot_region *region);
int aft_snapshot_to_keeper_fd(const struct aft_snapshot_region *region);
int aft_snapshot_to_worker_fd(const struct aft_snapshot_region *region);

/* Seals bytes as the newest snapshot; all but the sequence number is taken
 * from info. A memcpy: it waits for nobody. Also used
 * by the keeper to hand a new worker its starting point. */
enum aft_code aft_snapshot_seal(struct aft_snapshot_region *region, const void *bytes,
                                const struct aft_snapshot_info *info, struct aft_error *error);

/* The newest sealed snapshot's sequence number, or 0. */
uint64_t aft_snapshot_sequence(const struct aft_snapshot_region *region);

/* What the newest sealed snapshot is, without its bytes; false where there is none. */
bool aft_snapshot_peek(const struct aft_snapshot_region *region, struct aft_snapshot_info *info);

/* Copies the newest sealed snapshot into *bytes, grown as needed (start with
 * NULL and capacity 0; the caller frees). MISSING where nothing was sealed;
 * CORRUPT where no copy could be believed. */
enum aft_code aft_snapshot_copy(struct aft_snapshot_region *region, void **bytes, size_t *capacity,
                                struct aft_snapshot_info *info, struct aft_error *error);

/* The worker appends at index (its own count); the keeper and the worker read. */
enum aft_code aft_history_put(struct aft_snapshot_region *region, size_t index, const void *record,
                              struct aft_error *error);
const void *aft_history_at(const struct aft_snapshot_region *region, size_t index);

/* Worker: adds an event behind the last; when the ring is full it waits for the
 * keeper. Keeper: takes the next sealed event, or NULL. A new worker begins
 * behind the last sealed one. */
void aft_events_put(struct aft_snapshot_region *region, const void *record);
const void *aft_events_take(struct aft_snapshot_region *region);

void aft_worker_set_phase(struct aft_snapshot_region *region, enum aft_worker_phase phase);
enum aft_worker_phase aft_worker_phase(const struct aft_snapshot_region *region);

/* Worker: the last words before it exits. */
void aft_worker_announce(struct aft_snapshot_region *region, enum aft_announcement what,
                         const struct aft_error *error);
enum aft_announcement aft_worker_announced(const struct aft_snapshot_region *region,
                                           struct aft_error *error);

/* Keeper: stage's archive is durable and verified. Worker: waits for that. */
void aft_stage_set_published(struct aft_snapshot_region *region, int64_t stage);
int64_t aft_stage_published(const struct aft_snapshot_region *region);
void aft_stage_wait_published(struct aft_snapshot_region *region, int64_t stage);

/* Keeper: the snapshot of that number has been copied. Worker: waits for that. */
void aft_snapshot_set_copied(struct aft_snapshot_region *region, uint64_t sequence);
void aft_snapshot_wait_copied(struct aft_snapshot_region *region, uint64_t sequence);

/* Keeper, before it starts a new worker: forgets the old one's announcement
 * and the events that it did not seal. */
void aft_snapshot_prepare_worker(struct aft_snapshot_region *region);

#endif
