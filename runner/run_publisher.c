#include "runner/run_publisher.h"

#include "base/path.h"
#include "recovery/scan.h"
#include "runner/training_state.h"
#include "trainer/ppo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double clock_s(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct aft_event aft_run_publisher_event(const struct aft_run_publisher *publisher,
                                         enum aft_event_type type)
{
    struct aft_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    event.stage = (int)publisher->stage;
    event.stage_step = publisher->stage_step;
    event.total_step = publisher->total_step;
    event.unix_time = clock_s(CLOCK_REALTIME);
    return event;
}

void aft_run_publisher_tell(struct aft_run_publisher *publisher, enum aft_event_type type,
                            const char *text)
{
    struct aft_event event = aft_run_publisher_event(publisher, type);
    (void)snprintf(event.u.message.text, sizeof event.u.message.text, "%s", text);
    aft_event_publish(publisher->events, &event);
}

struct published { /* what is told of an archive */
    enum aft_archive_kind kind;
    const char *bytes, *state_hash;
    size_t size;
    const struct aft_training_header *header;
    double seconds;
};

static void tell_of_archive(struct aft_run_publisher *publisher, const struct published *archive)
{
    struct aft_event event = aft_run_publisher_event(publisher, AFT_EVENT_ARCHIVE);
    struct aft_event_archive *told = &event.u.archive;
    const size_t hex = AFT_SHA256_HEX_SIZE - 1;
    (void)snprintf(told->kind, sizeof told->kind, "%s", aft_archive_kind_name(archive->kind));
    (void)snprintf(told->path, sizeof told->path, "%.255s", publisher->last_path);
    (void)snprintf(told->name, sizeof told->name, "%s",
                   aft_path_within(publisher->folder, publisher->last_path));
    memcpy(told->digest, archive->bytes + archive->size - hex, hex); /* the zip's comment ends so */
    (void)snprintf(told->state_hash, sizeof told->state_hash, "%s", archive->state_hash);
    told->attempt = archive->header->attempt;
    told->score = archive->header->score;
    told->bytes = (int64_t)archive->size;
    told->seconds = archive->seconds;
    aft_event_publish(publisher->events, &event);
}

static void tell_of_move(void *context, const char *from, const char *to)
{
    struct aft_run_publisher *publisher = context;
    struct aft_event event = aft_run_publisher_event(publisher, AFT_EVENT_SET_ASIDE);
    struct aft_event_aside *aside = &event.u.aside;
    const char *reason = strstr(aft_path_name(to), ".corrupt") != NULL      ? "corrupt"
                         : strstr(aft_path_name(to), ".superseded") != NULL ? "superseded"
                                                                            : "kept";
    (void)snprintf(aside->from, sizeof aside->from, "%s", aft_path_within(publisher->folder, from));
    (void)snprintf(aside->to, sizeof aside->to, "%s", aft_path_within(publisher->folder, to));
    (void)snprintf(aside->reason, sizeof aside->reason, "%s", reason);
    aft_event_publish(publisher->events, &event);
}

struct aft_set_aside_witness aft_run_publisher_witness(struct aft_run_publisher *publisher)
{
    return (struct aft_set_aside_witness){publisher, tell_of_move};
}

static void tell_of_stage_end(struct aft_run_publisher *publisher)
{
    struct aft_event event = aft_run_publisher_event(publisher, AFT_EVENT_STAGE_ENDS);
    const struct aft_stage *stage = &publisher->record.curriculum->stages[publisher->stage - 1];
    (void)snprintf(event.u.begins.name, sizeof event.u.begins.name, "%s", stage->name);
    event.u.begins.magnitude = stage->magnitude;
    event.u.begins.force_limit_n = stage->force_limit_n;
    event.u.begins.timesteps = stage->timesteps;
    event.u.begins.seconds = clock_s(CLOCK_MONOTONIC) - publisher->stage_began_s;
    aft_event_publish(publisher->events, &event);
}

static void name_archive(char *name, size_t size, const struct aft_run_publisher *publisher,
                         enum aft_archive_kind kind, const struct aft_snapshot_info *info)
{
    const struct aft_curriculum *curriculum = publisher->record.curriculum;
    int stage = (int)info->stage;
    const char *label = curriculum->stages[stage - 1].force_label;
    switch (kind) {
    case AFT_ARCHIVE_INTERRUPTED:
        (void)snprintf(name, size, "stage%d_INTERRUPTED_%s.zip", stage, label);
        break;
    case AFT_ARCHIVE_ERROR:
        (void)snprintf(name, size, "stage%d_ERROR_%s.zip", stage, label);
        break;
    case AFT_ARCHIVE_CHECKPOINT:
        (void)snprintf(name, size, "checkpoints/stage%d_step%09lld.zip", stage,
                       (long long)info->step);
        break;
    case AFT_ARCHIVE_BEST:
        (void)snprintf(name, size, "best_model.zip");
        break;
    case AFT_ARCHIVE_FINAL:
        (void)snprintf(name, size, "final_%s.zip", curriculum->run.name);
        break;
    default:
        (void)snprintf(name, size, "%s",
                       publisher->record.expectations->stages[stage - 1].archive_name);
        break;
    }
}

/* Another archive of the stage goes out of the way, once: a second try may find its own,
 * renamed but not yet synced. */
static enum aft_code clear_stage(struct aft_run_publisher *publisher, int64_t stage,
                                 struct aft_error *error)
{
    if (publisher->cleared_stage == stage) {
        return AFT_OK;
    }
    const struct aft_set_aside_witness witness = aft_run_publisher_witness(publisher);
    enum aft_code code = aft_supersede_stage(publisher->folder, (int)stage, &witness, error);
    publisher->cleared_stage = code == AFT_OK ? stage : 0;
    return code;
}

static enum aft_code make_checkpoint_folder(const struct aft_run_publisher *publisher,
                                            struct aft_error *error)
{
    char folder[PATH_MAX];
    enum aft_code code = aft_path_join(folder, publisher->folder, "checkpoints", error);
    return code == AFT_OK ? aft_file_make_folder(folder, error) : code;
}

/* Nothing valid is overwritten but by a later step of the same lineage, or by a better one. */
static enum aft_code make_way(struct aft_run_publisher *publisher, const char *path,
                              enum aft_archive_kind kind, const char *state_hash,
                              const struct aft_training_header *header, struct aft_error *error)
{
    const struct aft_set_aside_witness witness = aft_run_publisher_witness(publisher);
    switch (kind) {
    case AFT_ARCHIVE_STAGE:
        return clear_stage(publisher, header->counters.stage, error);
    case AFT_ARCHIVE_FINAL:
        return aft_supersede_other(path, state_hash, &witness, error);
    case AFT_ARCHIVE_BEST:
        return isfinite(publisher->best_score)
                   ? AFT_OK
                   : aft_supersede_other(path, state_hash, &witness, error);
    default:
        break;
    }
    enum aft_code code =
        kind == AFT_ARCHIVE_CHECKPOINT ? make_checkpoint_folder(publisher, error) : AFT_OK;
    if (code == AFT_OK) {
        struct aft_json *manifest = aft_manifest_of_lineage(&publisher->record, header);
        code = aft_keep_foreign_lineage(path, manifest, &header->counters, &witness, error);
        aft_json_destroy(manifest);
    }
    return code;
}

static void note_recovery(struct aft_run_publisher *publisher, const struct aft_snapshot_info *info,
                          const char *reason)
{
    struct aft_json *item = aft_json_object();
    aft_json_set_integer(item, "stage", info->stage);
    aft_json_set_integer(item, "step", info->step);
    aft_json_set_real(item, "unix_time", clock_s(CLOCK_REALTIME));
    aft_json_set_string(item, "reason", reason);
    aft_json_append(publisher->record.recoveries, item);
}

/* On a full disk the last words go into the space that was kept for them. */
static enum aft_code write_archive(struct aft_run_publisher *publisher, const char *path,
                                   enum aft_archive_kind kind, const char *bytes, size_t size,
                                   struct aft_error *error)
{
    struct aft_error ignored;
    bool last_words = kind == AFT_ARCHIVE_INTERRUPTED || kind == AFT_ARCHIVE_ERROR;
    enum aft_code code = aft_archive_publish(path, bytes, size, error);
    struct aft_file_reserve *own =
        kind == AFT_ARCHIVE_ERROR ? &publisher->error_reserve : &publisher->stop_reserve;
    if (code == AFT_ERR_SPACE && last_words) {
        code = aft_file_publish_reserved(own, path, bytes, size, error);
        if (code == AFT_OK) {
            struct aft_archive *archive = NULL;
            code = aft_archive_open(&archive, path, error);
            aft_archive_close(archive);
        }
    }
    if (code == AFT_OK) {
        /* Half as much again: a history grows. Nothing depends on getting it. */
        (void)aft_file_reserve_hold(&publisher->stop_reserve, publisher->folder, ".reserve-stop",
                                    size + size / 2, &ignored);
        (void)aft_file_reserve_hold(&publisher->error_reserve, publisher->folder, ".reserve-error",
                                    size + size / 2, &ignored);
    }
    return code;
}

static enum aft_code build_and_write(struct aft_run_publisher *publisher,
                                     enum aft_archive_kind kind,
                                     const struct aft_sealed_state *sealed, const char *reason,
                                     char state_hash[AFT_SHA256_HEX_SIZE], struct aft_error *error)
{
    const struct aft_training_header *header = sealed->bytes;
    char name[160];
    char path[PATH_MAX];
    char *bytes = NULL;
    size_t size = 0;
    double began = clock_s(CLOCK_MONOTONIC);
    if (sealed->info.stage == publisher->completed_stage + 1 && publisher->completed_stage > 0) {
        memcpy(publisher->record.lineage.parent, publisher->completed_hash,
               sizeof publisher->completed_hash);
    }
    publisher->record.checkpoint_order = aft_checkpoint_rotation_next(&publisher->rotation);
    name_archive(name, sizeof name, publisher, kind, &sealed->info);
    enum aft_code code = aft_path_join(path, publisher->folder, name, error);
    if (code == AFT_OK) {
        code = aft_archive_of_state(&bytes, &size, state_hash, &publisher->record, kind, sealed,
                                    reason, error);
    }
    if (code == AFT_OK) {
        code = make_way(publisher, path, kind, state_hash, header, error);
    }
    if (code == AFT_OK) {
        code = write_archive(publisher, path, kind, bytes, size, error);
    }
    if (code == AFT_OK) {
        memcpy(publisher->last_path, path, sizeof path);
        publisher->stage = header->counters.stage;
        publisher->stage_step = header->counters.steps;
        publisher->total_step = header->counters.total_steps;
        tell_of_archive(publisher, &(struct published){kind, bytes, state_hash, size, header,
                                                       clock_s(CLOCK_MONOTONIC) - began});
    }
    free(bytes);
    return code;
}

static enum aft_code publish_best(struct aft_run_publisher *publisher,
                                  const struct aft_sealed_state *sealed, struct aft_error *error)
{
    const struct aft_training_header *header = sealed->bytes;
    char state_hash[AFT_SHA256_HEX_SIZE];
    if (!publisher->record.curriculum->recovery.save_best || !isfinite(header->score) ||
        header->score <= publisher->best_score) {
        return AFT_OK;
    }
    enum aft_code code =
        build_and_write(publisher, AFT_ARCHIVE_BEST, sealed, NULL, state_hash, error);
    if (code == AFT_OK) {
        publisher->best_score = header->score;
    }
    return code;
}

enum aft_code aft_offer_best(struct aft_run_publisher *publisher,
                             const struct aft_sealed_state *sealed, struct aft_error *error)
{
    return publish_best(publisher, sealed, error);
}

enum aft_code aft_publish_final(struct aft_run_publisher *publisher,
                                const struct aft_sealed_state *sealed, struct aft_error *error)
{
    char state_hash[AFT_SHA256_HEX_SIZE];
    return build_and_write(publisher, AFT_ARCHIVE_FINAL, sealed, NULL, state_hash, error);
}

/* The last stage's archive comes with final_<run>.zip. */
static enum aft_code publish_stage(struct aft_run_publisher *publisher,
                                   const struct aft_sealed_state *sealed, struct aft_error *error)
{
    char state_hash[AFT_SHA256_HEX_SIZE];
    enum aft_code code =
        build_and_write(publisher, AFT_ARCHIVE_STAGE, sealed, NULL, state_hash, error);
    if (code != AFT_OK) {
        return code;
    }
    if (sealed->info.stage == publisher->record.curriculum->n_stages) {
        code = aft_publish_final(publisher, sealed, error);
    }
    if (code == AFT_OK) {
        publisher->completed_stage = sealed->info.stage;
        memcpy(publisher->completed_hash, state_hash, sizeof state_hash);
        tell_of_stage_end(publisher);
    }
    return code;
}

static enum aft_code publish(void *context, enum aft_archive_kind kind,
                             const struct aft_sealed_state *sealed, const char *reason,
                             struct aft_error *error)
{
    struct aft_run_publisher *publisher = context;
    char state_hash[AFT_SHA256_HEX_SIZE];
    if (sealed->info.stage < 1 || sealed->info.stage > publisher->record.curriculum->n_stages) {
        return aft_fail(error, AFT_ERR_CORRUPT, "build archive: the snapshot is of no stage");
    }
    if (reason != NULL) {
        note_recovery(publisher, &sealed->info, reason);
    }
    if (kind == AFT_ARCHIVE_STAGE) {
        return publish_stage(publisher, sealed, error);
    }
    if (kind == AFT_ARCHIVE_BEST) {
        return publish_best(publisher, sealed, error);
    }
    enum aft_code code = build_and_write(publisher, kind, sealed, reason, state_hash, error);
    if (code == AFT_OK && kind == AFT_ARCHIVE_CHECKPOINT) {
        code = aft_checkpoint_rotation_add(&publisher->rotation, publisher->last_path, error);
    }
    return code;
}

enum aft_code aft_run_publisher_init(struct aft_run_publisher *publisher,
                                     const struct aft_scan *scan, struct aft_error *error)
{
    publisher->best_score = -(double)INFINITY;
    publisher->stage_began_s = clock_s(CLOCK_MONOTONIC);
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (entry->kind == AFT_ARCHIVE_BEST && entry->valid && !entry->set_aside &&
            strcmp(aft_path_name(entry->path), "best_model.zip") == 0 &&
            entry->score > publisher->best_score) {
            publisher->best_score = entry->score;
        }
    }
    return aft_checkpoint_rotation_init(
        &publisher->rotation, publisher->record.curriculum->recovery.keep_last, scan, error);
}

void aft_run_publisher_clear(struct aft_run_publisher *publisher)
{
    aft_checkpoint_rotation_clear(&publisher->rotation);
    aft_file_reserve_release(&publisher->stop_reserve);
    aft_file_reserve_release(&publisher->error_reserve);
    aft_json_destroy(publisher->record.recoveries);
}

enum aft_code aft_run_publisher_read_references(struct aft_run_publisher *publisher,
                                                struct aft_error *error)
{
    struct aft_run_record *record = &publisher->record;
    const struct aft_curriculum *curriculum = record->curriculum;
    struct aft_reference_file *file = &publisher->references;
    bool asked_for = curriculum->evaluation.references != AFT_REFERENCES_NONE;
    file->n = asked_for ? curriculum->n_stages : 0;
    for (int i = 0; i < file->n; i++) {
        aft_reference_key(file->keys[i], record->expectations->stages[i].fingerprint,
                          &curriculum->evaluation);
    }
    enum aft_code code = aft_path_join(file->path, publisher->folder, "references.json", error);
    if (code == AFT_OK) {
        aft_reference_scores_read(&record->references, file);
    }
    return code;
}

/* New ones are kept at once: they took seconds to find. If they cannot be, it is told. */
static void keep_references(struct aft_run_publisher *publisher,
                            const struct aft_event_evaluation *event)
{
    struct aft_run_record *record = &publisher->record;
    struct aft_error error;
    const struct aft_reference_score told = {event->lqr_peak_to_passive, event->lqr_rms_to_passive,
                                             event->lqg_peak_to_passive, event->lqg_rms_to_passive};
    if (event->of_stage < 1 || event->of_stage > record->curriculum->n_stages ||
        !aft_reference_score_known(&told) ||
        aft_reference_score_known(&record->references.stages[event->of_stage - 1])) {
        return;
    }
    record->references.stages[event->of_stage - 1] = told;
    if (aft_reference_scores_write(&record->references, &publisher->references, &error) != AFT_OK) {
        aft_run_publisher_tell(publisher, AFT_EVENT_NOTICE, error.message);
    }
}

/* The episodes that finished in an iteration. Events are passed on before the worker may
 * write over their history (S4). */
static void tell_of_episodes(struct aft_run_publisher *publisher, const struct aft_event *event)
{
    const struct aft_event_iteration *iteration = &event->u.iteration;
    struct aft_event told = *event;
    struct aft_event_episode *of = &told.u.episode;
    double rollout_end = event->unix_time - iteration->update_s;
    told.type = AFT_EVENT_EPISODE;
    memset(&told.u, 0, sizeof told.u);
    of->n_metrics = iteration->n_metrics;
    memcpy(of->metric_names, iteration->metric_names, sizeof of->metric_names);
    for (int64_t i = 0; i < iteration->n_finished; i++) {
        const struct aft_episode *episode =
            aft_history_at(publisher->region, (size_t)(iteration->first_finished + i));
        if (episode == NULL) {
            return;
        }
        int64_t ago = event->stage_step - episode->step;
        told.stage_step = episode->step;
        told.total_step = event->total_step - ago;
        told.unix_time =
            rollout_end - iteration->rollout_s * (double)ago / (double)iteration->rollout_steps;
        of->reward = (double)episode->total_reward;
        of->length = episode->length;
        for (int k = 0; k < of->n_metrics; k++) {
            of->metrics[k] = (double)episode->metrics[k];
        }
        aft_event_publish(publisher->events, &told);
    }
}

static void pass_event_on(void *context, const void *record)
{
    struct aft_run_publisher *publisher = context;
    const struct aft_event *event = record;
    bool begins = event->type == AFT_EVENT_STAGE_BEGINS && event->u.begins.attempt == 1 &&
                  event->stage_step == 0;
    if (event->stage != publisher->stage || begins) {
        publisher->stage_began_s = clock_s(CLOCK_MONOTONIC);
    }
    publisher->stage = event->stage;
    publisher->stage_step = event->stage_step;
    publisher->total_step = event->total_step;
    if (event->type == AFT_EVENT_EVALUATION) {
        keep_references(publisher, &event->u.evaluation);
    }
    if (event->type == AFT_EVENT_ITERATION) {
        tell_of_episodes(publisher, event);
    }
    aft_event_publish(publisher->events, event);
}

static void tell_of_incident(void *context, const char *text)
{
    aft_run_publisher_tell(context, AFT_EVENT_INCIDENT, text);
}

/* Reasons are told with the stage and step that a new worker goes on from. */
static void tell_of_loss(void *context, const struct aft_worker_loss *loss)
{
    struct aft_run_publisher *publisher = context;
    struct aft_event event = aft_run_publisher_event(publisher, AFT_EVENT_WORKER_LOST);
    struct aft_event_lost *told = &event.u.lost;
    event.stage = (int)loss->stage;
    event.stage_step = loss->step;
    (void)snprintf(told->reason, sizeof told->reason, "%s", loss->reason);
    told->attempt = loss->attempt;
    told->retried = loss->retried;
    told->failures = loss->failures;
    told->retries = loss->retries;
    told->pause_s = loss->pause_s;
    aft_event_publish(publisher->events, &event);
}

static void tell_state(void *context, enum aft_keeper_state state)
{
    struct aft_run_publisher *publisher = context;
    struct aft_event event = aft_run_publisher_event(publisher, AFT_EVENT_STATE);
    (void)snprintf(event.u.state.name, sizeof event.u.state.name, "%s",
                   aft_keeper_state_name(state));
    aft_event_publish(publisher->events, &event);
}

static void tell_of_signal(void *context, int number)
{
    struct aft_run_publisher *publisher = context;
    struct aft_event event = aft_run_publisher_event(publisher, AFT_EVENT_SIGNAL);
    event.u.signal.number = number;
    (void)snprintf(event.u.signal.name, sizeof event.u.signal.name, "SIG%s", sigabbrev_np(number));
    aft_event_publish(publisher->events, &event);
}

static void tick(void *context)
{
    struct aft_run_publisher *publisher = context;
    aft_event_tick(publisher->events);
}

struct aft_keeper_hooks aft_run_publisher_hooks(struct aft_run_publisher *publisher)
{
    return (struct aft_keeper_hooks){
        .context = publisher,
        .publish = publish,
        .event = pass_event_on,
        .incident = tell_of_incident,
        .lost = tell_of_loss,
        .state = tell_state,
        .signal = tell_of_signal,
        .tick = tick,
    };
}
