#include "runner/run_publisher.h"

#include "base/path.h"
#include "recovery/scan.h"
#include "runner/training_state.h"

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

static struct aft_event event_now(const struct aft_run_publisher *publisher,
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
    struct aft_event event = event_now(publisher, type);
    (void)snprintf(event.u.message.text, sizeof event.u.message.text, "%s", text);
    aft_event_publish(publisher->events, &event);
}

static void tell_of_archive(struct aft_run_publisher *publisher, enum aft_archive_kind kind,
                            size_t size, double seconds)
{
    struct aft_event event = event_now(publisher, AFT_EVENT_ARCHIVE);
    (void)snprintf(event.u.archive.kind, sizeof event.u.archive.kind, "%s",
                   aft_archive_kind_name(kind));
    (void)snprintf(event.u.archive.path, sizeof event.u.archive.path, "%.255s",
                   publisher->last_path);
    event.u.archive.bytes = (int64_t)size;
    event.u.archive.seconds = seconds;
    aft_event_publish(publisher->events, &event);
}

static void tell_of_stage_end(struct aft_run_publisher *publisher)
{
    struct aft_event event = event_now(publisher, AFT_EVENT_STAGE_ENDS);
    const struct aft_stage *stage =
        &publisher->record.curriculum->stages[publisher->stage - 1];
    (void)snprintf(event.u.begins.name, sizeof event.u.begins.name, "%s", stage->name);
    event.u.begins.magnitude = stage->magnitude;
    event.u.begins.force_limit_n = stage->force_limit_n;
    event.u.begins.timesteps = stage->timesteps;
    event.u.begins.seconds = clock_s(CLOCK_MONOTONIC) - publisher->stage_began_s;
    aft_event_publish(publisher->events, &event);
}

static enum aft_code path_of_archive(char path[PATH_MAX], const struct aft_run_publisher *publisher,
                                     enum aft_archive_kind kind, int64_t stage,
                                     struct aft_error *error)
{
    char name[128];
    const char *label = publisher->record.curriculum->stages[stage - 1].force_label;
    switch (kind) {
    case AFT_ARCHIVE_INTERRUPTED:
        (void)snprintf(name, sizeof name, "stage%d_INTERRUPTED_%s.zip", (int)stage, label);
        break;
    case AFT_ARCHIVE_ERROR:
        (void)snprintf(name, sizeof name, "stage%d_ERROR_%s.zip", (int)stage, label);
        break;
    default:
        (void)snprintf(name, sizeof name, "%s",
                       publisher->record.expectations->stages[stage - 1].archive_name);
        break;
    }
    return aft_path_join(path, publisher->folder, name, error);
}

/* Nothing valid is overwritten but by a later step of the same lineage. */
static enum aft_code make_way(struct aft_run_publisher *publisher, const char *path,
                              enum aft_archive_kind kind,
                              const struct aft_archive_counters *counters,
                              struct aft_error *error)
{
    if (kind == AFT_ARCHIVE_STAGE) {
        /* Once: a second try may find its own archive, renamed but not yet synced. */
        if (publisher->cleared_stage == counters->stage) {
            return AFT_OK;
        }
        enum aft_code code = aft_supersede_stage(publisher->folder, (int)counters->stage, error);
        publisher->cleared_stage = code == AFT_OK ? counters->stage : 0;
        return code;
    }
    struct aft_json *manifest = aft_manifest_of_lineage(&publisher->record.lineage);
    enum aft_code code = aft_keep_foreign_lineage(path, manifest, counters, error);
    aft_json_destroy(manifest);
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

static enum aft_code publish(void *context, enum aft_archive_kind kind,
                             const struct aft_sealed_state *sealed, const char *reason,
                             struct aft_error *error)
{
    struct aft_run_publisher *publisher = context;
    const struct aft_training_header *header = sealed->bytes;
    char state_hash[AFT_SHA256_HEX_SIZE];
    char path[PATH_MAX];
    char *bytes = NULL;
    size_t size = 0;
    double began = clock_s(CLOCK_MONOTONIC);
    if (reason != NULL) {
        note_recovery(publisher, &sealed->info, reason);
    }
    enum aft_code code = aft_archive_of_state(&bytes, &size, state_hash, &publisher->record, kind,
                                              sealed, reason, error);
    if (code == AFT_OK) {
        code = path_of_archive(path, publisher, kind, sealed->info.stage, error);
    }
    if (code == AFT_OK) {
        code = make_way(publisher, path, kind, &header->counters, error);
    }
    if (code == AFT_OK) {
        code = aft_archive_publish(path, bytes, size, error);
    }
    free(bytes);
    if (code != AFT_OK) {
        return code;
    }
    memcpy(publisher->last_path, path, sizeof path);
    publisher->stage = header->counters.stage;
    publisher->stage_step = header->counters.steps;
    publisher->total_step = header->counters.total_steps;
    tell_of_archive(publisher, kind, size, clock_s(CLOCK_MONOTONIC) - began);
    if (kind == AFT_ARCHIVE_STAGE) {
        memcpy(publisher->record.lineage.parent, state_hash, sizeof state_hash);
        tell_of_stage_end(publisher);
    }
    return AFT_OK;
}

static void pass_event_on(void *context, const void *record)
{
    struct aft_run_publisher *publisher = context;
    const struct aft_event *event = record;
    if (event->stage != publisher->stage || event->type == AFT_EVENT_STAGE_BEGINS) {
        publisher->stage_began_s = clock_s(CLOCK_MONOTONIC);
    }
    publisher->stage = event->stage;
    publisher->stage_step = event->stage_step;
    publisher->total_step = event->total_step;
    aft_event_publish(publisher->events, event);
}

static void tell_of_incident(void *context, const char *text)
{
    aft_run_publisher_tell(context, AFT_EVENT_INCIDENT, text);
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
        .tick = tick,
    };
}
