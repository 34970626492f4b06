#include "report/iteration_figures.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct field { /* a plain number of the event */
    const char *name;
    size_t offset;
    enum { REAL, WHOLE, WHOLE_INT } type;
    bool plain;
};
#define OF_EVENT(NAME, MEMBER, TYPE, PLAIN)                                                        \
    {                                                                                              \
        NAME, offsetof(struct aft_event, MEMBER), TYPE, PLAIN                                      \
    }
#define OF_ITERATION(NAME, MEMBER, TYPE, PLAIN) OF_EVENT(NAME, u.iteration.MEMBER, TYPE, PLAIN)
static const struct field fields[] = {
    OF_EVENT(AFT_TOTAL_STEPS, total_step, WHOLE, true),
    OF_EVENT("stage/number", stage, WHOLE_INT, false),
    OF_ITERATION("stage/attempt", attempt, WHOLE, false),
    OF_EVENT("stage/step", stage_step, WHOLE, false),
    OF_ITERATION("time/iterations", iterations, WHOLE, true),
    OF_ITERATION("time/time_elapsed", time_elapsed_s, REAL, true),
    OF_ITERATION("time/fps", fps, REAL, false),
    OF_ITERATION("time/rollout_s", rollout_s, REAL, false),
    OF_ITERATION("time/update_s", update_s, REAL, false),
    OF_ITERATION("rollout/episodes", episodes, WHOLE, false),
    OF_ITERATION("rollout/ep_rew_mean", ep_rew_mean, REAL, false),
    OF_ITERATION("rollout/ep_len_mean", ep_len_mean, REAL, false),
    OF_ITERATION("train/approx_kl", approx_kl, REAL, false),
    OF_ITERATION("train/clip_fraction", clip_fraction, REAL, false),
    OF_ITERATION("train/clip_range", clip_range, REAL, false),
    OF_ITERATION("train/entropy_loss", entropy_loss, REAL, false),
    OF_ITERATION("train/explained_variance", explained_variance, REAL, false),
    OF_ITERATION("train/learning_rate", learning_rate, REAL, false),
    OF_ITERATION("train/loss", loss, REAL, false),
    OF_ITERATION("train/policy_gradient_loss", policy_gradient_loss, REAL, false),
    OF_ITERATION("train/std", std, REAL, false),
    OF_ITERATION("train/value_loss", value_loss, REAL, false),
    OF_ITERATION("train/n_updates", updates, WHOLE, true),
    OF_ITERATION("train/ent_coef", ent_coef, REAL, false),
    OF_ITERATION("train/grad_norm", grad_norm, REAL, false),
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

_Static_assert((int)N_FIELDS + (int)AFT_EVENT_MAX_METRICS <= (int)AFT_MAX_FIGURES, "room for all");

static struct aft_figure figure_of_field(const struct aft_event *event, const struct field *field)
{
    const char *at = (const char *)event + field->offset;
    struct aft_figure figure = {.whole = field->type != REAL, .plain = field->plain};
    (void)snprintf(figure.name, sizeof figure.name, "%s", field->name);
    if (field->type == REAL) {
        memcpy(&figure.real, at, sizeof figure.real);
    } else if (field->type == WHOLE) {
        memcpy(&figure.integer, at, sizeof figure.integer);
    } else {
        int number;
        memcpy(&number, at, sizeof number);
        figure.integer = number;
    }
    return figure;
}

int aft_iteration_figures(struct aft_figure figures[AFT_MAX_FIGURES], const struct aft_event *event)
{
    const struct aft_event_iteration *iteration = &event->u.iteration;
    int n = 0;
    for (; n < N_FIELDS; n++) {
        figures[n] = figure_of_field(event, &fields[n]);
    }
    for (int i = 0; i < iteration->n_metrics && i < AFT_EVENT_MAX_METRICS; i++, n++) {
        figures[n] = (struct aft_figure){.real = iteration->metrics[i]};
        (void)snprintf(figures[n].name, sizeof figures[n].name, "control/%s",
                       iteration->metric_names[i]);
    }
    return n;
}
