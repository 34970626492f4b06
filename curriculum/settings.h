/*
 * What an INI says, as plain data. Every field is a key of the table in
 * keys.c, which holds its section, name, type, range, default and one line of
 * help; docs/curriculum.md is made from that table.
 */
#ifndef AFT_CURRICULUM_SETTINGS_H
#define AFT_CURRICULUM_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    AFT_MAX_HIDDEN_LAYERS = 8,
    AFT_MAX_STAGES = 64,
    AFT_MAX_NAME = 64,
    AFT_MAX_FLOORS = 64,
    AFT_MAX_TEXT = 1024,
    AFT_MAX_FLOOR_LIST = 16,
    AFT_MAX_ATTEMPTS = 16
};

enum aft_schedule_kind { AFT_SCHEDULE_CONSTANT, AFT_SCHEDULE_LINEAR, AFT_SCHEDULE_COSINE };
enum aft_activation_kind { AFT_ACTIVATION_TANH, AFT_ACTIVATION_RELU };
enum aft_motion_source { AFT_MOTION_STOCHASTIC, AFT_MOTION_RECORDS };
enum aft_motion_scale { AFT_SCALE_PGA, AFT_SCALE_SA_T1, AFT_SCALE_NONE };
enum aft_resume_rule { AFT_RESUME_STAGE, AFT_RESUME_LATEST };

/* a list such as "64,64" or "4,8,12" */
struct aft_int_list {
    int n;
    int value[AFT_MAX_FLOOR_LIST];
};

struct aft_run_settings { /* [run] */
    char name[AFT_MAX_NAME];
    uint64_t seed;
    char engine[16];  /* auto | native | torch */
    char device[16];  /* auto | cpu | cuda | cuda:N */
    bool tf32;        /* on CUDA: matrix products in TF32 */
    int threads;      /* 0: all cores */
    bool tensorboard; /* write event files */
};

struct aft_building_settings { /* [building] */
    int floors;
    double floor_mass_kg;
    double storey_stiffness_n_m;
    int soft_storey; /* counted from 1; 0: none */
    double soft_storey_factor;
    double storey_height_m; /* drift ratio = storey drift / height */
    double damping_ratio;   /* Rayleigh damping: the ratio of modes 1 and 2 */
    double device_mass_kg;  /* mass driver on the roof */
    double device_stiffness_n_m;
    double device_damping_n_s_m;
    double stroke_m; /* 0: no end stop */
    double stop_stiffness_n_m;
    double stop_damping_n_s_m;
};

struct aft_actuator_settings { /* [actuator] */
    double power_limit_w;      /* driving power; braking is free; 0: no limit */
    double actuator_lag_s;     /* time constant of the force; 0: none */
};

struct aft_motion_settings { /* [ground_motion], may follow in a stage */
    enum aft_motion_source source;
    char records[AFT_MAX_TEXT]; /* folders or files, separated by commas; relative to the INI */
    enum aft_motion_scale scale;
    double pga_g;   /* target with scale = pga */
    double sa_t1_g; /* target with scale = sa_t1: 5 % damped, at the first period */
    double distance_km;
    double stress_drop_bar;
    double kappa_s;
    double stress_drop_sigma_ln; /* scatter: standard deviations of the natural logarithm */
    double distance_sigma_ln;
    double kappa_sigma_ln;
    double amplitude_scatter; /* 0.3: each episode's motion is scaled by 0.7…1.3 */
    double onset_max_s;       /* quiet time before the motion, uniform in 0…onset_max_s */
    double mix_fraction;      /* share of training motions of another magnitude */
    double mix_magnitude_min;
    double mix_magnitude_max;
    double mix_distance_km;
};

enum aft_observer_kind { AFT_OBSERVER_NONE, AFT_OBSERVER_KALMAN };
enum aft_nominal_kind { AFT_NOMINAL_NONE, AFT_NOMINAL_LQG };

struct aft_environment_settings { /* [environment], may follow in a stage */
    int n_envs;
    double dt_s;       /* step of the simulation and of the ground motion */
    int control_every; /* simulation steps to a control step */
    double episode_s;
    struct aft_int_list acceleration_floors; /* sensors: belong to the run, not to a stage */
    struct aft_int_list drift_storeys;       /* empty: no drift sensors */
    double accelerometer_range_g;            /* full scale, ± */
    double sensor_noise; /* white noise, as a fraction of each channel's full scale */
    int sensor_bits;     /* quantisation over ± full scale; 0: none */
    int latency_steps;   /* control steps between measuring and acting on it */
    double dropout;      /* probability that a channel repeats its last value */
    double random_noise, random_latency_s;   /* how training episodes depart from all this … */
    double random_dropout;                   /* … and from [building], at most: */
    double random_stiffness, random_damping; /* environment/randomisation.h */
    enum aft_observer_kind observer;         /* belong to the run, */
    enum aft_nominal_kind nominal;           /* like the sensors */
    double nominal_drift_rate, nominal_stroke, nominal_stroke_rate, nominal_control;
    double stroke_guard;  /* share of the stroke; 0: no guard */
    double reward_drift;  /* weight of the squared drift */
    double reward_peak;   /* weight of growth of the peak drift */
    double reward_stroke; /* weight of the stroke barrier above 70 % of the stroke */
    double reward_saturation;
    double reward_force;
    double reward_force_rate;
    double reward_acceleration;
};

struct aft_ppo_settings {                /* [ppo], may follow in a stage */
    struct aft_int_list network;         /* belongs to the run */
    enum aft_activation_kind activation; /* belongs to the run */
    int n_steps;                         /* rollout length, per environment */
    int batch_size;
    int n_epochs;
    double learning_rate;
    double final_learning_rate; /* defaults to learning_rate */
    enum aft_schedule_kind lr_schedule;
    double gamma;
    double gae_lambda;
    double clip_range;
    double clip_range_vf; /* 0: no value clipping */
    double ent_coef;
    double final_ent_coef;               /* defaults to ent_coef; follows lr_schedule's shape … */
    enum aft_schedule_kind ent_schedule; /* … or its own */
    double vf_coef;
    double max_grad_norm; /* 0: no clipping */
    double target_kl;     /* 0: off */
    double adam_eps;
    double log_std_init;
    double output_gain; /* of the action layer's orthogonal initialisation */
    bool ortho_init;
    bool normalize_advantage;
    bool normalize_observation;
    bool adaptive; /* learning rate follows the KL divergence */
    double desired_kl;
};

struct aft_recovery_settings { /* [recovery] */
    enum aft_resume_rule resume;
    int64_t checkpoint_every_steps; /* 0: not by steps */
    double checkpoint_every_s;      /* 0: not by time */
    int keep_last;                  /* checkpoints */
    bool save_best;
    int retries;           /* in a row without progress */
    double hang_timeout_s; /* 0: a worker is never taken for hung */
};

enum aft_reference_kind { AFT_REFERENCES_NONE, AFT_REFERENCES_TUNED };

struct aft_evaluation_settings { /* [evaluation] */
    int motions;                 /* held-out motions at the end of each stage; 0: none */
    int64_t every_steps;         /* between evaluations within a stage; 0: none */
    double tail_s;               /* simulated after the motion's end */
    enum aft_reference_kind references;
};

struct aft_gate_settings {   /* [gate], may follow in a stage */
    double max_drift_ratio;  /* the stage's own mean peak drift ratio to passive; 0: no limit */
    double forget_tolerance; /* an earlier stage's, relative to when that one was completed;
                              * 0 or less: no limit */
    double retry_learning_rate_factor;
    int max_attempts;
};

/* A stage's effective settings: defaults, then [sections], then the stage's own. */
struct aft_stage {
    int number;              /* counted from 1 */
    char name[AFT_MAX_NAME]; /* as in the INI: M4.5@50kN */
    double magnitude;
    double force_limit_n;
    char force_label[24]; /* 50kN, 112.5kN: as it stands in archive names */
    int64_t timesteps;
    struct aft_motion_settings motion;
    struct aft_environment_settings environment;
    struct aft_ppo_settings ppo;
    struct aft_gate_settings gate;
};

struct aft_curriculum {
    char *path; /* of the INI, as given */
    char *text; /* its bytes, for the archives */
    struct aft_run_settings run;
    struct aft_building_settings building;
    struct aft_actuator_settings actuator;
    struct aft_recovery_settings recovery;
    struct aft_evaluation_settings evaluation;
    int n_stages;
    struct aft_stage *stages;
};

#endif
