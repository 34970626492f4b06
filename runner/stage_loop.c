/*
 * One stage: rollouts and updates until its steps are done, a snapshot sealed
 * at every iteration boundary, then the evaluation and the gate. What passes is
 * waited for until the keeper has published the stage's archive; what does not
 * begins again (attempt.h).
 */
#include "environment/environment.h"
#include "runner/attempt.h"
#include "runner/configure.h"
#include "runner/worker_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATS_WINDOW = 100 }; /* episodes in a mean, as in Stable-Baselines3 */

struct stage_run { /* an attempt at a stage */
    struct aft_worker_run *run;
    const struct aft_stage *stage;
    struct aft_stage attempted; /* the same, as this attempt trains it */
    struct aft_stage_environment setup;
    struct aft_env env;
    struct aft_ppo_config config;
    struct aft_ppo *ppo;
};

static void on_phase(void *context, enum aft_ppo_phase phase)
{
    struct aft_snapshot_region *region = context;
    aft_worker_set_phase(region, phase == AFT_PPO_ROLLOUT ? AFT_PHASE_ROLLOUT : AFT_PHASE_UPDATE);
}

static bool all_finite(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) {
            return false;
        }
    }
    return true;
}

static enum aft_code collect_state(struct stage_run *stage, bool complete, struct aft_error *error)
{
    struct aft_worker_run *run = stage->run;
    struct aft_training_header *header = run->state.header;
    struct aft_ppo_counters counters = aft_ppo_counters(stage->ppo);
    int64_t steps_before_stage = header->counters.total_steps - header->counters.steps;
    size_t trainer_size = complete ? 0 : aft_ppo_state_size(stage->ppo);
    enum aft_code code = aft_worker_run_reserve(run, trainer_size, error);
    if (code != AFT_OK) {
        return code;
    }
    header = run->state.header;
    struct aft_engine_state engine = {.parameters = run->state.parameters,
                                      .adam_m = run->state.adam_m,
                                      .adam_v = run->state.adam_v};
    code = run->engine.use->export_state(run->engine.self, &engine, error);
    if (code != AFT_OK) {
        return code;
    }
    if (!all_finite(run->state.parameters, 3 * header->parameter_count)) {
        return aft_fail(error, AFT_ERR_NUMERIC,
                        "train: a weight or a moment of the optimizer is not finite");
    }
    struct aft_normaliser_state normaliser = {run->state.mean, run->state.variance, 0};
    aft_ppo_export_normaliser(stage->ppo, &normaliser);
    header->normaliser_count = normaliser.count;
    header->stage_complete = complete;
    header->counters = (struct aft_archive_counters){
        .stage = stage->stage->number,
        .steps = counters.steps,
        .total_steps = steps_before_stage + counters.steps,
        .iterations = counters.iterations,
        .episodes = counters.episodes,
        .updates = counters.updates,
        .adam_step = engine.adam_step,
    };
    header->trained_s = run->trained_before_s + aft_monotonic_s() - run->began_s;
    if (!complete) {
        aft_ppo_export_state(stage->ppo, run->state.trainer);
    }
    return AFT_OK;
}

enum seal_kind { SEAL_ON_THE_WAY, SEAL_EVALUATED, SEAL_NEXT_ATTEMPT, SEAL_COMPLETE };

static enum aft_code seal(struct stage_run *stage, enum seal_kind kind, struct aft_error *error)
{
    bool complete = kind == SEAL_COMPLETE;
    struct aft_worker_run *run = stage->run;
    aft_worker_set_phase(run->region, AFT_PHASE_SEAL);
    enum aft_code code = collect_state(stage, complete, error);
    if (code != AFT_OK) {
        return code;
    }
    const struct aft_training_header *header = run->state.header;
    struct aft_snapshot_info info = {
        .size = aft_training_state_size(header),
        .history_length = run->history_length,
        .stage = header->counters.stage,
        .attempt = header->attempt,
        .step = header->counters.steps,
        .stage_complete = complete,
        .evaluated = kind == SEAL_EVALUATED || complete,
        .awaited = kind == SEAL_EVALUATED || kind == SEAL_NEXT_ATTEMPT,
    };
    code = aft_snapshot_seal(run->region, header, &info, error);
    if (code == AFT_OK && info.awaited) {
        /* It may be the best so far: the next seal must not replace it before it is copied. Once
         * a new attempt is copied, nobody reads the history of the one before (S4). */
        aft_worker_set_phase(run->region, AFT_PHASE_WAIT);
        aft_snapshot_wait_copied(run->region, aft_snapshot_sequence(run->region));
        aft_forget_scores(run->state.header); /* they are of these weights only */
    }
    return code;
}

static enum aft_code append_history(struct aft_worker_run *run,
                                    const struct aft_iteration *iteration, struct aft_error *error)
{
    for (int i = 0; i < iteration->n_episodes; i++) {
        enum aft_code code =
            aft_history_put(run->region, run->history_length, &iteration->episodes[i], error);
        if (code != AFT_OK) {
            return code;
        }
        run->history_length++;
    }
    return AFT_OK;
}

/* Means over the stage's last episodes; NaN before the first has ended. */
static void describe_episodes(struct aft_event_iteration *event, const struct stage_run *stage)
{
    const struct aft_worker_run *run = stage->run;
    size_t n = run->history_length < STATS_WINDOW ? run->history_length : STATS_WINDOW;
    double reward = 0;
    double length = 0;
    event->n_metrics = stage->env.n_metrics;
    for (size_t i = run->history_length - n; i < run->history_length; i++) {
        const struct aft_episode *episode = aft_history_at(run->region, i);
        reward += (double)episode->total_reward;
        length += episode->length;
        for (int k = 0; k < stage->env.n_metrics; k++) {
            event->metrics[k] += (double)episode->metrics[k];
        }
    }
    double count = n > 0 ? (double)n : (double)NAN;
    event->ep_rew_mean = reward / count;
    event->ep_len_mean = length / count;
    for (int k = 0; k < stage->env.n_metrics; k++) {
        event->metrics[k] /= count;
        (void)snprintf(event->metric_names[k], sizeof event->metric_names[k], "%s",
                       stage->env.metric_names[k]);
    }
}

static void tell_iteration(const struct stage_run *stage, const struct aft_iteration *iteration)
{
    const struct aft_worker_run *run = stage->run;
    struct aft_ppo_counters counters = aft_ppo_counters(stage->ppo);
    struct aft_event event = aft_worker_event(run, AFT_EVENT_ITERATION);
    struct aft_event_iteration *told = &event.u.iteration;
    event.stage = stage->stage->number;
    event.total_step += counters.steps - event.stage_step;
    event.stage_step = counters.steps;
    told->iterations = counters.iterations;
    told->episodes = counters.episodes;
    told->updates = counters.updates;
    told->time_elapsed_s = aft_monotonic_s() - run->began_s;
    told->fps = (double)(event.total_step - run->steps_before) / told->time_elapsed_s;
    told->approx_kl = iteration->approx_kl;
    told->clip_fraction = iteration->clip_fraction;
    told->clip_range = stage->stage->ppo.clip_range;
    told->entropy_loss = iteration->entropy_loss;
    told->explained_variance = iteration->explained_variance;
    told->learning_rate = iteration->learning_rate;
    told->ent_coef = iteration->ent_coef;
    told->loss = iteration->loss;
    told->policy_gradient_loss = iteration->policy_loss;
    told->value_loss = iteration->value_loss;
    told->std = iteration->std;
    told->grad_norm = iteration->grad_norm;
    told->rollout_s = iteration->rollout_s;
    told->update_s = iteration->update_s;
    told->attempt = run->state.header->attempt;
    told->rollout_steps =
        (int64_t)stage->stage->environment.n_envs * (int64_t)stage->stage->ppo.n_steps;
    told->n_finished = iteration->n_episodes;
    told->first_finished = (int64_t)run->history_length - iteration->n_episodes;
    describe_episodes(told, stage);
    aft_events_put(run->region, &event);
}

static void describe_network(char *text, size_t size, const struct aft_network *network)
{
    size_t used = 0;
    for (int i = 0; i < network->n_hidden && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%d", i > 0 ? "," : "", network->hidden[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used < size) {
        (void)snprintf(text + used, size - used, " %s",
                       network->activation == AFT_RELU ? "relu" : "tanh");
    }
}

/* Also of a stage that goes on: who listens may have begun after the stage did. */
static void tell_beginning(const struct stage_run *stage, int64_t from_step)
{
    const struct aft_worker_run *run = stage->run;
    const struct aft_stage *from = &stage->attempted;
    struct aft_event event = aft_worker_event(run, AFT_EVENT_STAGE_BEGINS);
    struct aft_event_stage *told = &event.u.begins;
    event.stage = from->number;
    event.stage_step = from_step;
    (void)snprintf(told->name, sizeof told->name, "%s", from->name);
    told->magnitude = from->magnitude;
    told->force_limit_n = from->force_limit_n;
    told->timesteps = from->timesteps;
    told->attempt = run->state.header->attempt;
    told->n_envs = from->environment.n_envs;
    told->n_steps = from->ppo.n_steps;
    told->batch_size = from->ppo.batch_size;
    told->n_epochs = from->ppo.n_epochs;
    told->learning_rate = from->ppo.learning_rate;
    told->final_learning_rate = from->ppo.final_learning_rate;
    told->ent_coef = from->ppo.ent_coef;
    told->final_ent_coef = from->ppo.final_ent_coef;
    describe_network(told->network, sizeof told->network, &run->network);
    aft_events_put(run->region, &event);
}

static enum aft_code create(struct stage_run *stage, struct aft_error *error)
{
    struct aft_worker_run *run = stage->run;
    stage->attempted = aft_attempt_settings(run, stage->stage);
    enum aft_code code =
        aft_configure_environment(&stage->setup, run->curriculum, stage->stage->number, error);
    if (code == AFT_OK) {
        stage->setup.config.stage = aft_attempt_stream(run, stage->stage);
        code = aft_environment_create(&stage->env, &stage->setup.config, error);
    }
    if (code == AFT_OK) {
        stage->config = aft_configure_ppo(run->curriculum, stage->stage->number);
        stage->config.stage = stage->setup.config.stage;
        stage->config.on_phase = on_phase;
        stage->config.on_phase_context = run->region;
        code = aft_ppo_create(&stage->ppo, &stage->config, &run->engine, &stage->env, run->pool,
                              error);
    }
    if (code == AFT_OK) {
        struct aft_normaliser_state normaliser = {run->state.mean, run->state.variance,
                                                  run->state.header->normaliser_count};
        aft_ppo_import_normaliser(stage->ppo, &normaliser);
    }
    return code;
}

static void destroy(struct stage_run *stage)
{
    aft_ppo_destroy(stage->ppo);
    if (stage->env.destroy != NULL) {
        stage->env.destroy(stage->env.self);
    }
    aft_stage_environment_clear(&stage->setup);
}

static void name_metrics(const struct stage_run *stage)
{
    struct aft_training_header *header = stage->run->state.header;
    header->n_metrics = stage->env.n_metrics;
    for (int i = 0; i < stage->env.n_metrics; i++) {
        (void)snprintf(header->metric_names[i], sizeof *header->metric_names, "%s",
                       stage->env.metric_names[i]);
    }
}

static bool is_under_way(const struct aft_worker_run *run, int number)
{
    const struct aft_training_header *header = run->state.header;
    return header->counters.stage == number && !header->stage_complete && header->trainer_size > 0;
}

/* An attempt's first state is sealed before training starts, so that there is
 * always one to go on from. */
static enum aft_code begin(struct stage_run *stage, struct aft_error *error)
{
    struct aft_worker_run *run = stage->run;
    if (is_under_way(run, stage->stage->number)) {
        enum aft_code code = aft_ppo_import_state(stage->ppo, run->state.trainer,
                                                  run->state.header->trainer_size, error);
        tell_beginning(stage, run->state.header->counters.steps);
        /* Sealed anew, as a sign of life: an iteration may take long. */
        return code == AFT_OK ? seal(stage, SEAL_ON_THE_WAY, error) : code;
    }
    bool first = run->state.header->attempt == 1;
    run->history_length = 0;
    aft_forget_scores(run->state.header); /* they were the previous stage's, or attempt's */
    name_metrics(stage);
    tell_beginning(stage, 0);
    enum aft_code code = aft_ppo_begin(stage->ppo, error);
    return code == AFT_OK ? seal(stage, first ? SEAL_ON_THE_WAY : SEAL_NEXT_ATTEMPT, error) : code;
}

/* Every so many steps, but not at the end of the stage, where there is one anyway. */
static bool evaluation_is_due(const struct stage_run *stage, int64_t steps_before)
{
    int64_t every = stage->run->curriculum->evaluation.every_steps;
    int64_t steps = aft_ppo_counters(stage->ppo).steps;
    return every > 0 && steps / every > steps_before / every && steps < stage->stage->timesteps;
}

static enum aft_code evaluate_on_the_way(struct stage_run *stage, struct aft_error *error)
{
    aft_worker_set_phase(stage->run->region, AFT_PHASE_EVALUATION);
    enum aft_code code = collect_state(stage, false, error);
    if (code == AFT_OK) {
        code = aft_evaluate_stages(stage->run, stage->ppo, error);
    }
    return code == AFT_OK ? seal(stage, SEAL_EVALUATED, error) : code;
}

static enum aft_code iterate(struct stage_run *stage, struct aft_error *error)
{
    int64_t steps = aft_ppo_counters(stage->ppo).steps;
    struct aft_ppo_schedule schedule = aft_schedule_at(&stage->attempted, steps);
    struct aft_iteration iteration;
    enum aft_code code = aft_ppo_iterate(stage->ppo, &schedule, &iteration, error);
    if (code == AFT_OK) {
        code = append_history(stage->run, &iteration, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    tell_iteration(stage, &iteration);
    return evaluation_is_due(stage, steps) ? evaluate_on_the_way(stage, error)
                                           : seal(stage, SEAL_ON_THE_WAY, error);
}

/* The evaluation at the attempt's end, the gate's verdict on it, and what follows. */
static enum aft_code conclude(struct stage_run *stage, bool *complete, struct aft_error *error)
{
    struct aft_worker_run *run = stage->run;
    aft_worker_set_phase(run->region, AFT_PHASE_EVALUATION);
    enum aft_code code = aft_evaluate_stages(run, stage->ppo, error);
    if (code != AFT_OK) {
        return code;
    }
    *complete = aft_attempt_passes(run, stage->stage);
    if (*complete) {
        return seal(stage, SEAL_COMPLETE, error);
    }
    if (aft_attempt_may_follow(run, stage->stage)) {
        return aft_attempt_begin_next(run, stage->stage, error);
    }
    aft_forget_scores(run->state.header); /* a blocked result is no candidate for the best */
    code = seal(stage, SEAL_ON_THE_WAY, error);
    return code == AFT_OK ? aft_attempt_fail(run, stage->stage, error) : code;
}

static enum aft_code attempt(struct aft_worker_run *run, const struct aft_stage *from,
                             bool *complete, struct aft_error *error)
{
    struct stage_run stage = {.run = run, .stage = from};
    enum aft_code code = create(&stage, error);
    if (code == AFT_OK) {
        code = begin(&stage, error);
    }
    bool begun = code == AFT_OK;
    while (code == AFT_OK && aft_ppo_counters(stage.ppo).steps < from->timesteps) {
        code = iterate(&stage, error);
    }
    if (code == AFT_OK) {
        code = conclude(&stage, complete, error);
    }
    if (begun && code == AFT_ERR_NUMERIC && aft_attempt_may_follow(run, from)) {
        aft_attempt_diverged(run, from, error->message);
        code = aft_attempt_begin_next(run, from, error);
    }
    destroy(&stage);
    return code;
}

enum aft_code aft_train_stage(struct aft_worker_run *run, int number, struct aft_error *error)
{
    const struct aft_stage *stage = &run->curriculum->stages[number - 1];
    bool complete = false;
    enum aft_code code = is_under_way(run, number) ? AFT_OK : aft_stage_enter(run, stage, error);
    while (code == AFT_OK && !complete) {
        code = attempt(run, stage, &complete, error);
    }
    if (code == AFT_OK) {
        aft_worker_set_phase(run->region, AFT_PHASE_WAIT);
        aft_stage_wait_published(run->region, number);
    }
    return code;
}
