/* One line of English about each event. */
#include "report/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *aft_text_count(char out[AFT_TEXT_NUMBER], int64_t number)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRId64, number);
    size_t used = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-') {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *aft_text_rate(char out[AFT_TEXT_NUMBER], double number)
{
    if (!isfinite(number) || number < 0) {
        (void)snprintf(out, AFT_TEXT_NUMBER, "-");
    } else if (number < 999.5) {
        (void)snprintf(out, AFT_TEXT_NUMBER, "%.0f", number);
    } else if (number < 999.5e3) {
        (void)snprintf(out, AFT_TEXT_NUMBER, number < 99.95e3 ? "%.1fk" : "%.0fk", number / 1e3);
    } else {
        (void)snprintf(out, AFT_TEXT_NUMBER, "%.2fM", number / 1e6);
    }
    return out;
}

const char *aft_text_duration(char out[AFT_TEXT_NUMBER], double seconds)
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e10) {
        (void)snprintf(out, AFT_TEXT_NUMBER, "-:--");
        return out;
    }
    int64_t s = llround(seconds);
    int minutes = (int)(s / 60 % 60), rest = (int)(s % 60);
    if (s < 3600) {
        (void)snprintf(out, AFT_TEXT_NUMBER, "%d:%02d", minutes, rest);
    } else if (s < 86400) {
        (void)snprintf(out, AFT_TEXT_NUMBER, "%d:%02d:%02d", (int)(s / 3600), minutes, rest);
    } else {
        (void)snprintf(out, AFT_TEXT_NUMBER, "%" PRId64 "d %02d:%02d:%02d", s / 86400,
                       (int)(s / 3600 % 24), minutes, rest);
    }
    return out;
}

const char *aft_text_time(char out[AFT_TEXT_NUMBER], double unix_time)
{
    char seconds[24] = "1970-01-01T00:00:00";
    double whole = floor(unix_time);
    time_t clock = (time_t)whole;
    struct tm utc;
    if (gmtime_r(&clock, &utc)) {
        (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    (void)snprintf(out, AFT_TEXT_NUMBER, "%s.%03dZ", seconds, (int)((unix_time - whole) * 1000));
    return out;
}

const char *aft_text_bytes(char out[AFT_TEXT_NUMBER], int64_t bytes)
{
    if (bytes < 1000) {
        (void)snprintf(out, AFT_TEXT_NUMBER, "%" PRId64 " B", bytes);
    } else if (bytes < 1000000) {
        (void)snprintf(out, AFT_TEXT_NUMBER, "%.0f kB", (double)bytes / 1e3);
    } else {
        (void)snprintf(out, AFT_TEXT_NUMBER, "%.1f MB", (double)bytes / 1e6);
    }
    return out;
}

static void text_run(char *out, size_t size, const struct aft_event_run *run)
{
    (void)snprintf(out, size, "run '%s' begins: %s", run->name, run->plan);
}

static void text_stage_begins(char *out, size_t size, const struct aft_event *event)
{
    const struct aft_event_stage *stage = &event->u.begins;
    char timesteps[AFT_TEXT_NUMBER], attempt[32] = "";
    if (stage->attempt > 1) {
        (void)snprintf(attempt, sizeof attempt, ", attempt %d,", stage->attempt);
    }
    (void)snprintf(out, size,
                   "stage %d (%s)%s begins at step %" PRId64
                   " of %s: force limit %g kN, network %s, "
                   "%d environments x %d steps, batch %d, %d epochs",
                   event->stage, stage->name, attempt, event->stage_step,
                   aft_text_count(timesteps, stage->timesteps), stage->force_limit_n / 1e3,
                   stage->network, stage->n_envs, stage->n_steps, stage->batch_size,
                   stage->n_epochs);
}

static void text_stage_ends(char *out, size_t size, const struct aft_event *event)
{
    const struct aft_event_stage *stage = &event->u.begins;
    char steps[AFT_TEXT_NUMBER], time[AFT_TEXT_NUMBER];
    (void)snprintf(out, size, "stage %d (%s) complete: %s steps in %s", event->stage, stage->name,
                   aft_text_count(steps, event->stage_step),
                   aft_text_duration(time, stage->seconds));
}

static void text_evaluation(char *out, size_t size, const struct aft_event_evaluation *e)
{
    int used = snprintf(out, size, "mean peak drift %.2f of passive on %s",
                        e->peak_drift_to_passive, e->set);
    char more[256] = "";
    size_t n = 0;
    if (isfinite(e->uncontrolled_peak_to_passive)) {
        n += (size_t)snprintf(more + n, sizeof more - n, ", uncontrolled %.2f",
                              e->uncontrolled_peak_to_passive);
    }
    if (isfinite(e->lqr_peak_to_passive)) {
        n += (size_t)snprintf(more + n, sizeof more - n, ", LQR %.2f", e->lqr_peak_to_passive);
    }
    if (isfinite(e->lqg_peak_to_passive)) {
        n += (size_t)snprintf(more + n, sizeof more - n, ", LQG %.2f", e->lqg_peak_to_passive);
    }
    if (isfinite(e->rms_drift_to_passive)) {
        n += (size_t)snprintf(more + n, sizeof more - n, ", rms drift %.2f",
                              e->rms_drift_to_passive);
    }
    if (isfinite(e->worst_peak_to_passive)) {
        n += (size_t)snprintf(more + n, sizeof more - n, ", worst motion %.2f",
                              e->worst_peak_to_passive);
    }
    if (isfinite(e->stroke_max_m)) {
        n += (size_t)snprintf(more + n, sizeof more - n, ", stroke up to %.2f m", e->stroke_max_m);
    }
    if (isfinite(e->power_max_w)) {
        n += (size_t)snprintf(more + n, sizeof more - n, ", power up to %.0f kW",
                              e->power_max_w / 1e3);
    }
    if (n > 0 && used > 0 && (size_t)used < size) {
        (void)snprintf(out + used, size - (size_t)used, " (%s)", more + 2);
    }
}

static void text_gate(char *out, size_t size, const struct aft_event *event)
{
    const struct aft_event_gate *gate = &event->u.gate;
    char next[96] = "";
    if (gate->next_learning_rate_scale > 0) {
        (void)snprintf(next, sizeof next, "; back to the stage's beginning, learning rate x %g",
                       gate->next_learning_rate_scale);
    } else if (!gate->passed) {
        (void)snprintf(next, sizeof next, "; no attempt is left");
    }
    (void)snprintf(out, size, "stage %d (%s), attempt %d of %d %s: %s%s", event->stage, gate->name,
                   gate->attempt, gate->max_attempts, gate->passed ? "passed" : "did not pass",
                   gate->verdict, next);
}

static void text_archive(char *out, size_t size, const struct aft_event_archive *archive)
{
    char bytes[AFT_TEXT_NUMBER];
    (void)snprintf(out, size, "saved %s archive %s (%s, verified, %.0f ms)", archive->kind,
                   archive->path, aft_text_bytes(bytes, archive->bytes), archive->seconds * 1e3);
}

static void text_lost(char *out, size_t size, const struct aft_event *event)
{
    const struct aft_event_lost *lost = &event->u.lost;
    if (!lost->retried) {
        (void)snprintf(out, size, "%s; no retry", lost->reason);
        return;
    }
    (void)snprintf(out, size,
                   "%s; training goes on from stage %d, step %" PRId64 " (attempt %d of %d)",
                   lost->reason, event->stage, event->stage_step, lost->failures, lost->retries);
}

static void text_signal(char *out, size_t size, const struct aft_event_signal *signal)
{
    bool checkpoint = strcmp(signal->name, "SIGUSR1") == 0;
    (void)snprintf(out, size, "%s: asked %s", signal->name,
                   checkpoint ? "for a checkpoint" : "to stop");
}

static void text_ends(char *out, size_t size, const struct aft_event_ends *ends)
{
    if (ends->exit_code == 0) {
        (void)snprintf(out, size, "%s", ends->text);
    } else {
        (void)snprintf(out, size, "%s (exit code %d)", ends->text, ends->exit_code);
    }
}

void aft_text_event(char out[AFT_TEXT_SIZE], const struct aft_event *event)
{
    out[0] = '\0';
    switch (event->type) {
    case AFT_EVENT_RUN_BEGINS:
        text_run(out, AFT_TEXT_SIZE, &event->u.run);
        break;
    case AFT_EVENT_STAGE_BEGINS:
        text_stage_begins(out, AFT_TEXT_SIZE, event);
        break;
    case AFT_EVENT_ITERATION:
        (void)snprintf(out, AFT_TEXT_SIZE, "iteration %" PRId64, event->u.iteration.iterations);
        break;
    case AFT_EVENT_EVALUATION:
        text_evaluation(out, AFT_TEXT_SIZE, &event->u.evaluation);
        break;
    case AFT_EVENT_GATE:
        text_gate(out, AFT_TEXT_SIZE, event);
        break;
    case AFT_EVENT_ARCHIVE:
        text_archive(out, AFT_TEXT_SIZE, &event->u.archive);
        break;
    case AFT_EVENT_STAGE_ENDS:
        text_stage_ends(out, AFT_TEXT_SIZE, event);
        break;
    case AFT_EVENT_INCIDENT:
    case AFT_EVENT_NOTICE:
        (void)snprintf(out, AFT_TEXT_SIZE, "%s", event->u.message.text);
        break;
    case AFT_EVENT_WORKER_BEGINS:
        (void)snprintf(out, AFT_TEXT_SIZE, "engine: %s", event->u.worker.engine);
        break;
    case AFT_EVENT_WORKER_LOST:
        text_lost(out, AFT_TEXT_SIZE, event);
        break;
    case AFT_EVENT_SIGNAL:
        text_signal(out, AFT_TEXT_SIZE, &event->u.signal);
        break;
    case AFT_EVENT_SET_ASIDE:
        (void)snprintf(out, AFT_TEXT_SIZE, "%s is kept as %s", event->u.aside.from,
                       event->u.aside.to);
        break;
    case AFT_EVENT_STATE:
        (void)snprintf(out, AFT_TEXT_SIZE, "state: %s", event->u.state.name);
        break;
    case AFT_EVENT_RUN_ENDS:
        text_ends(out, AFT_TEXT_SIZE, &event->u.ends);
        break;
    case AFT_EVENT_EPISODE:
        (void)snprintf(out, AFT_TEXT_SIZE, "episode of %" PRId64 " steps, reward %.3g",
                       event->u.episode.length, event->u.episode.reward);
        break;
    case AFT_EVENT_MOTION_RESULTS:
        (void)snprintf(out, AFT_TEXT_SIZE, "results of %d motions of stage %d",
                       event->u.motion_results.n, event->u.motion_results.stage);
        break;
    }
}
