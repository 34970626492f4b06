/*
 * events.jsonl: what happened to a run, one JSON object per line, for programs.
 * docs/run-files.md is its contract. A line is one write() to a file opened for
 * appending; nothing is synced: the archives are the truth, this is the story.
 */
#include "report/append_file.h"
#include "report/events_tail.h"
#include "report/observers.h"
#include "report/process.h"
#include "report/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_VERSION = 1 };

struct events_jsonl {
    struct aft_append_file file;
    const struct aft_run_identity *run; /* borrowed */
    int64_t seq;                        /* of the last line */
};

static const char *name_of(const struct events_jsonl *events, const struct aft_event *event)
{
    switch (event->type) {
    case AFT_EVENT_RUN_BEGINS:
        return events->run->resumed_from != NULL ? "run_resumed" : "run_started";
    case AFT_EVENT_WORKER_BEGINS:
        return "worker_started";
    case AFT_EVENT_WORKER_LOST:
        return "worker_lost";
    case AFT_EVENT_STAGE_BEGINS: /* that one goes on, run_resumed or worker_started has told */
        return event->stage_step == 0 ? "stage_started" : NULL;
    case AFT_EVENT_STAGE_ENDS:
        return "stage_completed";
    case AFT_EVENT_EVALUATION:
        return "evaluation";
    case AFT_EVENT_GATE:
        return event->u.gate.passed ? "gate_passed" : "gate_blocked";
    case AFT_EVENT_ARCHIVE:
        return "archive_saved";
    case AFT_EVENT_SET_ASIDE:
        return "archive_set_aside";
    case AFT_EVENT_SIGNAL:
        return strcmp(event->u.signal.name, "SIGUSR1") == 0 ? "checkpoint_requested"
                                                            : "stop_requested";
    case AFT_EVENT_INCIDENT:
        return "incident";
    case AFT_EVENT_NOTICE:
        return "notice";
    case AFT_EVENT_RUN_ENDS:
        return "run_ended";
    case AFT_EVENT_ITERATION: /* the metric files have them */
    case AFT_EVENT_EPISODE:
    case AFT_EVENT_MOTION_RESULTS:
    case AFT_EVENT_STATE: /* heartbeat.json has it */
        break;
    }
    return NULL;
}

static void add_run(struct aft_json *line, const struct aft_run_identity *run,
                    const struct aft_event_run *begins)
{
    struct aft_json *stages = aft_json_array(), *process = aft_json_object();
    struct aft_process self;
    aft_json_set_string(line, "run", run->name);
    aft_json_set_integer(line, "next_stage", begins->next_stage);
    aft_json_set_integer(line, "steps_total", aft_run_identity_steps(run));
    for (int i = 0; i < run->n_stages; i++) {
        struct aft_json *stage = aft_json_object();
        aft_json_set_integer(stage, "stage", i + 1);
        aft_json_set_string(stage, "name", run->stages[i].name);
        aft_json_set_integer(stage, "timesteps", run->stages[i].timesteps);
        aft_json_set_string(stage, "fingerprint", run->stages[i].fingerprint);
        aft_json_append(stages, stage);
    }
    aft_json_set(line, "stages", stages);
    aft_json_set(line, "resumed_from",
                 run->resumed_from != NULL ? aft_json_copy(run->resumed_from) : aft_json_null());
    aft_process_self(&self);
    aft_process_set(process, &self);
    aft_json_set(line, "process", process);
    for (size_t i = 0; i < aft_json_length(run->about); i++) {
        const struct aft_json *value;
        const char *key = aft_json_key_at(run->about, i, &value);
        aft_json_set(line, key, aft_json_copy(value));
    }
}

static void add_stage(struct aft_json *line, const struct aft_run_identity *run,
                      const struct aft_event *event)
{
    const struct aft_event_stage *stage = &event->u.begins;
    const struct aft_run_stage_identity *known = aft_run_identity_stage(run, event->stage);
    aft_json_set_string(line, "name", stage->name);
    aft_json_set_real(line, "magnitude", stage->magnitude);
    aft_json_set_real(line, "force_limit_n", stage->force_limit_n);
    aft_json_set_integer(line, "timesteps", stage->timesteps);
    if (event->type == AFT_EVENT_STAGE_ENDS) {
        aft_json_set_real(line, "seconds", stage->seconds);
        return;
    }
    aft_json_set_integer(line, "attempt", stage->attempt);
    aft_json_set_string(line, "fingerprint", known != NULL ? known->fingerprint : NULL);
    aft_json_set_integer(line, "n_envs", stage->n_envs);
    aft_json_set_integer(line, "n_steps", stage->n_steps);
    aft_json_set_integer(line, "batch_size", stage->batch_size);
    aft_json_set_integer(line, "n_epochs", stage->n_epochs);
    aft_json_set_real(line, "learning_rate", stage->learning_rate);
    aft_json_set_real(line, "final_learning_rate", stage->final_learning_rate);
    aft_json_set_string(line, "network", stage->network);
}

static void add_evaluation(struct aft_json *line, const struct aft_event_evaluation *evaluation)
{
    aft_json_set_integer(line, "attempt", evaluation->attempt);
    aft_json_set_integer(line, "of_stage", evaluation->of_stage);
    aft_json_set_string(line, "motion_set", evaluation->set);
    aft_json_set_integer(line, "motions", evaluation->motions);
    aft_json_set_real(line, "peak_drift_to_passive", evaluation->peak_drift_to_passive);
    aft_json_set_real(line, "rms_drift_to_passive", evaluation->rms_drift_to_passive);
    aft_json_set_real(line, "worst_peak_to_passive", evaluation->worst_peak_to_passive);
    aft_json_set_real(line, "uncontrolled_peak_to_passive",
                      evaluation->uncontrolled_peak_to_passive);
    aft_json_set_real(line, "stroke_max_m", evaluation->stroke_max_m);
    aft_json_set_real(line, "power_max_w", evaluation->power_max_w);
    aft_json_set_real(line, "lqr_peak_to_passive", evaluation->lqr_peak_to_passive);
    aft_json_set_real(line, "lqr_rms_to_passive", evaluation->lqr_rms_to_passive);
    aft_json_set_real(line, "lqg_peak_to_passive", evaluation->lqg_peak_to_passive);
    aft_json_set_real(line, "lqg_rms_to_passive", evaluation->lqg_rms_to_passive);
    aft_json_set_real(line, "score", evaluation->score);
}

static void add_gate(struct aft_json *line, const struct aft_event_gate *gate)
{
    aft_json_set_integer(line, "attempt", gate->attempt);
    aft_json_set_integer(line, "max_attempts", gate->max_attempts);
    aft_json_set_real(line, "score", gate->score);
    aft_json_set_real(line, "limit", gate->limit);
    aft_json_set_string(line, "verdict", gate->verdict);
    if (!gate->passed) {
        bool again = gate->next_learning_rate_scale > 0;
        aft_json_set_boolean(line, "rolled_back", again);
        aft_json_set(line, "next_learning_rate_scale",
                     again ? aft_json_real(gate->next_learning_rate_scale) : aft_json_null());
    }
}

static void add_archive(struct aft_json *line, const struct aft_event_archive *archive)
{
    aft_json_set_string(line, "kind", archive->kind);
    aft_json_set_string(line, "path", archive->name);
    aft_json_set_integer(line, "attempt", archive->attempt);
    aft_json_set_real(line, "score", archive->score);
    aft_json_set_integer(line, "bytes", archive->bytes);
    aft_json_set_string(line, "digest", archive->digest);
    aft_json_set_string(line, "training_state_sha256", archive->state_hash);
    aft_json_set_real(line, "seconds", archive->seconds);
}

static void add_loss(struct aft_json *line, const struct aft_event_lost *lost)
{
    aft_json_set_integer(line, "attempt", lost->attempt);
    aft_json_set_string(line, "reason", lost->reason);
    aft_json_set_boolean(line, "retried", lost->retried);
    aft_json_set_integer(line, "failures", lost->failures);
    aft_json_set_integer(line, "retries", lost->retries);
    aft_json_set_real(line, "pause_s", lost->pause_s);
}

/* The members that only this event has. */
static void add_particulars(struct aft_json *line, const struct events_jsonl *events,
                            const struct aft_event *event)
{
    switch (event->type) {
    case AFT_EVENT_RUN_BEGINS:
        add_run(line, events->run, &event->u.run);
        break;
    case AFT_EVENT_WORKER_BEGINS:
        aft_json_set_integer(line, "pid", event->u.worker.pid);
        if (event->u.worker.attempt > 0) { /* none has begun yet */
            aft_json_set_integer(line, "attempt", event->u.worker.attempt);
        }
        aft_json_set_string(line, "engine", event->u.worker.engine);
        aft_json_set_integer(line, "threads", event->u.worker.threads);
        break;
    case AFT_EVENT_WORKER_LOST:
        add_loss(line, &event->u.lost);
        break;
    case AFT_EVENT_STAGE_BEGINS:
    case AFT_EVENT_STAGE_ENDS:
        add_stage(line, events->run, event);
        break;
    case AFT_EVENT_EVALUATION:
        add_evaluation(line, &event->u.evaluation);
        break;
    case AFT_EVENT_GATE:
        add_gate(line, &event->u.gate);
        break;
    case AFT_EVENT_ARCHIVE:
        add_archive(line, &event->u.archive);
        break;
    case AFT_EVENT_SET_ASIDE:
        aft_json_set_string(line, "path", event->u.aside.from);
        aft_json_set_string(line, "moved_to", event->u.aside.to);
        aft_json_set_string(line, "reason", event->u.aside.reason);
        break;
    case AFT_EVENT_SIGNAL:
        aft_json_set_string(line, "signal", event->u.signal.name);
        break;
    case AFT_EVENT_RUN_ENDS:
        aft_json_set_string(line, "outcome", event->u.ends.outcome);
        aft_json_set_integer(line, "exit_code", event->u.ends.exit_code);
        break;
    default:
        break;
    }
}

static struct aft_json *line_of(const struct events_jsonl *events, const struct aft_event *event,
                                const char *name)
{
    char time[AFT_TEXT_NUMBER], text[AFT_TEXT_SIZE];
    struct aft_json *line = aft_json_object();
    aft_json_set_integer(line, "v", FORMAT_VERSION);
    aft_json_set_integer(line, "seq", events->seq + 1);
    aft_json_set_string(line, "time", aft_text_time(time, event->unix_time));
    aft_json_set_string(line, "run_id", events->run->run_id);
    aft_json_set_string(line, "event", name);
    if (event->stage > 0) {
        aft_json_set_integer(line, "stage", event->stage);
        aft_json_set_integer(line, "step", event->stage_step);
    }
    aft_json_set_integer(line, "total_steps", event->total_step);
    aft_text_event(text, event);
    aft_json_set_string(line, "message", text);
    add_particulars(line, events, event);
    return line;
}

static void on_event(void *self, const struct aft_event *event)
{
    struct events_jsonl *events = self;
    const char *name = name_of(events, event);
    char *text = NULL;
    size_t size = 0;
    if (name == NULL) {
        return;
    }
    struct aft_json *line = line_of(events, event, name);
    if (aft_json_write(&text, &size, line, false, NULL) == AFT_OK) {
        text[size] = '\n'; /* in place of the NUL */
        aft_append_file_write(&events->file, text, size + 1);
    }
    events->seq++; /* a line that could not be written leaves a gap */
    aft_json_destroy(line);
    free(text);
}

static void destroy(void *self)
{
    struct events_jsonl *events = self;
    aft_append_file_close(&events->file);
    free(events);
}

enum aft_code aft_events_jsonl_create(struct aft_observer *observer, const char *folder,
                                      const struct aft_run_identity *run, struct aft_error *error)
{
    struct events_jsonl *events = calloc(1, sizeof *events);
    if (!events) {
        return aft_fail(error, AFT_ERR_MEMORY, "open events.jsonl in '%s': out of memory", folder);
    }
    events->run = run;
    enum aft_code code = aft_append_file_open(&events->file, folder, "events.jsonl", error);
    if (code == AFT_OK && aft_append_file_is_regular(&events->file)) {
        code = aft_events_tail_mend(&events->seq, events->file.path, error);
    }
    if (code != AFT_OK) {
        aft_append_file_close(&events->file);
        free(events);
        return code;
    }
    *observer = (struct aft_observer){.self = events, .on_event = on_event, .destroy = destroy};
    return AFT_OK;
}
