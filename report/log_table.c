/* The log table: rollout/, time/, train/, stage/ and control/. */
#include "report/log_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_WIDTH = 27, VALUE_WIDTH = 13 };

struct table {
    char *out;
    size_t used;
};

static void put(struct table *table, const char *name, const char *value)
{
    size_t left = AFT_LOG_TABLE_SIZE - table->used;
    int n = snprintf(table->out + table->used, left, "| %-*.*s | %-*.*s |\n", NAME_WIDTH,
                     NAME_WIDTH, name, VALUE_WIDTH, VALUE_WIDTH, value);
    if (n > 0 && (size_t)n < left) {
        table->used += (size_t)n;
    }
}

static void put_rule(struct table *table)
{
    enum { WIDTH = NAME_WIDTH + VALUE_WIDTH + 7 };
    if (AFT_LOG_TABLE_SIZE - table->used < WIDTH + 2) {
        return;
    }
    memset(table->out + table->used, '-', WIDTH);
    table->used += WIDTH;
    table->out[table->used++] = '\n';
    table->out[table->used] = '\0';
}

static void put_real(struct table *table, const char *name, double number)
{
    if (!isfinite(number)) {
        return;
    }
    char label[64], value[32];
    (void)snprintf(label, sizeof label, "   %s", name);
    (void)snprintf(value, sizeof value, "%.3g", number);
    put(table, label, value);
}

static void put_whole(struct table *table, const char *name, int64_t number)
{
    char label[64], value[32];
    (void)snprintf(label, sizeof label, "   %s", name);
    (void)snprintf(value, sizeof value, "%" PRId64, number);
    put(table, label, value);
}

static void put_train(struct table *table, const struct aft_event_iteration *it)
{
    put(table, "train/", "");
    put_real(table, "approx_kl", it->approx_kl);
    put_real(table, "clip_fraction", it->clip_fraction);
    put_real(table, "clip_range", it->clip_range);
    put_real(table, "ent_coef", it->ent_coef);
    put_real(table, "entropy_loss", it->entropy_loss);
    put_real(table, "explained_variance", it->explained_variance);
    put_real(table, "grad_norm", it->grad_norm);
    put_real(table, "learning_rate", it->learning_rate);
    put_real(table, "loss", it->loss);
    put_whole(table, "n_updates", it->updates);
    put_real(table, "policy_gradient_loss", it->policy_gradient_loss);
    put_real(table, "std", it->std);
    put_real(table, "value_loss", it->value_loss);
}

void aft_log_table(char out[AFT_LOG_TABLE_SIZE], const struct aft_event *event)
{
    const struct aft_event_iteration *it = &event->u.iteration;
    struct table table = {.out = out};
    out[0] = '\0';
    put_rule(&table);
    put(&table, "rollout/", "");
    put_real(&table, "ep_len_mean", it->ep_len_mean);
    put_real(&table, "ep_rew_mean", it->ep_rew_mean);
    put_whole(&table, "episodes", it->episodes);
    put(&table, "time/", "");
    if (isfinite(it->fps)) {
        put_whole(&table, "fps", llround(it->fps));
    }
    put_whole(&table, "iterations", it->iterations);
    if (isfinite(it->time_elapsed_s)) {
        put_whole(&table, "time_elapsed", llround(it->time_elapsed_s));
    }
    put_whole(&table, "total_timesteps", event->total_step);
    put_train(&table, it);
    put(&table, "stage/", "");
    put_whole(&table, "number", event->stage);
    put_whole(&table, "step", event->stage_step);
    if (it->n_metrics > 0) {
        put(&table, "control/", "");
    }
    for (int i = 0; i < it->n_metrics && i < AFT_EVENT_MAX_METRICS; i++) {
        put_real(&table, it->metric_names[i], it->metrics[i]);
    }
    put_rule(&table);
}
