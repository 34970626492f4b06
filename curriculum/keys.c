#include "curriculum/keys.h"

#include <string.h>

static const char *const section_names[AFT_SECTION_COUNT] = {
    [AFT_SECTION_RUN] = "run",
    [AFT_SECTION_BUILDING] = "building",
    [AFT_SECTION_ACTUATOR] = "actuator",
    [AFT_SECTION_MOTION] = "ground_motion",
    [AFT_SECTION_ENVIRONMENT] = "environment",
    [AFT_SECTION_PPO] = "ppo",
    [AFT_SECTION_RECOVERY] = "recovery",
    [AFT_SECTION_EVALUATION] = "evaluation",
    [AFT_SECTION_GATE] = "gate",
    [AFT_SECTION_STAGE] = "stage",
};

/* A row is: section, field (which is the key's name too), type, flags; then
 * range, choices, default and help by name. */
#define ROW(which, settings, field, kind, bits, ...)                                               \
    {                                                                                              \
        .section = (which), .name = #field, .type = (kind), .flags = (unsigned)(bits),             \
        .offset = offsetof(struct settings, field), __VA_ARGS__                                    \
    }
#define RUN(field, kind, bits, ...)                                                                \
    ROW(AFT_SECTION_RUN, aft_run_settings, field, kind, bits, __VA_ARGS__)
#define BUILDING(field, kind, bits, ...)                                                           \
    ROW(AFT_SECTION_BUILDING, aft_building_settings, field, kind, AFT_KEY_BITS | (bits),           \
        __VA_ARGS__)
#define ACTUATOR(field, kind, bits, ...)                                                           \
    ROW(AFT_SECTION_ACTUATOR, aft_actuator_settings, field, kind, AFT_KEY_BITS | (bits),           \
        __VA_ARGS__)
#define MOTION(field, kind, bits, ...)                                                             \
    ROW(AFT_SECTION_MOTION, aft_motion_settings, field, kind, AFT_KEY_BITS | (bits), __VA_ARGS__)
#define ENVIRONMENT(field, kind, bits, ...)                                                        \
    ROW(AFT_SECTION_ENVIRONMENT, aft_environment_settings, field, kind, AFT_KEY_BITS | (bits),     \
        __VA_ARGS__)
#define PPO(field, kind, bits, ...)                                                                \
    ROW(AFT_SECTION_PPO, aft_ppo_settings, field, kind, AFT_KEY_BITS | (bits), __VA_ARGS__)
#define RECOVERY(field, kind, ...)                                                                 \
    ROW(AFT_SECTION_RECOVERY, aft_recovery_settings, field, kind, 0, __VA_ARGS__)
#define EVALUATION(field, kind, ...)                                                               \
    ROW(AFT_SECTION_EVALUATION, aft_evaluation_settings, field, kind, 0, __VA_ARGS__)
#define GATE(field, kind, bits, ...)                                                               \
    ROW(AFT_SECTION_GATE, aft_gate_settings, field, kind, bits, __VA_ARGS__)

#define RANGE(low, high) .min = (low), .max = (high)
#define SENSORS (AFT_KEY_OF_RUN | AFT_KEY_ASCENDING | AFT_KEY_MAY_BE_NONE)

/* clang-format off */
static const struct aft_key keys[] = {
    RUN(name, AFT_KEY_NAME, 0, .initial = "default",
        .help = "name of the run: its archives are in models/NAME/"),
    RUN(seed, AFT_KEY_SIZE, AFT_KEY_BITS, RANGE(0, 9e18), .initial = "1",
        .help = "every random number follows from it"),
    RUN(engine, AFT_KEY_WORD, 0, .choices = {"auto", "native", "torch"}, .initial = "auto",
        .help = "what does the arithmetic; auto: torch on a usable GPU, else native"),
    RUN(device, AFT_KEY_DEVICE, 0, .choices = {"auto", "cpu", "cuda"}, .initial = "auto",
        .help = "where the torch engine computes"),
    RUN(tf32, AFT_KEY_TRUTH, AFT_KEY_BITS | AFT_KEY_TF32, .initial = "false",
        .help = "on CUDA: matrix products in TF32, faster and with 10 bits of mantissa; "
                "elsewhere it changes nothing"),
    RUN(threads, AFT_KEY_WHOLE, 0, RANGE(0, 1024), .initial = "0",
        .help = "threads; 0: all cores; results do not depend on it"),
    RUN(tensorboard, AFT_KEY_TRUTH, 0, .initial = "true",
        .help = "event files for TensorBoard, about 1 MB per 1000 iterations"),

    {.section = AFT_SECTION_BUILDING, .name = "preset", .type = AFT_KEY_WORD,
        .flags = AFT_KEY_NO_FIELD, .choices = {"slender12", "seed12"}, .initial = "slender12",
        .help = "a whole plant; the other keys of the section change it, wherever they stand"},
    BUILDING(floors, AFT_KEY_WHOLE, 0, RANGE(1, AFT_MAX_FLOORS), .initial = "12",
        .help = "storeys of the shear building"),
    BUILDING(floor_mass_kg, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1e12), .initial = "33333",
        .help = "mass of each floor"),
    BUILDING(storey_stiffness_n_m, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1e15), .initial = "6.01e7",
        .help = "lateral stiffness of each storey"),
    BUILDING(soft_storey, AFT_KEY_WHOLE, 0, RANGE(0, AFT_MAX_FLOORS), .initial = "8",
        .help = "the storey that is softer, counted from 1; 0: none"),
    BUILDING(soft_storey_factor, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 10), .initial = "0.6",
        .help = "its stiffness over the others'"),
    BUILDING(storey_height_m, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 100), .initial = "3.0",
        .help = "a drift ratio is a storey's drift over this height"),
    BUILDING(damping_ratio, AFT_KEY_REAL, AFT_KEY_BELOW, RANGE(0, 1), .initial = "0.015",
        .help = "Rayleigh damping: the damping ratio of modes 1 and 2"),
    BUILDING(device_mass_kg, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1e9), .initial = "4000",
        .help = "moving mass of the mass driver on the roof"),
    BUILDING(device_stiffness_n_m, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1e12), .initial = "105034",
        .help = "spring of the mass driver"),
    BUILDING(device_damping_n_s_m, AFT_KEY_REAL, 0, RANGE(0, 1e12), .initial = "6296",
        .help = "damper of the mass driver"),
    BUILDING(stroke_m, AFT_KEY_REAL, 0, RANGE(0, 1000), .initial = "1.5",
        .help = "travel of the mass to either side before it meets its stop; 0: no stop"),
    BUILDING(stop_stiffness_n_m, AFT_KEY_REAL, 0, RANGE(0, 1e12), .initial = "1e6",
        .help = "spring of the end stop"),
    BUILDING(stop_damping_n_s_m, AFT_KEY_REAL, 0, RANGE(0, 1e12), .initial = "3e4",
        .help = "damper of the end stop"),
    {.section = AFT_SECTION_BUILDING, .name = "hysteresis", .type = AFT_KEY_WORD,
        .flags = AFT_KEY_NO_FIELD, .choices = {"none"}, .initial = "none",
        .help = "storeys that yield: a place kept, the building is elastic"},

    ACTUATOR(power_limit_w, AFT_KEY_REAL, 0, RANGE(0, 1e12), .initial = "3e5",
        .help = "limit of the driving power; braking is free; 0: no limit"),
    ACTUATOR(actuator_lag_s, AFT_KEY_REAL, 0, RANGE(0, 10), .initial = "0",
        .help = "time constant with which the force follows; 0: at once"),

    MOTION(source, AFT_KEY_CHOICE, 0, .choices = {"stochastic", "records"},
        .initial = "stochastic", .help = "generated by Boore's stochastic method, or read"),
    MOTION(records, AFT_KEY_TEXT, AFT_KEY_RECORDS, .initial = "",
        .help = "folders or files (.AT2, .csv), separated by commas, relative to the INI"),
    MOTION(scale, AFT_KEY_CHOICE, 0, .choices = {"pga", "sa_t1", "none"}, .initial = "pga",
        .help = "what motions are scaled to"),
    MOTION(pga_g, AFT_KEY_REAL, AFT_KEY_ABOVE | AFT_KEY_PGA, RANGE(0, 10), .initial = "0.35",
        .help = "peak ground acceleration with scale = pga"),
    MOTION(sa_t1_g, AFT_KEY_REAL, AFT_KEY_ABOVE | AFT_KEY_SA_T1, RANGE(0, 10), .initial = "0.5",
        .help = "5 % damped spectral acceleration at the first period with scale = sa_t1"),
    MOTION(distance_km, AFT_KEY_REAL, AFT_KEY_ABOVE | AFT_KEY_STOCHASTIC, RANGE(0, 1000),
        .initial = "10", .help = "distance of the source"),
    MOTION(stress_drop_bar, AFT_KEY_REAL, AFT_KEY_ABOVE | AFT_KEY_STOCHASTIC, RANGE(0, 1e4),
        .initial = "80", .help = "stress drop of the source"),
    MOTION(kappa_s, AFT_KEY_REAL, AFT_KEY_STOCHASTIC, RANGE(0, 1), .initial = "0.04",
        .help = "attenuation of high frequencies at the site"),
    MOTION(stress_drop_sigma_ln, AFT_KEY_REAL, AFT_KEY_STOCHASTIC, RANGE(0, 3), .initial = "0",
        .help = "scatter of the stress drop: standard deviation of its natural logarithm"),
    MOTION(distance_sigma_ln, AFT_KEY_REAL, AFT_KEY_STOCHASTIC, RANGE(0, 3), .initial = "0",
        .help = "scatter of the distance"),
    MOTION(kappa_sigma_ln, AFT_KEY_REAL, AFT_KEY_STOCHASTIC, RANGE(0, 3), .initial = "0",
        .help = "scatter of kappa"),
    MOTION(amplitude_scatter, AFT_KEY_REAL, AFT_KEY_BELOW, RANGE(0, 1), .initial = "0.3",
        .help = "0.3: each episode's motion is scaled by 0.7 to 1.3"),
    MOTION(onset_max_s, AFT_KEY_REAL, 0, RANGE(0, 1000), .initial = "1.5",
        .help = "quiet time before the motion, at most"),
    MOTION(mix_fraction, AFT_KEY_REAL, AFT_KEY_STOCHASTIC, RANGE(0, 1), .initial = "0",
        .help = "share of training motions of another magnitude than the stage's"),
    MOTION(mix_magnitude_min, AFT_KEY_REAL, AFT_KEY_STOCHASTIC, RANGE(2, 9.5), .initial = "5.5",
        .help = "smallest magnitude of those"),
    MOTION(mix_magnitude_max, AFT_KEY_REAL, AFT_KEY_STOCHASTIC, RANGE(2, 9.5), .initial = "6.8",
        .help = "largest magnitude of those"),
    MOTION(mix_distance_km, AFT_KEY_REAL, AFT_KEY_ABOVE | AFT_KEY_STOCHASTIC, RANGE(0, 1000),
        .initial = "15", .help = "distance of their source"),

    ENVIRONMENT(n_envs, AFT_KEY_WHOLE, 0, RANGE(1, 65536), .initial = "64",
        .help = "episodes that run side by side"),
    ENVIRONMENT(dt_s, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1), .initial = "0.02",
        .help = "step of the simulation and of the ground motion"),
    ENVIRONMENT(control_every, AFT_KEY_WHOLE, 0, RANGE(1, 1000), .initial = "2",
        .help = "simulation steps to a control step"),
    ENVIRONMENT(episode_s, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1e5), .initial = "20",
        .help = "length of an episode; its end is a truncation"),
    ENVIRONMENT(acceleration_floors, AFT_KEY_LIST, SENSORS, RANGE(1, AFT_MAX_FLOORS),
        .most = AFT_MAX_FLOOR_LIST, .initial = "4,8,12",
        .help = "floors with an accelerometer; the ground always has one"),
    ENVIRONMENT(drift_storeys, AFT_KEY_LIST, SENSORS, RANGE(1, AFT_MAX_FLOORS),
        .most = AFT_MAX_FLOOR_LIST, .initial = "none",
        .help = "storeys with a drift sensor"),
    ENVIRONMENT(accelerometer_range_g, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1000), .initial = "2",
        .help = "full scale of the accelerometers, to either side"),
    ENVIRONMENT(sensor_noise, AFT_KEY_REAL, 0, RANGE(0, 1), .initial = "0",
        .help = "white noise, as a fraction of each channel's full scale"),
    ENVIRONMENT(sensor_bits, AFT_KEY_WHOLE, 0, RANGE(0, 32), .initial = "0",
        .help = "quantisation over +- full scale; 0: none"),
    ENVIRONMENT(latency_steps, AFT_KEY_WHOLE, 0, RANGE(0, 100), .initial = "0",
        .help = "control steps between measuring and acting on it"),
    ENVIRONMENT(dropout, AFT_KEY_REAL, AFT_KEY_BELOW, RANGE(0, 1), .initial = "0",
        .help = "probability that a channel repeats its last value"),
    ENVIRONMENT(random_noise, AFT_KEY_REAL, AFT_KEY_UNLESS_ZERO, RANGE(0, 1), .initial = "0",
        .help = "half of the training episodes have up to so much more sensor_noise"),
    ENVIRONMENT(random_latency_s, AFT_KEY_REAL, AFT_KEY_UNLESS_ZERO, RANGE(0, 10), .initial = "0",
        .help = "in half, commands arrive up to so much later, in whole simulation steps"),
    ENVIRONMENT(random_dropout, AFT_KEY_REAL, AFT_KEY_UNLESS_ZERO, RANGE(0, 1), .initial = "0",
        .help = "in half, up to so much more dropout"),
    ENVIRONMENT(random_stiffness, AFT_KEY_REAL, AFT_KEY_UNLESS_ZERO, RANGE(0, 0.9), .initial = "0",
        .help = "0.15: each training episode's storeys are up to 15 % softer or stiffer"),
    ENVIRONMENT(random_damping, AFT_KEY_REAL, AFT_KEY_UNLESS_ZERO, RANGE(0, 0.9), .initial = "0",
        .help = "0.3: and their damping ratio is up to 30 % smaller or larger"),
    ENVIRONMENT(observer, AFT_KEY_CHOICE, AFT_KEY_OF_RUN, .choices = {"none", "kalman"},
        .initial = "none", .help = "the policy sees a Kalman filter's estimates of the drifts"),
    ENVIRONMENT(nominal, AFT_KEY_CHOICE, AFT_KEY_OF_RUN, .choices = {"none", "lqg"},
        .initial = "none", .help = "lqg: the action is added to the command of an LQG controller"),
    ENVIRONMENT(nominal_drift_rate, AFT_KEY_REAL, AFT_KEY_NOMINAL, RANGE(0, 1e6), .initial = "0",
        .help = "its weight of the drifts' rates"),
    ENVIRONMENT(nominal_stroke, AFT_KEY_REAL, AFT_KEY_NOMINAL, RANGE(0, 1e6), .initial = "0.01",
        .help = "its weight of the stroke"),
    ENVIRONMENT(nominal_stroke_rate, AFT_KEY_REAL, AFT_KEY_NOMINAL, RANGE(0, 1e6), .initial = "0",
        .help = "its weight of the stroke's rate"),
    ENVIRONMENT(nominal_control, AFT_KEY_REAL, AFT_KEY_ABOVE | AFT_KEY_NOMINAL, RANGE(0, 1e6), .initial = "0.001",
        .help = "its weight of the command"),
    ENVIRONMENT(stroke_guard, AFT_KEY_REAL, 0, RANGE(0, 1), .initial = "0",
        .help = "share of the stroke within which the mass is braked to stay; 0: no guard"),
    ENVIRONMENT(reward_drift, AFT_KEY_REAL, 0, RANGE(0, 1e6), .initial = "10",
        .help = "weight of the squared drift"),
    ENVIRONMENT(reward_peak, AFT_KEY_REAL, 0, RANGE(0, 1e6), .initial = "5",
        .help = "weight of growth of the peak drift"),
    ENVIRONMENT(reward_stroke, AFT_KEY_REAL, 0, RANGE(0, 1e6), .initial = "0.02",
        .help = "weight of the barrier above 70 % of the stroke"),
    ENVIRONMENT(reward_saturation, AFT_KEY_REAL, 0, RANGE(0, 1e6), .initial = "0.001",
        .help = "weight of actions beyond the force limit"),
    ENVIRONMENT(reward_force, AFT_KEY_REAL, AFT_KEY_UNLESS_ZERO, RANGE(0, 1e6), .initial = "0",
        .help = "weight of the squared force"),
    ENVIRONMENT(reward_force_rate, AFT_KEY_REAL, 0, RANGE(0, 1e6), .initial = "0",
        .help = "weight of changes of the force"),
    ENVIRONMENT(reward_acceleration, AFT_KEY_REAL, 0, RANGE(0, 1e6), .initial = "0",
        .help = "weight of floor accelerations"),

    PPO(network, AFT_KEY_LIST, AFT_KEY_OF_RUN, RANGE(1, 8192), .most = AFT_MAX_HIDDEN_LAYERS,
        .initial = "64,64", .help = "units of the hidden layers, of policy and value alike"),
    PPO(activation, AFT_KEY_CHOICE, AFT_KEY_OF_RUN, .choices = {"tanh", "relu"},
        .initial = "tanh", .help = "activation of the hidden layers"),
    PPO(n_steps, AFT_KEY_WHOLE, 0, RANGE(1, 1e7), .initial = "250",
        .help = "control steps of a rollout, per environment"),
    PPO(batch_size, AFT_KEY_WHOLE, 0, RANGE(2, 1e8), .initial = "2000",
        .help = "samples of a minibatch"),
    PPO(n_epochs, AFT_KEY_WHOLE, 0, RANGE(1, 1000), .initial = "6",
        .help = "passes over each rollout"),
    PPO(learning_rate, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1), .initial = "5e-4",
        .help = "Adam's step size at the beginning of a stage"),
    PPO(final_learning_rate, AFT_KEY_REAL, 0, RANGE(0, 1), .follows = "learning_rate",
        .help = "and at its end; not used where the schedule is constant"),
    PPO(lr_schedule, AFT_KEY_CHOICE, 0, .choices = {"constant", "linear", "cosine"},
        .initial = "constant", .help = "linear by default where a final_learning_rate differs"),
    PPO(gamma, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1), .initial = "0.985",
        .help = "discount of a control step"),
    PPO(gae_lambda, AFT_KEY_REAL, 0, RANGE(0, 1), .initial = "0.95",
        .help = "lambda of the generalised advantage estimate"),
    PPO(clip_range, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 10), .initial = "0.2",
        .help = "clipping of the probability ratio"),
    PPO(clip_range_vf, AFT_KEY_REAL, 0, RANGE(0, 1e6), .initial = "0",
        .help = "clipping of the value's change; 0: none"),
    PPO(ent_coef, AFT_KEY_REAL, 0, RANGE(0, 10), .initial = "0",
        .help = "weight of the entropy at the beginning of a stage"),
    PPO(final_ent_coef, AFT_KEY_REAL, 0, RANGE(0, 10), .follows = "ent_coef",
        .help = "and at its end; not used where the schedule is constant"),
    PPO(ent_schedule, AFT_KEY_CHOICE, 0, .choices = {"constant", "linear", "cosine"},
        .follows = "lr_schedule", .help = "linear by default where a final_ent_coef differs"),
    PPO(vf_coef, AFT_KEY_REAL, 0, RANGE(0, 1000), .initial = "0.5",
        .help = "weight of the value's loss"),
    PPO(max_grad_norm, AFT_KEY_REAL, 0, RANGE(0, 1e9), .initial = "0.5",
        .help = "gradients are scaled down to this norm; 0: never"),
    PPO(target_kl, AFT_KEY_REAL, 0, RANGE(0, 1000), .initial = "0",
        .help = "epochs stop at 1.5 times this KL divergence; 0: never"),
    PPO(adam_eps, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1), .initial = "1e-5",
        .help = "epsilon of Adam"),
    PPO(log_std_init, AFT_KEY_REAL, 0, RANGE(-20, 2), .initial = "-0.7",
        .help = "logarithm of the action noise at the beginning of stage 1"),
    PPO(output_gain, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 100), .initial = "0.01",
        .help = "gain of the action layer's initial weights"),
    PPO(ortho_init, AFT_KEY_TRUTH, 0, .initial = "true", .help = "orthogonal initial weights"),
    PPO(normalize_advantage, AFT_KEY_TRUTH, 0, .initial = "true",
        .help = "advantages of a minibatch get mean 0 and deviation 1"),
    PPO(normalize_observation, AFT_KEY_TRUTH, 0, .initial = "false",
        .help = "observations get mean 0 and deviation 1, as seen so far"),
    PPO(adaptive, AFT_KEY_TRUTH, 0, .initial = "false",
        .help = "the learning rate follows the KL divergence instead of a schedule"),
    PPO(desired_kl, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 10), .initial = "0.01",
        .help = "the divergence that adaptive aims at"),

    RECOVERY(resume, AFT_KEY_CHOICE, .choices = {"stage", "latest"}, .initial = "stage",
        .help = "go on after the last complete stage, or from the latest state within one"),
    RECOVERY(checkpoint_every_steps, AFT_KEY_SIZE, RANGE(0, 9e18), .initial = "0",
        .help = "steps of a stage between checkpoints; 0: not by steps"),
    RECOVERY(checkpoint_every_s, AFT_KEY_REAL, RANGE(0, 1e9), .initial = "30",
        .help = "seconds between checkpoints; 0: not by time"),
    RECOVERY(keep_last, AFT_KEY_WHOLE, RANGE(1, 1000000), .initial = "5",
        .help = "checkpoints that are kept, the newest"),
    RECOVERY(save_best, AFT_KEY_TRUTH, .initial = "true",
        .help = "keep the best evaluation's policy as best_model.zip"),
    RECOVERY(retries, AFT_KEY_WHOLE, RANGE(0, 1000), .initial = "3",
        .help = "restarts of a failed worker in a row, without progress between them"),
    RECOVERY(hang_timeout_s, AFT_KEY_REAL, RANGE(0, 1e6), .initial = "600",
        .help = "a worker without progress for so long is taken for hung; 0: never"),

    EVALUATION(motions, AFT_KEY_WHOLE, RANGE(0, 100000), .initial = "32", .also = "episodes",
        .help = "held-out motions of each stage in an evaluation, one episode each (episodes is "
                "the same key); 0: none are made"),
    EVALUATION(every_steps, AFT_KEY_SIZE, RANGE(0, 9e18), .initial = "0",
        .help = "steps of a stage between evaluations; 0: at its end only"),
    EVALUATION(tail_s, AFT_KEY_REAL, RANGE(0, 1000), .initial = "20",
        .help = "time simulated after a motion's end"),
    EVALUATION(references, AFT_KEY_CHOICE, .choices = {"none", "tuned"}, .initial = "none",
        .help = "tuned: scores stand beside those of LQR and LQG, tuned once for each stage"),

    GATE(max_drift_ratio, AFT_KEY_REAL, 0, RANGE(0, 1000), .initial = "0",
        .help = "a stage is complete only if its mean peak drift ratio to passive on its "
                "held-out motions is at most this; 0: not asked"),
    GATE(forget_tolerance, AFT_KEY_REAL, 0, RANGE(-1, 1000), .initial = "0",
        .help = "and if no earlier stage's has grown by more than this share since that stage "
                "was completed; 0 or less: not asked"),
    GATE(retry_learning_rate_factor, AFT_KEY_REAL, AFT_KEY_ABOVE, RANGE(0, 1), .initial = "0.5",
        .help = "otherwise the stage begins again, with its learning rate times this"),
    GATE(max_attempts, AFT_KEY_WHOLE, 0, RANGE(1, AFT_MAX_ATTEMPTS), .initial = "3",
        .help = "attempts at a stage, the first included; then training stops"),

    ROW(AFT_SECTION_STAGE, aft_stage, timesteps, AFT_KEY_SIZE, AFT_KEY_BITS, RANGE(1, 1e11),
        .help = "length of the stage in control steps of all environments together (required)"),
};
/* clang-format on */

#define N_KEYS (sizeof keys / sizeof *keys)
_Static_assert(N_KEYS <= (size_t)AFT_MAX_KEYS, "AFT_MAX_KEYS must hold the table");

size_t aft_key_count(void)
{
    return N_KEYS;
}

const struct aft_key *aft_key_at(size_t index)
{
    return &keys[index];
}

size_t aft_key_index(const struct aft_key *key)
{
    return (size_t)(key - keys);
}

const char *aft_section_name(enum aft_section section)
{
    return section_names[section];
}

enum aft_section aft_section_find(const char *name)
{
    for (int i = 0; i < AFT_SECTION_STAGE; i++) {
        if (strcmp(section_names[i], name) == 0) {
            return (enum aft_section)i;
        }
    }
    return AFT_SECTION_COUNT;
}

bool aft_key_is_named(const struct aft_key *key, const char *name)
{
    return strcmp(key->name, name) == 0 || (key->also != NULL && strcmp(key->also, name) == 0);
}

const struct aft_key *aft_key_find(enum aft_section section, const char *name)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        if (keys[i].section == section && aft_key_is_named(&keys[i], name)) {
            return &keys[i];
        }
    }
    return NULL;
}

bool aft_key_fits(const struct aft_key *key, enum aft_section section)
{
    if (section != AFT_SECTION_STAGE || key->section == AFT_SECTION_STAGE) {
        return key->section == section;
    }
    bool has_stages = key->section == AFT_SECTION_MOTION ||
                      key->section == AFT_SECTION_ENVIRONMENT || key->section == AFT_SECTION_PPO ||
                      key->section == AFT_SECTION_GATE;
    return has_stages && (key->flags & AFT_KEY_OF_RUN) == 0;
}

enum { MAX_COMPARED = 48 };

/* The optimal string alignment distance: insertions, deletions, substitutions,
 * and exchanges of neighbours. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][MAX_COMPARED + 1];
    size_t length_a = strlen(a);
    size_t length_b = strlen(b);
    if (length_a > MAX_COMPARED || length_b > MAX_COMPARED) {
        return MAX_COMPARED;
    }
    for (size_t j = 0; j <= length_b; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= length_a; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                rows[(i - 2) % 3][j - 2] + 1 < best) {
                best = rows[(i - 2) % 3][j - 2] + 1;
            }
            row[j] = best;
        }
    }
    return rows[length_a % 3][length_b];
}

/* How many changes of a name of this length are taken for a slip. */
static size_t nearness(const char *name)
{
    return strlen(name) > 3 ? 1 + strlen(name) / 4 : 1;
}

const struct aft_key *aft_key_nearest(enum aft_section section, const char *name)
{
    const struct aft_key *nearest = NULL;
    size_t least = nearness(name) + 1;
    for (size_t i = 0; i < N_KEYS; i++) {
        size_t d = aft_key_fits(&keys[i], section) ? distance(keys[i].name, name) : least;
        if (d < least) {
            least = d;
            nearest = &keys[i];
        }
    }
    return nearest;
}

const char *aft_section_nearest(const char *name)
{
    const char *nearest = NULL;
    size_t least = nearness(name) + 1;
    for (size_t i = 0; i < AFT_SECTION_COUNT; i++) {
        size_t d = distance(section_names[i], name);
        if (d < least) {
            least = d;
            nearest = section_names[i];
        }
    }
    return nearest;
}
