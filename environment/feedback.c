#include "environment/feedback.h"

#include "environment/plant.h"

#include <stdlib.h>
#include <string.h>

struct aft_feedback {
    struct aft_control_model *model;
    struct aft_kalman *kalman; /* NULL: full state */
    struct aft_stroke_guard guard;
    double gain[AFT_CONTROL_MAX_STATES];
};

static enum aft_code make_filter(struct aft_feedback *made,
                                 const struct aft_environment_config *config,
                                 const struct aft_kalman_noise *noise, struct aft_error *error)
{
    struct aft_plant *plant = NULL; /* the sensors are made for one */
    struct aft_sensors sensors;
    enum aft_code code =
        aft_plant_create(&plant, &config->building, &config->actuator, true, config->dt_s, error);
    if (code == AFT_OK) {
        code = aft_sensors_init(&sensors, &config->sensors, plant, made->model->step_s, error);
    }
    if (code == AFT_OK) {
        code = aft_kalman_create(&made->kalman, made->model, &sensors, noise, error);
    }
    aft_plant_destroy(plant);
    return code;
}

enum aft_code aft_feedback_create(struct aft_feedback **feedback,
                                  const struct aft_environment_config *config,
                                  const struct aft_feedback_parameters *parameters, bool sensed,
                                  struct aft_error *error)
{
    *feedback = NULL;
    if (!(parameters->guard_reach >= 0.0) || !(parameters->guard_braking > 0.0)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "stroke guard: reach %g, braking %g: expected 0 or more, above 0",
                        parameters->guard_reach, parameters->guard_braking);
    }
    struct aft_feedback *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create a controller: out of memory");
    }
    made->guard = aft_stroke_guard_of(config);
    made->guard.reach = parameters->guard_reach;
    made->guard.braking = parameters->guard_braking;
    enum aft_code code = aft_control_model_create(&made->model, config, error);
    if (code == AFT_OK) {
        code = aft_lqr_gain(made->gain, made->model, &parameters->weights, error);
    }
    if (code == AFT_OK && sensed) {
        code = make_filter(made, config, &parameters->noise, error);
    }
    if (code != AFT_OK) {
        aft_feedback_destroy(made);
        return code;
    }
    *feedback = made;
    return AFT_OK;
}

void aft_feedback_destroy(struct aft_feedback *feedback)
{
    if (feedback != NULL) {
        aft_kalman_destroy(feedback->kalman);
        aft_control_model_destroy(feedback->model);
        free(feedback);
    }
}

/* z: the state, then the actuator's force as a share of its limit. */
static double command_for(const struct aft_feedback *feedback, const double *z)
{
    const struct aft_control_model *model = feedback->model;
    int dof = model->building.dof, device = dof - 1, roof = dof - 2;
    double share = 0.0;
    for (int i = 0; i < model->n; i++) {
        share -= feedback->gain[i] * z[i];
    }
    return aft_stroke_guard_command(&feedback->guard, z[device] - z[roof],
                                    z[dof + device] - z[dof + roof], share * model->force_limit_n);
}

static enum aft_code act(void *self, int n, const struct aft_controller_view *views,
                         double *command_n, struct aft_error *error)
{
    (void)error;
    const struct aft_feedback *feedback = self;
    const struct aft_control_model *model = feedback->model;
    for (int i = 0; i < n; i++) {
        const struct aft_controller_view *view = &views[i];
        double z[AFT_CONTROL_MAX_STATES];
        if (feedback->kalman != NULL) {
            aft_kalman_estimate(z, feedback->kalman, view->memory, view->measured, view->actuator_n,
                                view->step);
        } else {
            memcpy(z, view->state, (size_t)(model->n - 1) * sizeof *z);
            z[model->n - 1] = view->actuator_n / model->force_limit_n;
        }
        command_n[i] = command_for(feedback, z);
    }
    return AFT_OK;
}

struct aft_controller aft_feedback_controller(struct aft_feedback *feedback)
{
    bool sensed = feedback->kalman != NULL;
    return (struct aft_controller){.name = sensed ? "lqg" : "lqr",
                                   .device = AFT_DEVICE_CONFIGURED,
                                   .n_memory = sensed ? aft_kalman_memory(feedback->kalman) : 0,
                                   .self = feedback,
                                   .act = act};
}
