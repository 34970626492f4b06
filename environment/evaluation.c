#include "environment/evaluation.h"

#include "environment/observer.h"
#include "environment/trial.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_BLOCK = 8 }; /* motions of a batch to a task */

struct outcome {
    enum aft_code code;
    struct aft_error error;
};

struct session {
    const struct aft_evaluation *evaluation;
    const struct aft_motion_list *list;
    int n_controllers;
    struct aft_environment_config config; /* with the changes of robustness */
    struct aft_sensors sensors;           /* of the building with its device */
    struct aft_sensors assisted;          /* the same with the observer, if there is one */
    struct aft_observer *observer;        /* of the nominal building; may be NULL */
    struct aft_plant **plants;            /* [n_controllers] */
    struct aft_trial_setup *setups;       /* [n_controllers] */
    float *extra_noise;                   /* [list->n][n_channels]; NULL: none */
    struct aft_trial *trials;             /* [list->n][n_controllers] */
    struct outcome *outcomes;             /* the same */
    struct aft_controller_view *views;    /* [list->n], of a batch */
    double *commands_n;                   /* [list->n] */
    int batch;                            /* the controller asked in batches now */
};

static void clear(struct session *s)
{
    for (int i = 0; s->trials != NULL && i < s->list->n * s->n_controllers; i++) {
        aft_trial_clear(&s->trials[i]);
    }
    for (int i = 0; s->plants != NULL && i < s->n_controllers; i++) {
        aft_plant_destroy(s->plants[i]);
    }
    aft_observer_destroy(s->observer);
    free(s->plants);
    free(s->setups);
    free(s->extra_noise);
    free(s->trials);
    free(s->outcomes);
    free(s->views);
    free(s->commands_n);
}

static enum aft_code check(const struct session *s, struct aft_error *error)
{
    const struct aft_evaluation *evaluation = s->evaluation;
    const struct aft_environment_config *config = evaluation->config;
    if (config->control_every < 1 || !(evaluation->tail_s >= 0.0 && evaluation->tail_s <= 3600.0)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "evaluation: control_every %d, tail %g s: expected 1 or more, 0 to 3600",
                        config->control_every, evaluation->tail_s);
    }
    for (int i = 0; i < s->list->n; i++) {
        const struct aft_motion *motion = &s->list->motions[i].motion;
        if (motion->n < 1 || !(fabs(motion->dt_s - config->dt_s) <= 1e-9 * config->dt_s)) {
            return aft_fail(error, AFT_ERR_USAGE,
                            "evaluation: motion '%s' has %zu samples in steps of %g s, expected "
                            "steps of %g s",
                            s->list->motions[i].name, motion->n, motion->dt_s, config->dt_s);
        }
    }
    return AFT_OK;
}

static enum aft_code allocate(struct session *s, struct aft_error *error)
{
    size_t motions = (size_t)s->list->n, n = (size_t)s->n_controllers;
    s->plants = calloc(n, sizeof(struct aft_plant *));
    s->setups = calloc(n, sizeof *s->setups);
    s->trials = calloc(motions * n, sizeof *s->trials);
    s->outcomes = calloc(motions * n, sizeof *s->outcomes);
    s->views = calloc(motions, sizeof *s->views);
    s->commands_n = calloc(motions, sizeof *s->commands_n);
    if (s->plants == NULL || s->setups == NULL || s->trials == NULL || s->outcomes == NULL ||
        s->views == NULL || s->commands_n == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "evaluate %zu motions: out of memory", motions);
    }
    return AFT_OK;
}

static enum aft_code make_sensors(struct session *s, struct aft_error *error)
{
    const struct aft_environment_config *config = &s->config;
    struct aft_plant *plant = NULL;
    enum aft_code code =
        aft_plant_create(&plant, &config->building, &config->actuator, true, config->dt_s, error);
    if (code == AFT_OK) {
        code = aft_sensors_init(&s->sensors, &config->sensors, plant,
                                config->dt_s * config->control_every, error);
    }
    if (code == AFT_OK) {
        s->assisted = s->sensors;
        code = aft_sensors_assist(&s->assisted, &s->observer, s->evaluation->config, error);
    }
    aft_plant_destroy(plant);
    return code;
}

static enum aft_code make_setup(struct session *s, int i, const struct aft_controller *controller,
                                struct aft_error *error)
{
    const struct aft_environment_config *config = &s->config;
    struct aft_building_config building = config->building;
    if (controller->device == AFT_DEVICE_REPLACED) {
        building.device_stiffness_n_m = controller->device_n_m;
        building.device_damping_n_s_m = controller->device_n_s_m;
    }
    s->setups[i] = (struct aft_trial_setup){
        .sensors = controller->assisted ? &s->assisted : &s->sensors,
        .controller = controller,
        .sensor_key = aft_random_key(config->seed, config->stage, AFT_RANDOM_SENSOR),
        .noise_stream = s->evaluation->noise_stream,
        .substeps = config->control_every,
        .delay = (int)lrint(s->evaluation->robustness.extra_latency_s / config->dt_s),
        .tail_s = s->evaluation->tail_s,
    };
    enum aft_code code =
        aft_plant_create(&s->plants[i], &building, &config->actuator,
                         controller->device != AFT_DEVICE_REMOVED, config->dt_s, error);
    s->setups[i].plant = s->plants[i];
    return code;
}

struct noise_task {
    struct session *session;
    struct aft_trial_setup setup; /* of the passive building */
};

static void measure_rms(void *context, int task, int thread)
{
    (void)thread;
    const struct noise_task *noise = context;
    struct session *s = noise->session;
    float *rms = s->extra_noise + (ptrdiff_t)task * s->sensors.n_channels;
    aft_trial_channel_rms(rms, &noise->setup, &s->list->motions[task].motion);
    for (int i = 0; i < s->sensors.n_channels; i++) {
        rms[i] *= (float)s->evaluation->robustness.noise_share;
    }
}

static enum aft_code make_extra_noise(struct session *s, struct aft_error *error)
{
    const struct aft_environment_config *config = &s->config;
    struct aft_plant *plant = NULL;
    s->extra_noise =
        calloc((size_t)s->list->n * (size_t)s->sensors.n_channels, sizeof *s->extra_noise);
    if (s->extra_noise == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "evaluate: no memory for the sensors' noise");
    }
    enum aft_code code =
        aft_plant_create(&plant, &config->building, &config->actuator, true, config->dt_s, error);
    if (code == AFT_OK) {
        struct noise_task noise = {s, {.plant = plant, .sensors = &s->sensors}};
        aft_thread_pool_run(s->evaluation->pool, s->list->n, measure_rms, &noise);
    }
    aft_plant_destroy(plant);
    return code;
}

static enum aft_code make_trials(struct session *s, struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    for (int i = 0; i < s->list->n * s->n_controllers && code == AFT_OK; i++) {
        int motion = i / s->n_controllers;
        code = aft_trial_init(&s->trials[i], &s->setups[i % s->n_controllers],
                              &s->list->motions[motion].motion, (uint32_t)motion, error);
        if (s->extra_noise != NULL) {
            s->trials[i].extra_noise = s->extra_noise + (ptrdiff_t)motion * s->sensors.n_channels;
        }
    }
    return code;
}

static enum aft_code open_session(struct session *s, const struct aft_controller *controllers,
                                  struct aft_error *error)
{
    enum aft_code code = check(s, error);
    if (code == AFT_OK) {
        code = aft_robustness_apply(&s->config, s->evaluation->config, &s->evaluation->robustness,
                                    error);
    }
    if (code == AFT_OK) {
        code = allocate(s, error);
    }
    if (code == AFT_OK) {
        code = make_sensors(s, error);
    }
    for (int i = 0; i < s->n_controllers && code == AFT_OK; i++) {
        code = make_setup(s, i, &controllers[i], error);
    }
    if (code == AFT_OK && s->evaluation->robustness.noise_share > 0.0) {
        code = make_extra_noise(s, error);
    }
    return code == AFT_OK ? make_trials(s, error) : code;
}

/* Controllers that are asked one motion at a time: a trial is a task. */
static void run_alone(void *context, int task, int thread)
{
    (void)thread;
    struct session *s = context;
    if (!s->setups[task % s->n_controllers].controller->in_batches) {
        s->outcomes[task].code = aft_trial_run(&s->trials[task], &s->outcomes[task].error);
    }
}

static struct aft_trial *trial_of_batch(struct session *s, int motion)
{
    return &s->trials[motion * s->n_controllers + s->batch];
}

/* All motions of the batch up to their next view; those that ended keep their last. */
static void go_on(void *context, int task, int thread)
{
    (void)thread;
    struct session *s = context;
    int end = (task + 1) * BATCH_BLOCK < s->list->n ? (task + 1) * BATCH_BLOCK : s->list->n;
    for (int i = task * BATCH_BLOCK; i < end; i++) {
        struct aft_trial *trial = trial_of_batch(s, i);
        if (trial->step < trial->steps && s->views[i].obs != NULL) {
            aft_trial_advance(trial, s->commands_n[i]);
        }
        if (trial->step < trial->steps) {
            aft_trial_observe(trial, &s->views[i]);
        }
    }
}

static enum aft_code ask(struct session *s, struct aft_error *error)
{
    const struct aft_controller *controller = s->setups[s->batch].controller;
    enum aft_code code =
        controller->act(controller->self, s->list->n, s->views, s->commands_n, error);
    for (int i = 0; i < s->list->n && code == AFT_OK; i++) {
        if (!isfinite(s->commands_n[i])) {
            code = aft_fail(error, AFT_ERR_NUMERIC,
                            "evaluation, motion %d: the command of '%s' is not finite", i,
                            controller->name);
        }
    }
    return code;
}

static enum aft_code run_batch(struct session *s, struct aft_error *error)
{
    int tasks = (s->list->n + BATCH_BLOCK - 1) / BATCH_BLOCK;
    size_t longest = 0;
    for (int i = 0; i < s->list->n; i++) {
        longest = trial_of_batch(s, i)->steps > longest ? trial_of_batch(s, i)->steps : longest;
    }
    memset(s->views, 0, (size_t)s->list->n * sizeof *s->views);
    aft_thread_pool_run(s->evaluation->pool, tasks, go_on, s);
    for (size_t step = 0; step < longest; step++) {
        enum aft_code code = ask(s, error);
        if (code != AFT_OK) {
            return code;
        }
        aft_thread_pool_run(s->evaluation->pool, tasks, go_on, s);
    }
    return AFT_OK;
}

static enum aft_code run_all(struct session *s, struct aft_error *error)
{
    int n = s->list->n * s->n_controllers;
    aft_thread_pool_run(s->evaluation->pool, n, run_alone, s);
    for (int i = 0; i < n; i++) {
        if (s->outcomes[i].code != AFT_OK) {
            *error = s->outcomes[i].error;
            return s->outcomes[i].code;
        }
    }
    for (s->batch = 0; s->batch < s->n_controllers; s->batch++) {
        enum aft_code code =
            s->setups[s->batch].controller->in_batches ? run_batch(s, error) : AFT_OK;
        if (code != AFT_OK) {
            return code;
        }
    }
    return AFT_OK;
}

static enum aft_code report(struct aft_response *responses, const struct session *s,
                            struct aft_error *error)
{
    for (int i = 0; i < s->list->n * s->n_controllers; i++) {
        const struct aft_trial *trial = &s->trials[i];
        responses[i] = aft_response_result(&trial->meter, trial->setup->plant);
        if (!isfinite(responses[i].rms_drift)) {
            return aft_fail(error, AFT_ERR_NUMERIC,
                            "evaluation, motion %u, '%s': the building's state is not finite",
                            trial->number, trial->setup->controller->name);
        }
    }
    return AFT_OK;
}

enum aft_code aft_evaluate(struct aft_response *responses, const struct aft_evaluation *evaluation,
                           const struct aft_motion_list *list,
                           const struct aft_controller *controllers, int n_controllers,
                           struct aft_error *error)
{
    struct session s = {.evaluation = evaluation, .list = list, .n_controllers = n_controllers};
    if (list->n == 0 || n_controllers == 0) {
        return AFT_OK;
    }
    enum aft_code code = open_session(&s, controllers, error);
    if (code == AFT_OK) {
        code = run_all(&s, error);
    }
    if (code == AFT_OK) {
        code = report(responses, &s, error);
    }
    clear(&s);
    return code;
}

static enum aft_code history_allocate(struct aft_history *h, size_t n, double dt_s,
                                      struct aft_error *error)
{
    enum { SERIES = 7 };
    *h = (struct aft_history){.n = n, .dt_s = dt_s};
    h->ground_m_s2 = calloc(SERIES * n, sizeof *h->ground_m_s2);
    if (h->ground_m_s2 == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "record %zu steps: out of memory", n);
    }
    h->roof_m = h->ground_m_s2 + n;
    h->peak_drift = h->roof_m + n;
    h->roof_acc_m_s2 = h->peak_drift + n;
    h->stroke_m = h->roof_acc_m_s2 + n;
    h->force_n = h->stroke_m + n;
    h->power_w = h->force_n + n;
    return AFT_OK;
}

void aft_history_clear(struct aft_history *history)
{
    free(history->ground_m_s2);
    *history = (struct aft_history){0};
}

/* All other motions are left out, but the motion keeps its number: its noise. */
static enum aft_code run_one(struct session *s, struct aft_history *history, int motion,
                             struct aft_error *error)
{
    struct aft_trial *trial = &s->trials[motion];
    enum aft_code code = history_allocate(
        history, trial->steps * (size_t)s->config.control_every + 1, s->config.dt_s, error);
    if (code == AFT_OK) {
        history->ground_m_s2[0] = trial->motion->acceleration_m_s2[0];
        trial->history = history;
        code = aft_trial_run(trial, error);
    }
    return code;
}

enum aft_code aft_evaluate_history(struct aft_history *history,
                                   const struct aft_evaluation *evaluation,
                                   const struct aft_motion_list *list, int motion,
                                   const struct aft_controller *controller, struct aft_error *error)
{
    struct session s = {.evaluation = evaluation, .list = list, .n_controllers = 1};
    *history = (struct aft_history){0};
    if (motion < 0 || motion >= list->n) {
        return aft_fail(error, AFT_ERR_USAGE, "record motion %d of %d: there is no such", motion,
                        list->n);
    }
    enum aft_code code = open_session(&s, controller, error);
    if (code == AFT_OK) {
        code = run_one(&s, history, motion, error);
    }
    if (code != AFT_OK) {
        aft_history_clear(history);
    }
    clear(&s);
    return code;
}
