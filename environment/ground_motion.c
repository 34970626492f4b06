#include "environment/ground_motion.h"

#include "environment/record_reader.h"
#include "environment/resampling.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const double fade_in_s = 0.5, scatter_limit = 3.0;

/* Streams of one key: the same environment or motion, different draws. */
static const uint32_t normal_draws = 0x80000000U;
enum { EPISODE_DRAWS = 8, SOURCE_DRAWS = 3 };
enum { DRAW_MIX, DRAW_MAGNITUDE, DRAW_AMPLITUDE, DRAW_SIGN, DRAW_ONSET, DRAW_PART, DRAW_RECORD };

struct worker {
    struct aft_stochastic *stochastic;
    double *acceleration_m_s2; /* [aft_stochastic_samples] */
    bool busy;
};

struct recorded {
    struct aft_motion motion;
    double factor; /* to the target */
    struct aft_motion_summary summary;
};

struct aft_motion_set {
    struct aft_motion_config config;
    struct aft_motion_context context;
    struct aft_random_key scenario_key, noise_key;
    struct recorded *records;
    struct worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t freed;
};

static enum aft_code check_source(const struct aft_source *source, struct aft_error *error)
{
    if (!(source->magnitude >= 0.0 && source->magnitude <= 10.0)) {
        return aft_fail(error, AFT_ERR_USAGE, "ground motion: magnitude %g, expected 0 to 10",
                        source->magnitude);
    }
    if (!(source->distance_km > 0.0 && source->distance_km <= 2000.0) ||
        !(source->stress_drop_bar > 0.0 && source->stress_drop_bar <= 1e5) ||
        !(source->kappa_s >= 0.0 && source->kappa_s <= 1.0)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "ground motion: distance %g km, stress drop %g bar, kappa %g s: expected "
                        "above 0 to 2000, above 0 to 100000, and 0 to 1",
                        source->distance_km, source->stress_drop_bar, source->kappa_s);
    }
    return AFT_OK;
}

enum aft_code aft_motion_from_source(struct aft_motion *motion, const struct aft_source *source,
                                     double dt_s, struct aft_random_key key,
                                     const uint32_t stream[2], struct aft_error *error)
{
    struct aft_stochastic *stochastic = NULL;
    *motion = (struct aft_motion){.dt_s = dt_s};
    enum aft_code code = check_source(source, error);
    if (code == AFT_OK) {
        code = aft_stochastic_create(&stochastic, aft_source_duration_s(source), dt_s, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    motion->acceleration_m_s2 = calloc(aft_stochastic_samples(stochastic), sizeof(double));
    if (motion->acceleration_m_s2 == NULL) {
        code = aft_fail(error, AFT_ERR_MEMORY, "make a ground motion: out of memory");
    } else {
        aft_stochastic_generate(motion->acceleration_m_s2, &motion->n, stochastic, source, key,
                                stream);
    }
    aft_stochastic_destroy(stochastic);
    return code;
}

enum aft_code aft_motion_from_record(struct aft_motion *motion, const char *path, double dt_s,
                                     struct aft_error *error)
{
    struct aft_record record;
    *motion = (struct aft_motion){0};
    enum aft_code code = aft_record_read(&record, path, error);
    if (code != AFT_OK) {
        return code;
    }
    motion->dt_s = dt_s > 0.0 ? dt_s : record.dt_s;
    motion->units_assumed = record.units_assumed;
    motion->n = aft_resampled_length(record.n, record.dt_s, motion->dt_s);
    if (motion->n < 2 || motion->n > AFT_RECORD_MAX_SAMPLES) {
        code = aft_fail(error, AFT_ERR_USAGE,
                        "read '%.120s': %zu samples in steps of %g s, expected 2 to %d", path,
                        motion->n, motion->dt_s, AFT_RECORD_MAX_SAMPLES);
    } else {
        motion->acceleration_m_s2 = calloc(motion->n, sizeof(double));
        if (motion->acceleration_m_s2 == NULL) {
            code = aft_fail(error, AFT_ERR_MEMORY, "read '%.120s': out of memory", path);
        } else {
            aft_resample(motion->acceleration_m_s2, motion->dt_s, record.acceleration_m_s2,
                         record.n, record.dt_s);
        }
    }
    aft_record_clear(&record);
    return code;
}

void aft_motion_clear(struct aft_motion *motion)
{
    free(motion->acceleration_m_s2);
    *motion = (struct aft_motion){0};
}

static double largest(const double *a, size_t n)
{
    double peak = 0.0;
    for (size_t i = 0; i < n; i++) {
        peak = fabs(a[i]) > peak ? fabs(a[i]) : peak;
    }
    return peak;
}

double aft_motion_factor(const struct aft_motion_config *config, double t1_s,
                         const double *acceleration_m_s2, size_t n, double dt_s)
{
    double is = 0.0, target = 0.0;
    switch (config->scaling) {
    case AFT_MOTION_UNSCALED:
        return 1.0;
    case AFT_MOTION_TO_PGA:
        target = config->pga_g * AFT_GRAVITY_M_S2;
        is = largest(acceleration_m_s2, n);
        break;
    case AFT_MOTION_TO_SA_T1:
        target = config->sa_t1_g * AFT_GRAVITY_M_S2;
        is = aft_spectral_acceleration_m_s2(acceleration_m_s2, n, dt_s, t1_s, 0.05);
        break;
    }
    return is > 0.0 ? target / is : 1.0;
}

struct aft_source aft_source_draw(const struct aft_source *median,
                                  const struct aft_motion_config *scatter, const double normal[3])
{
    double cut[SOURCE_DRAWS];
    for (int i = 0; i < SOURCE_DRAWS; i++) {
        cut[i] = fmax(-scatter_limit, fmin(scatter_limit, normal[i]));
    }
    struct aft_source source = *median;
    source.stress_drop_bar *= exp(scatter->stress_drop_sigma_ln * cut[0]);
    source.distance_km *= exp(scatter->distance_sigma_ln * cut[1]);
    source.kappa_s *= exp(scatter->kappa_sigma_ln * cut[2]);
    return source;
}

static struct aft_source stage_source(const struct aft_motion_config *config)
{
    return (struct aft_source){config->magnitude, config->distance_km, config->stress_drop_bar,
                               config->kappa_s};
}

static struct aft_source mixed_source(const struct aft_motion_config *config, double share)
{
    double range = config->mix_magnitude_max - config->mix_magnitude_min;
    return (struct aft_source){config->mix_magnitude_min + share * range, config->mix_distance_km,
                               config->stress_drop_bar, config->kappa_s};
}

static double longest_duration_s(const struct aft_motion_config *config)
{
    const double extreme[SOURCE_DRAWS] = {-scatter_limit, scatter_limit, 0.0};
    struct aft_source source = stage_source(config);
    source = aft_source_draw(&source, config, extreme);
    double longest = aft_source_duration_s(&source);
    if (config->mix_fraction > 0.0) {
        source = mixed_source(config, 1.0);
        source = aft_source_draw(&source, config, extreme);
        longest = fmax(longest, aft_source_duration_s(&source));
    }
    return longest;
}

static enum aft_code check_config(const struct aft_motion_config *config, struct aft_error *error)
{
    if (!(config->amplitude_scatter >= 0.0 && config->amplitude_scatter < 1.0) ||
        !(config->onset_max_s >= 0.0) ||
        !(config->mix_fraction >= 0.0 && config->mix_fraction <= 1.0)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "ground motion: amplitude scatter %g, onset %g s, mix fraction %g: "
                        "expected 0 to below 1, 0 or more, and 0 to 1",
                        config->amplitude_scatter, config->onset_max_s, config->mix_fraction);
    }
    if ((config->scaling == AFT_MOTION_TO_PGA && !(config->pga_g > 0.0)) ||
        (config->scaling == AFT_MOTION_TO_SA_T1 && !(config->sa_t1_g > 0.0))) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "ground motion: the target to scale to is not above 0");
    }
    return AFT_OK;
}

static enum aft_code check_sources(const struct aft_motion_config *config, struct aft_error *error)
{
    struct aft_source source = stage_source(config);
    enum aft_code code = check_source(&source, error);
    if (code == AFT_OK && config->mix_fraction > 0.0) {
        for (int end = 0; end <= 1 && code == AFT_OK; end++) {
            source = mixed_source(config, end);
            code = check_source(&source, error);
        }
    }
    if (code == AFT_OK && config->mix_fraction > 0.0 &&
        config->mix_magnitude_max < config->mix_magnitude_min) {
        return aft_fail(error, AFT_ERR_USAGE, "ground motion: mixed magnitudes from %g to %g",
                        config->mix_magnitude_min, config->mix_magnitude_max);
    }
    return code;
}

static enum aft_code make_workers(struct aft_motion_set *set, struct aft_error *error)
{
    double longest_s = longest_duration_s(&set->config);
    for (int i = 0; i < set->context.workers; i++) {
        struct worker *worker = &set->workers[i];
        enum aft_code code =
            aft_stochastic_create(&worker->stochastic, longest_s, set->context.dt_s, error);
        if (code != AFT_OK) {
            return code;
        }
        size_t samples = aft_stochastic_samples(worker->stochastic);
        worker->acceleration_m_s2 = calloc(samples, sizeof(double));
        if (worker->acceleration_m_s2 == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "prepare ground motions: out of memory");
        }
    }
    return AFT_OK;
}

static enum aft_code read_records(struct aft_motion_set *set, struct aft_error *error)
{
    for (int i = 0; i < set->config.n_records; i++) {
        struct recorded *record = &set->records[i];
        struct aft_motion *motion = &record->motion;
        enum aft_code code =
            aft_motion_from_record(motion, set->config.record_paths[i], set->context.dt_s, error);
        if (code != AFT_OK) {
            return code;
        }
        record->factor = aft_motion_factor(&set->config, set->context.t1_s,
                                           motion->acceleration_m_s2, motion->n, motion->dt_s);
        aft_motion_summarise(&record->summary, motion->acceleration_m_s2, motion->n, motion->dt_s);
        if (record->summary.pga_m_s2 <= 0.0) {
            return aft_fail(error, AFT_ERR_USAGE, "read '%.120s': the record is all zeros",
                            set->config.record_paths[i]);
        }
    }
    return AFT_OK;
}

static enum aft_code fill_set(struct aft_motion_set *set, struct aft_error *error)
{
    bool recorded = set->config.kind == AFT_MOTION_RECORDED;
    enum aft_code code = check_config(&set->config, error);
    if (code == AFT_OK && !recorded) {
        code = check_sources(&set->config, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    if (recorded && set->config.n_records < 1) {
        return aft_fail(error, AFT_ERR_USAGE, "ground motion: no records are given");
    }
    set->records = calloc(recorded ? (size_t)set->config.n_records : 1, sizeof *set->records);
    set->workers = calloc((size_t)set->context.workers, sizeof *set->workers);
    if (set->records == NULL || set->workers == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "prepare ground motions: out of memory");
    }
    return recorded ? read_records(set, error) : make_workers(set, error);
}

enum aft_code aft_motion_set_create(struct aft_motion_set **set,
                                    const struct aft_motion_config *config,
                                    const struct aft_motion_context *context,
                                    struct aft_error *error)
{
    *set = NULL;
    struct aft_motion_set *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "prepare ground motions: out of memory");
    }
    made->config = *config;
    made->context = *context;
    if (made->context.workers < 1) {
        made->context.workers = 1;
    }
    made->scenario_key = aft_random_key(context->seed, context->stage, AFT_RANDOM_EPISODE);
    made->noise_key = aft_random_key(context->seed, context->stage, AFT_RANDOM_MOTION);
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->freed, NULL);
    enum aft_code code = fill_set(made, error);
    made->config.record_paths = NULL; /* borrowed until here */
    if (code != AFT_OK) {
        aft_motion_set_destroy(made);
        return code;
    }
    *set = made;
    return AFT_OK;
}

void aft_motion_set_destroy(struct aft_motion_set *set)
{
    if (set == NULL) {
        return;
    }
    bool recorded = set->config.kind == AFT_MOTION_RECORDED;
    for (int i = 0; recorded && set->records != NULL && i < set->config.n_records; i++) {
        aft_motion_clear(&set->records[i].motion);
    }
    for (int i = 0; set->workers != NULL && i < set->context.workers; i++) {
        aft_stochastic_destroy(set->workers[i].stochastic);
        free(set->workers[i].acceleration_m_s2);
    }
    free(set->records);
    free(set->workers);
    (void)pthread_mutex_destroy(&set->lock);
    (void)pthread_cond_destroy(&set->freed);
    free(set);
}

int aft_motion_set_records(const struct aft_motion_set *set)
{
    return set->config.kind == AFT_MOTION_RECORDED ? set->config.n_records : 0;
}

/* Which worker a caller gets varies; what it makes does not depend on it. */
static struct worker *claim_worker(struct aft_motion_set *set)
{
    struct worker *claimed = NULL;
    (void)pthread_mutex_lock(&set->lock);
    while (claimed == NULL) {
        for (int i = 0; i < set->context.workers && claimed == NULL; i++) {
            claimed = set->workers[i].busy ? NULL : &set->workers[i];
        }
        if (claimed == NULL) {
            (void)pthread_cond_wait(&set->freed, &set->lock);
        }
    }
    claimed->busy = true;
    (void)pthread_mutex_unlock(&set->lock);
    return claimed;
}

static void release_worker(struct aft_motion_set *set, struct worker *worker)
{
    (void)pthread_mutex_lock(&set->lock);
    worker->busy = false;
    (void)pthread_cond_signal(&set->freed);
    (void)pthread_mutex_unlock(&set->lock);
}

struct part {      /* of a whole motion, as an episode's ground */
    size_t onset;  /* quiet samples before it */
    size_t first;  /* its first sample in the motion */
    double factor; /* amplitude and sign */
};

static size_t draw_index(double share, size_t count)
{
    size_t index = (size_t)(share * (double)count);
    return index < count ? index : count - 1;
}

static size_t draw_first(const struct aft_motion_summary *summary, size_t n, size_t room,
                         double share)
{
    if (n <= room) {
        return 0;
    }
    size_t first = summary->strong_first, last = summary->strong_last;
    size_t low = first, high;
    if (last - first < room) { /* all that is strong fits */
        low = last + 1 > room ? last + 1 - room : 0;
        high = first < n - room ? first : n - room;
    } else {
        high = last + 1 - room;
    }
    return low < high ? low + draw_index(share, high - low + 1) : high;
}

static void cut_part(float *ground_m_s2, size_t n, const double *motion, size_t motion_n,
                     const struct part *part, double dt_s)
{
    size_t fade = part->first > 0 ? (size_t)(fade_in_s / dt_s) : 0;
    memset(ground_m_s2, 0, n * sizeof *ground_m_s2);
    for (size_t i = 0; part->onset + i < n && part->first + i < motion_n; i++) {
        double share = i < fade ? 0.5 - 0.5 * cos(M_PI * (double)i / (double)fade) : 1.0;
        ground_m_s2[part->onset + i] = (float)(motion[part->first + i] * part->factor * share);
    }
}

static void place_part(float *ground_m_s2, size_t n, const struct aft_motion_set *set,
                       const struct aft_motion *motion, const struct aft_motion_summary *summary,
                       double factor, const double draw[EPISODE_DRAWS])
{
    double scatter = set->config.amplitude_scatter;
    size_t onset = (size_t)(draw[DRAW_ONSET] * set->config.onset_max_s / set->context.dt_s);
    struct part part = {.onset = onset < n - 1 ? onset : n - 1};
    part.factor = factor * (1.0 + scatter * (2.0 * draw[DRAW_AMPLITUDE] - 1.0)) *
                  (draw[DRAW_SIGN] < 0.5 ? -1.0 : 1.0);
    part.first = draw_first(summary, motion->n, n - part.onset, draw[DRAW_PART]);
    cut_part(ground_m_s2, n, motion->acceleration_m_s2, motion->n, &part, set->context.dt_s);
}

static struct aft_source draw_source(const struct aft_motion_set *set, uint32_t env,
                                     uint32_t episode, const double draw[EPISODE_DRAWS])
{
    const struct aft_motion_config *config = &set->config;
    double normal[SOURCE_DRAWS];
    aft_random_normal(normal, SOURCE_DRAWS, set->scenario_key, env, episode | normal_draws, 0);
    struct aft_source source = draw[DRAW_MIX] < config->mix_fraction
                                   ? mixed_source(config, draw[DRAW_MAGNITUDE])
                                   : stage_source(config);
    return aft_source_draw(&source, config, normal);
}

void aft_motion_episode(float *ground_m_s2, size_t n, struct aft_motion_set *set, uint32_t env,
                        uint32_t episode)
{
    double draw[EPISODE_DRAWS];
    aft_random_uniform(draw, EPISODE_DRAWS, set->scenario_key, env, episode, 0);
    if (set->config.kind == AFT_MOTION_RECORDED) {
        const struct recorded *record =
            &set->records[draw_index(draw[DRAW_RECORD], (size_t)set->config.n_records)];
        place_part(ground_m_s2, n, set, &record->motion, &record->summary, record->factor, draw);
        return;
    }
    struct aft_source source = draw_source(set, env, episode, draw);
    struct worker *worker = claim_worker(set);
    struct aft_motion motion = {.acceleration_m_s2 = worker->acceleration_m_s2,
                                .dt_s = set->context.dt_s};
    struct aft_motion_summary summary;
    aft_stochastic_generate(motion.acceleration_m_s2, &motion.n, worker->stochastic, &source,
                            set->noise_key, (const uint32_t[2]){env, episode});
    aft_motion_summarise(&summary, motion.acceleration_m_s2, motion.n, motion.dt_s);
    double factor = aft_motion_factor(&set->config, set->context.t1_s, motion.acceleration_m_s2,
                                      motion.n, motion.dt_s);
    place_part(ground_m_s2, n, set, &motion, &summary, factor, draw);
    release_worker(set, worker);
}

static enum aft_code copy_record(struct aft_motion *motion, const struct aft_motion *record,
                                 struct aft_error *error)
{
    *motion = *record;
    motion->acceleration_m_s2 = calloc(record->n, sizeof(double));
    if (motion->acceleration_m_s2 == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "copy a record: out of memory");
    }
    memcpy(motion->acceleration_m_s2, record->acceleration_m_s2, record->n * sizeof(double));
    return AFT_OK;
}

static enum aft_code make_held_out(struct aft_motion *motion, const struct aft_motion_set *set,
                                   enum aft_random_purpose purpose, uint32_t index,
                                   struct aft_error *error)
{
    struct aft_random_key key = aft_random_key(set->context.seed, set->context.stage, purpose);
    struct aft_source source = stage_source(&set->config);
    double normal[SOURCE_DRAWS];
    aft_random_normal(normal, SOURCE_DRAWS, key, index, normal_draws, 0);
    source = aft_source_draw(&source, &set->config, normal);
    return aft_motion_from_source(motion, &source, set->context.dt_s, key,
                                  (const uint32_t[2]){index, 0}, error);
}

enum aft_code aft_motion_held_out(struct aft_motion *motion, struct aft_motion_set *set,
                                  enum aft_random_purpose purpose, uint32_t index,
                                  struct aft_error *error)
{
    int records = aft_motion_set_records(set);
    *motion = (struct aft_motion){0};
    if (records > 0 && index >= (uint32_t)records) {
        return aft_fail(error, AFT_ERR_USAGE, "held-out motion %u: there are %d records", index,
                        records);
    }
    enum aft_code code = records > 0 ? copy_record(motion, &set->records[index].motion, error)
                                     : make_held_out(motion, set, purpose, index, error);
    if (code != AFT_OK) {
        return code;
    }
    double factor = records > 0
                        ? set->records[index].factor
                        : aft_motion_factor(&set->config, set->context.t1_s,
                                            motion->acceleration_m_s2, motion->n, motion->dt_s);
    for (size_t i = 0; i < motion->n; i++) {
        motion->acceleration_m_s2[i] *= factor;
    }
    return AFT_OK;
}
