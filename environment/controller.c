#include "environment/controller.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct aft_controller aft_controller_uncontrolled(void)
{
    return (struct aft_controller){.name = "uncontrolled", .device = AFT_DEVICE_REMOVED};
}

struct aft_controller aft_controller_passive(void)
{
    return (struct aft_controller){.name = "passive", .device = AFT_DEVICE_CONFIGURED};
}

struct aft_controller aft_controller_passive_tuned(double stiffness_n_m, double damping_n_s_m)
{
    return (struct aft_controller){.name = "passive_tuned",
                                   .device = AFT_DEVICE_REPLACED,
                                   .device_n_m = stiffness_n_m,
                                   .device_n_s_m = damping_n_s_m};
}

static enum aft_code make_room(struct aft_policy_controller *policy, int n, struct aft_error *error)
{
    if (n <= policy->capacity) {
        return AFT_OK;
    }
    float *obs = calloc((size_t)n * (size_t)policy->obs_dim, sizeof *obs);
    float *actions = calloc((size_t)n, sizeof *actions);
    if (obs == NULL || actions == NULL) {
        free(obs);
        free(actions);
        return aft_fail(error, AFT_ERR_MEMORY, "ask a policy about %d motions: out of memory", n);
    }
    aft_policy_controller_clear(policy);
    policy->obs = obs;
    policy->actions = actions;
    policy->capacity = n;
    return AFT_OK;
}

static enum aft_code ask_policy(void *self, int n, const struct aft_controller_view *views,
                                double *command_n, struct aft_error *error)
{
    struct aft_policy_controller *policy = self;
    size_t dim = (size_t)policy->obs_dim;
    enum aft_code code = make_room(policy, n, error);
    if (code != AFT_OK) {
        return code;
    }
    for (int i = 0; i < n; i++) {
        memcpy(policy->obs + (size_t)i * dim, views[i].obs, dim * sizeof *policy->obs);
    }
    code = policy->act(policy->policy, n, policy->obs, policy->actions, error);
    for (int i = 0; i < n && code == AFT_OK; i++) {
        if (!isfinite(policy->actions[i])) {
            return aft_fail(error, AFT_ERR_NUMERIC, "policy, motion %d: the action is not finite",
                            i);
        }
        command_n[i] = (double)policy->actions[i] * policy->force_limit_n;
    }
    return code;
}

struct aft_controller aft_controller_policy(struct aft_policy_controller *policy)
{
    return (struct aft_controller){.name = "policy",
                                   .device = AFT_DEVICE_CONFIGURED,
                                   .in_batches = true,
                                   .assisted = true,
                                   .self = policy,
                                   .act = ask_policy};
}

void aft_policy_controller_clear(struct aft_policy_controller *policy)
{
    free(policy->obs);
    free(policy->actions);
    policy->obs = policy->actions = NULL;
    policy->capacity = 0;
}
