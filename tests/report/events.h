/* Events as a small run would publish them; shared by the tests of this folder. */
#ifndef AFT_TESTS_REPORT_EVENTS_H
#define AFT_TESTS_REPORT_EVENTS_H

#include "report/event.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static inline struct aft_event event_run_begins(void)
{
    struct aft_event event = {.type = AFT_EVENT_RUN_BEGINS, .unix_time = 1000};
    struct aft_event_run *run = &event.u.run;
    (void)strcpy(run->name, "default");
    (void)strcpy(run->plan, "No checkpoints found - starting fresh training");
    run->n_stages = 4;
    run->next_stage = 1;
    return event;
}

static inline struct aft_event event_stage(enum aft_event_type type, int64_t step)
{
    struct aft_event event = {.type = type,
                              .stage = 2,
                              .stage_step = step,
                              .total_step = 300000 + step,
                              .unix_time = 1000};
    struct aft_event_stage *stage = &event.u.begins;
    (void)strcpy(stage->name, "M5.7@100kN");
    (void)strcpy(stage->network, "64,64 tanh");
    stage->magnitude = 5.7;
    stage->force_limit_n = 100e3;
    stage->timesteps = 300000;
    stage->n_envs = 64;
    stage->n_steps = 125;
    stage->batch_size = 2000;
    stage->n_epochs = 6;
    stage->learning_rate = 5e-4;
    stage->final_learning_rate = 1e-4;
    stage->ent_coef = stage->final_ent_coef = 0.01;
    stage->seconds = 75;
    return event;
}

static inline struct aft_event event_iteration(int64_t iteration, double time)
{
    struct aft_event event = {.type = AFT_EVENT_ITERATION,
                              .stage = 2,
                              .stage_step = 8000 * iteration,
                              .total_step = 300000 + 8000 * iteration,
                              .unix_time = time};
    struct aft_event_iteration *it = &event.u.iteration;
    it->iterations = iteration;
    it->attempt = 3;
    it->episodes = 7;
    it->updates = 24 * iteration;
    it->ep_rew_mean = (double)NAN;
    it->ep_len_mean = 500;
    it->fps = 20000;
    it->time_elapsed_s = 0.4 * (double)iteration;
    it->approx_kl = 0.0123456789;
    it->clip_range = 0.2;
    it->learning_rate = 3e-4;
    it->n_metrics = 1;
    (void)strcpy(it->metric_names[0], "peak_drift_to_passive");
    it->metrics[0] = 0.875;
    return event;
}

/* The first (0) or second (1) episode that finished in the iteration. */
static inline struct aft_event event_episode(int64_t iteration, int which, double time)
{
    struct aft_event event = {.type = AFT_EVENT_EPISODE,
                              .stage = 2,
                              .stage_step = 8000 * iteration - (which == 0 ? 4000 : 0),
                              .unix_time = time};
    struct aft_event_episode *episode = &event.u.episode;
    event.total_step = 300000 + event.stage_step;
    episode->reward = -1.5;
    episode->length = 500;
    episode->n_metrics = 1;
    (void)strcpy(episode->metric_names[0], "peak_drift_to_passive");
    episode->metrics[0] = 0.75;
    return event;
}

static inline struct aft_event event_evaluation(void)
{
    struct aft_event event = {.type = AFT_EVENT_EVALUATION, .stage = 1, .unix_time = 1001};
    struct aft_event_evaluation *evaluation = &event.u.evaluation;
    evaluation->motions = 32;
    evaluation->peak_drift_to_passive = 0.714;
    evaluation->rms_drift_to_passive = 0.75;
    evaluation->uncontrolled_peak_to_passive = 1.31;
    evaluation->worst_peak_to_passive = 0.92;
    evaluation->stroke_max_m = 1.2;
    evaluation->power_max_w = 212e3;
    evaluation->lqr_peak_to_passive = 0.68;
    evaluation->lqr_rms_to_passive = 0.47;
    evaluation->lqg_peak_to_passive = 0.7;
    evaluation->lqg_rms_to_passive = 0.52;
    evaluation->score = -0.75;
    evaluation->of_stage = 1;
    (void)strcpy(evaluation->set, "32 unseen M4.5 motions");
    return event;
}

static inline struct aft_event event_message(enum aft_event_type type, const char *text)
{
    struct aft_event event = {.type = type, .stage = 2, .stage_step = 8000, .unix_time = 1002};
    (void)snprintf(event.u.message.text, sizeof event.u.message.text, "%s", text);
    return event;
}

static inline struct aft_event event_archive(const char *kind, const char *name)
{
    struct aft_event event = {
        .type = AFT_EVENT_ARCHIVE, .stage = 2, .stage_step = 8000, .unix_time = 1002};
    struct aft_event_archive *archive = &event.u.archive;
    (void)snprintf(archive->kind, sizeof archive->kind, "%s", kind);
    (void)snprintf(archive->path, sizeof archive->path, "models/default/%s", name);
    (void)snprintf(archive->name, sizeof archive->name, "%s", name);
    (void)memset(archive->digest, 'd', 64);
    (void)memset(archive->state_hash, 'a', 64);
    archive->attempt = 1;
    archive->score = -0.75;
    archive->bytes = 45000;
    archive->seconds = 0.02;
    return event;
}

static inline struct aft_event event_state(const char *name)
{
    struct aft_event event = {.type = AFT_EVENT_STATE, .stage = 2, .unix_time = 1002};
    (void)snprintf(event.u.state.name, sizeof event.u.state.name, "%s", name);
    return event;
}

static inline struct aft_event event_ends(int exit_code, const char *text)
{
    struct aft_event event = {.type = AFT_EVENT_RUN_ENDS, .unix_time = 1003};
    event.u.ends.exit_code = exit_code;
    (void)strcpy(event.u.ends.outcome, exit_code == 0 ? "complete" : "interrupted");
    (void)snprintf(event.u.ends.text, sizeof event.u.ends.text, "%s", text);
    return event;
}

#endif
