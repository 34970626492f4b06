/*
 * Run events: the one stream that console, logs and metric files subscribe to.
 * Events are plain data of a fixed size, since the worker's travel to the keeper
 * through shared memory. Text is cut to its field.
 */
#ifndef AFT_REPORT_EVENT_H
#define AFT_REPORT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum aft_event_type {
    AFT_EVENT_RUN_BEGINS = 1, /* run */
    AFT_EVENT_STAGE_BEGINS,   /* stage; with a step beyond 0 where a process goes on in one */
    AFT_EVENT_ITERATION,      /* iteration */
    AFT_EVENT_EVALUATION,     /* evaluation */
    AFT_EVENT_ARCHIVE,        /* archive: an archive became durable */
    AFT_EVENT_STAGE_ENDS,     /* stage */
    AFT_EVENT_INCIDENT,       /* message: a failure and what is done about it */
    AFT_EVENT_NOTICE,         /* message: anything else worth a line */
    AFT_EVENT_RUN_ENDS,       /* ends */
    AFT_EVENT_GATE,           /* gate: the verdict on an attempt at a stage */
    AFT_EVENT_EPISODE,        /* episode: one that finished; before the iteration it finished in */
    AFT_EVENT_MOTION_RESULTS, /* motion_results: in parts, before the stage's evaluation */
    AFT_EVENT_WORKER_BEGINS,  /* worker: a process that trains is ready to */
    AFT_EVENT_WORKER_LOST,    /* lost */
    AFT_EVENT_SIGNAL,         /* signal: asks for a checkpoint, or to stop */
    AFT_EVENT_SET_ASIDE,      /* aside: an archive was moved out of the way */
    AFT_EVENT_STATE,          /* state: of the keeper; for whom else would ask it */
};

enum {
    AFT_EVENT_MAX_METRICS = 8,
    AFT_EVENT_RESULTS = 64,      /* motions in one event … */
    AFT_EVENT_MAX_RESULTS = 256, /* … and in all of a stage: further motions are not told of */
};

struct aft_event_run {
    char name[64];
    int n_stages, next_stage; /* next_stage counts from 1 */
    char plan[256];           /* the sentence of the start-up scan */
};

struct aft_event_stage {
    char name[64];
    double magnitude, force_limit_n;
    int64_t timesteps;
    int n_envs, n_steps, batch_size, n_epochs;
    double learning_rate, final_learning_rate, ent_coef, final_ent_coef;
    char network[64]; /* "64,64 tanh" */
    double seconds;   /* STAGE_ENDS: wall time of the stage in this run */
    int attempt;      /* STAGE_BEGINS: at the stage, counted from 1 */
};

struct aft_event_iteration { /* SB3's names; rates are of this process */
    int64_t iterations, episodes, updates;
    double ep_rew_mean, ep_len_mean; /* last 100 episodes; NaN before the first ends */
    double fps, time_elapsed_s;
    double approx_kl, clip_fraction, clip_range, entropy_loss, explained_variance;
    double learning_rate, ent_coef, loss, policy_gradient_loss, value_loss, std, grad_norm;
    double rollout_s, update_s;
    int64_t attempt;        /* at the stage, counted from 1 */
    int64_t rollout_steps;  /* of all environments, in this iteration */
    int64_t first_finished; /* the episodes that finished in it: their place in the
                             * attempt's history, and how many */
    int64_t n_finished;
    int n_metrics; /* of the environment, last 100 episodes */
    char metric_names[AFT_EVENT_MAX_METRICS][32];
    double metrics[AFT_EVENT_MAX_METRICS];
};

struct aft_event_episode { /* stage_step and total_step are those at its end */
    double reward;         /* sum over the episode */
    int64_t length;        /* control steps */
    int n_metrics;         /* of the environment, of this episode */
    char metric_names[AFT_EVENT_MAX_METRICS][32];
    double metrics[AFT_EVENT_MAX_METRICS];
};

struct aft_event_motion_results { /* policy on motions first … first + n - 1 of a stage */
    int stage;                    /* whose held-out motions these are, counted from 1 */
    int first, n;
    double peak_drift_to_passive[AFT_EVENT_RESULTS];
    int32_t lengths[AFT_EVENT_RESULTS]; /* control steps */
};

/* Policy on held-out motions, beside its references. An evaluation is one of these for each stage
 * of the curriculum, in order. */
struct aft_event_evaluation {
    int of_stage, n_stages; /* whose motions these are, counted from 1; of how many */
    int attempt;            /* at the stage that is trained */
    int motions;
    double mean_length;                                 /* control steps */
    double peak_drift_to_passive, rms_drift_to_passive; /* means over motions */
    double uncontrolled_peak_to_passive;
    double worst_peak_to_passive, stroke_max_m, power_max_w;
    double lqr_peak_to_passive, lqr_rms_to_passive; /* of tuned controllers on the same motions; */
    double lqg_peak_to_passive, lqg_rms_to_passive; /* NaN: not known */
    double score; /* of the whole evaluation, with its last set; else NaN */
    char set[64]; /* "32 unseen M4.5 motions" */
};

struct aft_event_gate {
    char name[64];                   /* of the stage */
    bool passed;                     /* and the stage is complete */
    int attempt, max_attempts;       /* counted from 1 */
    double score, limit;             /* mean peak drift ratios to passive; limit NaN: none */
    double next_learning_rate_scale; /* of the attempt that follows; 0: none does */
    char verdict[128];               /* "mean peak drift 1.3 of passive, above …" */
};

struct aft_event_archive {
    char kind[16];
    char path[256];
    char name[192]; /* the path within the run's folder */
    int64_t attempt;
    double score;        /* NaN: none */
    char digest[65];     /* SHA-256 of every byte before the zip's comment, in hex */
    char state_hash[65]; /* training_state_sha256 */
    double seconds;      /* building, writing, syncing, verifying */
    int64_t bytes;
};

struct aft_event_worker {
    int64_t pid, attempt;
    int threads;
    char engine[128]; /* which engine, kernels and threads */
};

struct aft_event_lost { /* the event's place is where a new worker goes on */
    char reason[256];
    int64_t attempt;
    bool retried;          /* a new worker will be started; otherwise the run has failed */
    int failures, retries; /* in a row without progress, of how many recovered from */
    double pause_s;        /* before the new worker */
};

struct aft_event_signal {
    int number;
    char name[16]; /* "SIGUSR1" */
};

struct aft_event_aside { /* names within the run's folder */
    char from[256], to[256];
    char reason[16]; /* corrupt, superseded or kept: it is of another lineage */
};

struct aft_event_state {
    char name[16]; /* "training" */
};

struct aft_event_message {
    char text[512];
};

struct aft_event_ends {
    int exit_code;
    char outcome[20]; /* complete, stage_reached, interrupted, checkpointed or error */
    char text[1024];  /* "All stages complete", "stopped by SIGINT", … */
};

struct aft_event {
    enum aft_event_type type;
    int stage;          /* counts from 1; 0: none */
    int64_t stage_step; /* steps of the stage so far */
    int64_t total_step; /* steps of the run so far */
    double unix_time;
    union {
        struct aft_event_run run;
        struct aft_event_stage begins;
        struct aft_event_iteration iteration;
        struct aft_event_evaluation evaluation;
        struct aft_event_episode episode;
        struct aft_event_motion_results motion_results;
        struct aft_event_gate gate;
        struct aft_event_archive archive;
        struct aft_event_worker worker;
        struct aft_event_lost lost;
        struct aft_event_signal signal;
        struct aft_event_aside aside;
        struct aft_event_state state;
        struct aft_event_message message;
        struct aft_event_ends ends;
    } u;
};

/* For plots and programs rather than news for people: iterations, episodes, motions' results,
 * the keeper's states. */
bool aft_event_is_data(const struct aft_event *event);

/* An observer is told of every event, in order. It cannot fail: what it cannot
 * write it counts and mentions once on standard error. */
struct aft_observer {
    void *self;
    void (*on_event)(void *self, const struct aft_event *event);
    void (*tick)(void *self); /* called about ten times a second; may be NULL */
    void (*destroy)(void *self);
};

enum { AFT_MAX_OBSERVERS = 12 };

struct aft_event_stream {
    int n;
    struct aft_observer observers[AFT_MAX_OBSERVERS];
};

/* Takes the observer over. */
void aft_event_subscribe(struct aft_event_stream *stream, struct aft_observer observer);
void aft_event_publish(struct aft_event_stream *stream, const struct aft_event *event);
void aft_event_tick(struct aft_event_stream *stream);
void aft_event_stream_clear(struct aft_event_stream *stream);

#endif
