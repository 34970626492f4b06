/* Values that are good by themselves and do not go together. */
#include "curriculum/layers.h"

enum { MAX_ROLLOUT = 100000000 };

struct subject {
    const struct aft_layer *layer;
    const struct aft_document *document;
    struct aft_error *error;
};

struct place {
    enum aft_section section;
    const char *key; /* NULL ends a list of places */
};

enum { MAX_PLACES = 3 };

/* Of the keys that contradict each other, the first that somebody set. */
static const struct aft_key *culprit(const struct aft_layer *layer,
                                     const struct place places[MAX_PLACES])
{
    for (int i = 0; i < MAX_PLACES && places[i].key != NULL; i++) {
        const struct aft_key *key = aft_key_find(places[i].section, places[i].key);
        if (layer->origin[aft_key_index(key)] != NULL) {
            return key;
        }
    }
    return aft_key_find(places[0].section, places[0].key);
}

#define FAIL(subject, places, ...)                                                                 \
    aft_document_fail((subject)->document,                                                         \
                      (subject)->layer->origin[aft_key_index(culprit((subject)->layer, places))],  \
                      culprit((subject)->layer, places), (subject)->error, __VA_ARGS__)

static enum aft_code check_rollout(const struct subject *subject)
{
    static const struct place size[MAX_PLACES] = {{AFT_SECTION_PPO, "n_steps"},
                                                  {AFT_SECTION_ENVIRONMENT, "n_envs"}};
    static const struct place batch[MAX_PLACES] = {{AFT_SECTION_PPO, "batch_size"},
                                                   {AFT_SECTION_PPO, "n_steps"},
                                                   {AFT_SECTION_ENVIRONMENT, "n_envs"}};
    const struct aft_stage *stage = &subject->layer->stage;
    int64_t samples = (int64_t)stage->environment.n_envs * stage->ppo.n_steps;
    if (samples > MAX_ROLLOUT) {
        return FAIL(subject, size,
                    "n_envs %d x n_steps %d is too much in stage %s: expected at most %d samples",
                    stage->environment.n_envs, stage->ppo.n_steps, stage->name, MAX_ROLLOUT);
    }
    if (stage->ppo.batch_size > samples) {
        return FAIL(subject, batch,
                    "batch_size %d is more than stage %s collects: expected at most "
                    "n_envs %d x n_steps %d",
                    stage->ppo.batch_size, stage->name, stage->environment.n_envs,
                    stage->ppo.n_steps);
    }
    return AFT_OK;
}

static enum aft_code check_in_building(const struct subject *subject, enum aft_section section,
                                       const char *name, int highest, int floors)
{
    const struct place places[MAX_PLACES] = {{section, name}, {AFT_SECTION_BUILDING, "floors"}};
    if (highest > floors) {
        return FAIL(subject, places,
                    "%d of %s is not in the building: expected at most its %d floors", highest,
                    name, floors);
    }
    return AFT_OK;
}

static int last_of(const struct aft_int_list *list)
{
    return list->n > 0 ? list->value[list->n - 1] : 0;
}

static enum aft_code check_times(const struct subject *subject)
{
    static const struct place episode[MAX_PLACES] = {{AFT_SECTION_ENVIRONMENT, "episode_s"},
                                                     {AFT_SECTION_ENVIRONMENT, "control_every"},
                                                     {AFT_SECTION_ENVIRONMENT, "dt_s"}};
    static const struct place onset[MAX_PLACES] = {{AFT_SECTION_MOTION, "onset_max_s"},
                                                   {AFT_SECTION_ENVIRONMENT, "episode_s"}};
    const struct aft_stage *stage = &subject->layer->stage;
    double control_s = stage->environment.dt_s * stage->environment.control_every;
    if (stage->environment.episode_s < control_s) {
        return FAIL(subject, episode,
                    "episode_s %g is shorter than a control step: expected at least "
                    "dt_s x control_every, %g s",
                    stage->environment.episode_s, control_s);
    }
    if (stage->motion.onset_max_s >= stage->environment.episode_s) {
        return FAIL(subject, onset,
                    "onset_max_s %g is not shorter than an episode: expected less than %g s",
                    stage->motion.onset_max_s, stage->environment.episode_s);
    }
    return AFT_OK;
}

static enum aft_code check_latency(const struct subject *subject)
{
    enum { MOST = 100 };
    static const struct place latency[MAX_PLACES] = {{AFT_SECTION_ENVIRONMENT, "random_latency_s"},
                                                     {AFT_SECTION_ENVIRONMENT, "dt_s"}};
    const struct aft_environment_settings *environment = &subject->layer->stage.environment;
    if (environment->random_latency_s > MOST * environment->dt_s) {
        return FAIL(subject, latency,
                    "random_latency_s %g is too long: expected at most %d times dt_s, %g s",
                    environment->random_latency_s, MOST, MOST * environment->dt_s);
    }
    return AFT_OK;
}

static enum aft_code check_stroke(const struct subject *subject,
                                  const struct aft_building_settings *building)
{
    static const struct place guard[MAX_PLACES] = {{AFT_SECTION_ENVIRONMENT, "stroke_guard"},
                                                   {AFT_SECTION_BUILDING, "stroke_m"}};
    if (building->stroke_m > 0.0 || subject->layer->stage.environment.stroke_guard <= 0.0) {
        return AFT_OK;
    }
    return FAIL(subject, guard,
                "stroke_guard keeps within a share of the stroke, and there is no limit of it: "
                "expected [building] stroke_m above 0");
}

static enum aft_code check_motion(const struct subject *subject)
{
    static const struct place records[MAX_PLACES] = {{AFT_SECTION_MOTION, "source"}};
    static const struct place mix[MAX_PLACES] = {{AFT_SECTION_MOTION, "mix_magnitude_min"},
                                                 {AFT_SECTION_MOTION, "mix_magnitude_max"}};
    const struct aft_motion_settings *motion = &subject->layer->stage.motion;
    if (motion->source == AFT_MOTION_RECORDS && motion->records[0] == '\0') {
        return FAIL(subject, records, "records are missing: expected records = FOLDER or files");
    }
    if (motion->mix_magnitude_min > motion->mix_magnitude_max) {
        return FAIL(subject, mix,
                    "mix_magnitude_min %g is above mix_magnitude_max: expected at "
                    "most %g",
                    motion->mix_magnitude_min, motion->mix_magnitude_max);
    }
    return AFT_OK;
}

static enum aft_code check_gate(const struct subject *subject,
                                const struct aft_evaluation_settings *evaluation)
{
    static const struct place drift[MAX_PLACES] = {{AFT_SECTION_GATE, "max_drift_ratio"},
                                                   {AFT_SECTION_EVALUATION, "motions"}};
    static const struct place forget[MAX_PLACES] = {{AFT_SECTION_GATE, "forget_tolerance"},
                                                    {AFT_SECTION_EVALUATION, "motions"}};
    const struct aft_gate_settings *gate = &subject->layer->stage.gate;
    if (evaluation->motions > 0 || (gate->max_drift_ratio <= 0 && gate->forget_tolerance <= 0)) {
        return AFT_OK;
    }
    return FAIL(subject, gate->max_drift_ratio > 0 ? drift : forget,
                "stage %s has a gate and nothing is evaluated: expected [evaluation] motions of "
                "at least 1",
                subject->layer->stage.name);
}

static enum aft_code check_nominal(const struct subject *subject)
{
    static const struct place nominal[MAX_PLACES] = {{AFT_SECTION_ENVIRONMENT, "nominal"},
                                                     {AFT_SECTION_ENVIRONMENT, "observer"}};
    const struct aft_environment_settings *environment = &subject->layer->stage.environment;
    if (environment->nominal == AFT_NOMINAL_NONE || environment->observer != AFT_OBSERVER_NONE) {
        return AFT_OK;
    }
    return FAIL(subject, nominal,
                "nominal = lqg needs to know the building's state: expected observer = kalman");
}

enum aft_code aft_layer_check(const struct aft_layer *layer,
                              const struct aft_curriculum *curriculum,
                              const struct aft_document *document, struct aft_error *error)
{
    const struct subject subject = {.layer = layer, .document = document, .error = error};
    const struct aft_environment_settings *environment = &layer->stage.environment;
    int floors = curriculum->building.floors;
    enum aft_code code = check_in_building(&subject, AFT_SECTION_BUILDING, "soft_storey",
                                           curriculum->building.soft_storey, floors);
    if (code == AFT_OK) {
        code = check_in_building(&subject, AFT_SECTION_ENVIRONMENT, "acceleration_floors",
                                 last_of(&environment->acceleration_floors), floors);
    }
    if (code == AFT_OK) {
        code = check_in_building(&subject, AFT_SECTION_ENVIRONMENT, "drift_storeys",
                                 last_of(&environment->drift_storeys), floors);
    }
    if (code == AFT_OK) {
        code = check_nominal(&subject);
    }
    if (code == AFT_OK) {
        code = check_stroke(&subject, &curriculum->building);
    }
    if (code == AFT_OK) {
        code = check_times(&subject);
    }
    if (code == AFT_OK) {
        code = check_latency(&subject);
    }
    if (code == AFT_OK) {
        code = check_motion(&subject);
    }
    if (code == AFT_OK) {
        code = check_gate(&subject, &curriculum->evaluation);
    }
    return code == AFT_OK ? check_rollout(&subject) : code;
}
