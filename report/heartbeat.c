/*
 * heartbeat.json: that a run goes on, written anew every two seconds and at
 * every change of state. Renamed into place, so that a reader never sees a part;
 * not synced, since after a power cut nothing in it is true any more.
 */
#include "report/heartbeat.h"

#include "base/file.h"
#include "base/path.h"
#include "report/observers.h"
#include "report/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double interval_s = 2;
static const double rate_over_s = 5; /* at least, between two iterations */

struct heartbeat {
    char path[PATH_MAX];
    const struct aft_run_identity *run; /* borrowed */
    struct aft_process process;
    double started; /* seconds since 1970, … */
    double beat_s;  /* … and monotonic: of the last beat */
    char state[20];
    int stage;
    int64_t attempt, step, total_steps;
    double steps_per_s; /* NaN: not known yet */
    double rate_from;   /* time and steps that the next rate is taken from; 0: none */
    int64_t rate_from_steps;
    struct aft_event_archive last_archive; /* name "": none */
    int exit_code;                         /* -1: it goes on */
    char message[AFT_TEXT_SIZE];           /* of its end */
    bool warned;
};

static double clock_s(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void set_count(struct aft_json *object, const char *key, int64_t number, bool known)
{
    aft_json_set(object, key, known ? aft_json_integer(number) : aft_json_null());
}

static struct aft_json *last_archive(const struct heartbeat *heartbeat)
{
    if (heartbeat->last_archive.name[0] == '\0') {
        return aft_json_null();
    }
    struct aft_json *archive = aft_json_object();
    aft_json_set_string(archive, "kind", heartbeat->last_archive.kind);
    aft_json_set_string(archive, "path", heartbeat->last_archive.name);
    aft_json_set_string(archive, "training_state_sha256", heartbeat->last_archive.state_hash);
    return archive;
}

static struct aft_json *document(const struct heartbeat *heartbeat)
{
    const struct aft_run_identity *run = heartbeat->run;
    const struct aft_run_stage_identity *stage = aft_run_identity_stage(run, heartbeat->stage);
    char time[AFT_TEXT_NUMBER];
    bool ended = heartbeat->exit_code >= 0;
    struct aft_json *beat = aft_json_object(), *process = aft_json_object();
    aft_json_set_integer(beat, "v", AFT_HEARTBEAT_VERSION);
    aft_json_set_string(beat, "time", aft_text_time(time, clock_s(CLOCK_REALTIME)));
    aft_json_set_real(beat, "interval_s", interval_s);
    aft_json_set_string(beat, "run_id", run->run_id);
    aft_json_set_string(beat, "run", run->name);
    aft_json_set_string(beat, "state", heartbeat->state);
    aft_json_set_integer(beat, "stages_total", run->n_stages);
    set_count(beat, "stage", heartbeat->stage, stage != NULL);
    aft_json_set_string(beat, "stage_name", stage != NULL ? stage->name : NULL);
    set_count(beat, "stage_timesteps", stage != NULL ? stage->timesteps : 0, stage != NULL);
    set_count(beat, "attempt", heartbeat->attempt, heartbeat->attempt > 0);
    set_count(beat, "step", heartbeat->step, stage != NULL);
    aft_json_set_integer(beat, "total_steps", heartbeat->total_steps);
    aft_json_set_integer(beat, "steps_total", aft_run_identity_steps(run));
    aft_json_set_real(beat, "steps_per_s", heartbeat->steps_per_s);
    aft_process_set(process, &heartbeat->process);
    aft_json_set(beat, "process", process);
    aft_json_set_string(beat, "started", aft_text_time(time, heartbeat->started));
    aft_json_set(beat, "resumed_from",
                 run->resumed_from != NULL ? aft_json_copy(run->resumed_from) : aft_json_null());
    aft_json_set(beat, "last_archive", last_archive(heartbeat));
    set_count(beat, "exit_code", heartbeat->exit_code, ended);
    aft_json_set_string(beat, "message", ended ? heartbeat->message : NULL);
    return beat;
}

static void beat(struct heartbeat *heartbeat)
{
    struct aft_error error;
    char *text = NULL;
    size_t size = 0;
    struct aft_json *json = document(heartbeat);
    enum aft_code code = aft_json_write(&text, &size, json, true, &error);
    if (code == AFT_OK) {
        text[size] = '\n'; /* in place of the NUL */
        code = aft_file_replace(heartbeat->path, text, size + 1, &error);
    }
    if (code != AFT_OK && !heartbeat->warned) {
        heartbeat->warned = true;
        (void)fprintf(stderr, "warning: %s; training goes on without a heartbeat\n", error.message);
    }
    aft_json_destroy(json);
    free(text);
    heartbeat->beat_s = clock_s(CLOCK_MONOTONIC);
}

static void take_rate(struct heartbeat *heartbeat, const struct aft_event *event)
{
    double passed = event->unix_time - heartbeat->rate_from;
    int64_t steps = event->total_step - heartbeat->rate_from_steps;
    if (!isfinite(heartbeat->steps_per_s)) {
        heartbeat->steps_per_s = event->u.iteration.fps; /* since the process began */
    }
    if (heartbeat->rate_from > 0 && steps > 0 && passed >= 0 && passed < rate_over_s) {
        return;
    }
    if (heartbeat->rate_from > 0 && steps > 0 && passed > 0) {
        heartbeat->steps_per_s = (double)steps / passed;
    }
    heartbeat->rate_from = event->unix_time;
    heartbeat->rate_from_steps = event->total_step;
}

/* What the event says of where training is. */
static void take_place(struct heartbeat *heartbeat, const struct aft_event *event)
{
    if (event->stage > 0 && event->type != AFT_EVENT_STATE && event->type != AFT_EVENT_EPISODE) {
        heartbeat->stage = event->stage;
        heartbeat->step = event->stage_step;
        heartbeat->total_steps = event->total_step;
    }
    switch (event->type) {
    case AFT_EVENT_RUN_BEGINS:
        heartbeat->total_steps = event->total_step;
        break;
    case AFT_EVENT_STAGE_BEGINS:
        heartbeat->attempt = event->u.begins.attempt;
        break;
    case AFT_EVENT_WORKER_BEGINS:
        heartbeat->attempt = event->u.worker.attempt;
        break;
    case AFT_EVENT_ITERATION:
        heartbeat->attempt = event->u.iteration.attempt;
        take_rate(heartbeat, event);
        break;
    case AFT_EVENT_ARCHIVE:
        heartbeat->last_archive = event->u.archive;
        break;
    default:
        break;
    }
}

static void on_event(void *self, const struct aft_event *event)
{
    struct heartbeat *heartbeat = self;
    take_place(heartbeat, event);
    if (event->type == AFT_EVENT_STATE) {
        (void)snprintf(heartbeat->state, sizeof heartbeat->state, "%s", event->u.state.name);
        beat(heartbeat);
    } else if (event->type == AFT_EVENT_RUN_BEGINS) {
        beat(heartbeat);
    } else if (event->type == AFT_EVENT_RUN_ENDS) {
        (void)snprintf(heartbeat->state, sizeof heartbeat->state, "%s", event->u.ends.outcome);
        heartbeat->exit_code = event->u.ends.exit_code;
        (void)snprintf(heartbeat->message, sizeof heartbeat->message, "%s", event->u.ends.text);
        beat(heartbeat);
    }
}

static void tick(void *self)
{
    struct heartbeat *heartbeat = self;
    if (clock_s(CLOCK_MONOTONIC) - heartbeat->beat_s >= interval_s) {
        beat(heartbeat);
    }
}

enum aft_code aft_heartbeat_create(struct aft_observer *observer, const char *folder,
                                   const struct aft_run_identity *run, struct aft_error *error)
{
    struct heartbeat *heartbeat = calloc(1, sizeof *heartbeat);
    if (!heartbeat) {
        return aft_fail(error, AFT_ERR_MEMORY, "open heartbeat.json in '%s': out of memory",
                        folder);
    }
    enum aft_code code = aft_path_join(heartbeat->path, folder, "heartbeat.json", error);
    if (code != AFT_OK) {
        free(heartbeat);
        return code;
    }
    heartbeat->run = run;
    heartbeat->started = clock_s(CLOCK_REALTIME);
    heartbeat->steps_per_s = (double)NAN;
    heartbeat->exit_code = -1;
    (void)snprintf(heartbeat->state, sizeof heartbeat->state, "starting");
    aft_process_self(&heartbeat->process);
    *observer = (struct aft_observer){heartbeat, on_event, tick, free};
    return AFT_OK;
}
