#include "runner/attempt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STREAMS_APART = 256 }; /* more than there are stages: no two attempts share a stream */
_Static_assert((int)STREAMS_APART > (int)AFT_MAX_STAGES, "attempts of two stages never meet");

static void copy_numbers(float *to[3], float *const from[3], size_t count)
{
    for (int i = 0; i < 3; i++) {
        memcpy(to[i], from[i], count * sizeof(float));
    }
}

static void keep_beginning(struct aft_training_state *state)
{
    struct aft_training_header *header = state->header;
    size_t normaliser = (size_t)header->obs_dim * sizeof(double);
    float *now[] = {state->parameters, state->adam_m, state->adam_v};
    float *kept[] = {state->beginning_parameters, state->beginning_m, state->beginning_v};
    copy_numbers(kept, now, header->beginning_count);
    memcpy(state->beginning_mean, state->mean, normaliser);
    memcpy(state->beginning_variance, state->variance, normaliser);
    header->beginning_adam_step = header->counters.adam_step;
    header->beginning_normaliser_count = header->normaliser_count;
}

static void return_to_beginning(struct aft_training_state *state)
{
    struct aft_training_header *header = state->header;
    size_t normaliser = (size_t)header->obs_dim * sizeof(double);
    float *now[] = {state->parameters, state->adam_m, state->adam_v};
    float *kept[] = {state->beginning_parameters, state->beginning_m, state->beginning_v};
    copy_numbers(now, kept, header->beginning_count);
    memcpy(state->mean, state->beginning_mean, normaliser);
    memcpy(state->variance, state->beginning_variance, normaliser);
    header->counters.adam_step = header->beginning_adam_step;
    header->normaliser_count = header->beginning_normaliser_count;
}

enum aft_code aft_stage_enter(struct aft_worker_run *run, const struct aft_stage *stage,
                              struct aft_error *error)
{
    struct aft_training_header *header = run->state.header;
    header->counters.steps = 0;
    header->attempt = 1;
    header->n_attempts = 0;
    header->learning_rate_scale = 1;
    memset(header->attempts, 0, sizeof header->attempts);
    header->beginning_count = aft_gate_is_on(&stage->gate) ? header->parameter_count : 0;
    enum aft_code code = aft_worker_run_reserve(run, 0, error);
    if (code == AFT_OK && run->state.header->beginning_count > 0) {
        keep_beginning(&run->state);
    }
    return code;
}

struct aft_stage aft_attempt_settings(const struct aft_worker_run *run,
                                      const struct aft_stage *stage)
{
    struct aft_stage settings = *stage;
    settings.ppo.learning_rate *= run->state.header->learning_rate_scale;
    settings.ppo.final_learning_rate *= run->state.header->learning_rate_scale;
    return settings;
}

uint32_t aft_attempt_stream(const struct aft_worker_run *run, const struct aft_stage *stage)
{
    return (uint32_t)(stage->number + STREAMS_APART * (run->state.header->attempt - 1));
}

bool aft_attempt_may_follow(const struct aft_worker_run *run, const struct aft_stage *stage)
{
    const struct aft_training_header *header = run->state.header;
    return header->attempt < stage->gate.max_attempts && header->beginning_count > 0;
}

/* cause: of a divergence; or NULL */
static void tell(const struct aft_worker_run *run, const struct aft_stage *stage,
                 const struct aft_gate_verdict *verdict, const char *cause)
{
    const struct aft_training_header *header = run->state.header;
    struct aft_event event = aft_worker_event(run, AFT_EVENT_GATE);
    struct aft_event_gate *told = &event.u.gate;
    (void)snprintf(told->name, sizeof told->name, "%s", stage->name);
    told->passed = verdict->reason == AFT_GATE_PASSED;
    told->attempt = header->attempt;
    told->max_attempts = stage->gate.max_attempts;
    told->score = verdict->score;
    told->limit = verdict->limit;
    if (!told->passed && aft_attempt_may_follow(run, stage)) {
        told->next_learning_rate_scale =
            header->learning_rate_scale * stage->gate.retry_learning_rate_factor;
    }
    aft_gate_text(told->verdict, sizeof told->verdict, verdict);
    if (cause != NULL) {
        size_t used = strlen(told->verdict);
        (void)snprintf(told->verdict + used, sizeof told->verdict - used, ": %.*s",
                       (int)(sizeof told->verdict - used) - 3, cause);
    }
    aft_events_put(run->region, &event);
}

static void note(struct aft_training_header *header, const struct aft_gate_verdict *verdict)
{
    header->attempts[header->attempt - 1] = (struct aft_stage_attempt){
        .reason = (int32_t)verdict->reason,
        .stage = verdict->stage,
        .score = verdict->score,
        .limit = verdict->limit,
        .learning_rate_scale = header->learning_rate_scale,
    };
    header->n_attempts = header->attempt;
}

static struct aft_gate_verdict judge(const struct aft_training_header *header,
                                     const struct aft_stage *stage)
{
    double now[AFT_MAX_STAGES];
    for (int i = 0; i < stage->number; i++) {
        now[i] = header->scores[i].peak_drift_to_passive;
    }
    return aft_gate_judge(&stage->gate, stage->number, now, header->completed);
}

bool aft_attempt_passes(struct aft_worker_run *run, const struct aft_stage *stage)
{
    struct aft_training_header *header = run->state.header;
    struct aft_gate_verdict verdict = judge(header, stage);
    bool passed = verdict.reason == AFT_GATE_PASSED;
    if (aft_gate_is_on(&stage->gate)) {
        note(header, &verdict);
        tell(run, stage, &verdict, NULL);
    }
    if (passed) {
        int index = stage->number - 1;
        header->completed[index] = header->scores[index].peak_drift_to_passive;
        header->beginning_count = 0; /* laid out anew with the complete state */
    }
    return passed;
}

void aft_attempt_diverged(struct aft_worker_run *run, const struct aft_stage *stage,
                          const char *message)
{
    const struct aft_gate_verdict verdict = {AFT_GATE_DIVERGED, stage->number, (double)NAN,
                                             (double)NAN};
    note(run->state.header, &verdict);
    tell(run, stage, &verdict, message);
}

enum aft_code aft_attempt_begin_next(struct aft_worker_run *run, const struct aft_stage *stage,
                                     struct aft_error *error)
{
    enum aft_code code = aft_worker_run_reserve(run, 0, error);
    if (code != AFT_OK) {
        return code;
    }
    struct aft_training_header *header = run->state.header;
    return_to_beginning(&run->state);
    header->counters.steps = 0; /* of the attempt; those of the run go on counting */
    header->attempt++;
    header->learning_rate_scale *= stage->gate.retry_learning_rate_factor;
    return aft_worker_run_import(run, error);
}

enum aft_code aft_attempt_fail(const struct aft_worker_run *run, const struct aft_stage *stage,
                               struct aft_error *error)
{
    const struct aft_training_header *header = run->state.header;
    const struct aft_stage_attempt *last = &header->attempts[header->attempt - 1];
    const struct aft_gate_verdict verdict = {(enum aft_gate_reason)last->reason, last->stage,
                                             last->score, last->limit};
    char text[101];
    const char *ways_on =
        header->beginning_count > 0
            ? "relax [gate] and --resume latest takes this result, or change the stage's "
              "settings or timesteps"
            : "as its gate was set within the stage there is no way back: begin it anew without "
              "--resume latest";
    aft_gate_text(text, sizeof text, &verdict);
    return aft_fail(error, AFT_ERR_GATE, "stage %d (%.20s) did not pass in %d attempt%s: %s; %s",
                    stage->number, stage->name, header->attempt, header->attempt > 1 ? "s" : "",
                    text, ways_on);
}
