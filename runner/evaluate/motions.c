#include "runner/evaluate/motions.h"

#include "curriculum/curriculum.h"

#include <stdio.h>

static void set_scaling(struct aft_motion_config *motion,
                        const struct aft_evaluate_options *options)
{
    switch (options->scale) {
    case AFT_EVALUATE_AT_PGA:
        motion->scaling = AFT_MOTION_TO_PGA;
        motion->pga_g = options->scale_g;
        break;
    case AFT_EVALUATE_AT_SA:
        motion->scaling = AFT_MOTION_TO_SA_T1;
        motion->sa_t1_g = options->scale_g;
        break;
    case AFT_EVALUATE_UNSCALED:
        motion->scaling = AFT_MOTION_UNSCALED;
        break;
    case AFT_EVALUATE_AS_STAGE:
        break;
    }
}

static enum aft_code add_records(struct aft_motion_list *list,
                                 const struct aft_environment_config *config, const char *entry,
                                 struct aft_error *error)
{
    char **paths = NULL;
    int n = 0;
    struct aft_error cause = {0};
    enum aft_code code = aft_record_paths_find(&paths, &n, entry, &cause);
    if (code != AFT_OK) { /* what is not there is a mistake on the command line */
        return aft_fail(error, code == AFT_ERR_MEMORY ? code : AFT_ERR_USAGE, "--motions: %s",
                        cause.message);
    }
    code = aft_motion_list_add_records(list, config, (const char *const *)paths, n, error);
    aft_record_paths_destroy(paths, n);
    return code;
}

static enum aft_code add_generated(struct aft_motion_list *list,
                                   const struct aft_environment_config *config,
                                   const struct aft_evaluate_options *options,
                                   struct aft_error *error)
{
    struct aft_environment_config other = *config;
    other.motion.kind = AFT_MOTION_STOCHASTIC_SOURCE;
    other.motion.magnitude = options->magnitude;
    other.motion.distance_km = options->distance_km;
    return aft_motion_list_add_held_out(list, &other, AFT_RANDOM_TEST_MOTION, options->count,
                                        error);
}

enum aft_code aft_evaluation_motions(struct aft_motion_list *list,
                                     struct aft_environment_config *config,
                                     const struct aft_evaluate_options *options,
                                     struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    config->seed = options->seed;
    set_scaling(&config->motion, options);
    if (options->n_records == 0 && !(options->magnitude > 0)) {
        return aft_motion_list_add_held_out(list, config, AFT_RANDOM_TEST_MOTION,
                                            options->motions_per_stage, error);
    }
    for (int i = 0; i < options->n_records && code == AFT_OK; i++) {
        code = add_records(list, config, options->records[i], error);
    }
    if (code == AFT_OK && options->magnitude > 0) {
        code = add_generated(list, config, options, error);
    }
    return code;
}

static void print_scaling(FILE *out, const struct aft_motion_config *motion)
{
    switch (motion->scaling) {
    case AFT_MOTION_TO_PGA:
        (void)fprintf(out, ", PGA %g g", motion->pga_g);
        break;
    case AFT_MOTION_TO_SA_T1:
        (void)fprintf(out, ", Sa(T1) %g g", motion->sa_t1_g);
        break;
    case AFT_MOTION_UNSCALED:
        (void)fputs(", not scaled", out);
        break;
    }
}

void aft_evaluation_title(char *title, size_t size, const struct aft_motion_list *list,
                          const struct aft_environment_config *config,
                          const struct aft_evaluate_options *options)
{
    int generated = options->magnitude > 0 ? options->count : 0;
    int records = list->n - generated;
    FILE *out = fmemopen(title, size, "w");
    if (out == NULL) {
        (void)snprintf(title, size, "%d motions", list->n);
        return;
    }
    if (options->n_records == 0 && generated == 0 &&
        config->motion.kind == AFT_MOTION_STOCHASTIC_SOURCE) {
        (void)fprintf(out, "%d unseen M%g motion%s", list->n, config->motion.magnitude,
                      list->n == 1 ? "" : "s");
        records = 0;
    }
    if (records > 0) {
        (void)fprintf(out, "%d record%s", records, records == 1 ? "" : "s");
    }
    if (generated > 0) {
        (void)fprintf(out, "%s%d M%g motion%s at %g km", records > 0 ? " and " : "", generated,
                      options->magnitude, generated == 1 ? "" : "s", options->distance_km);
    }
    print_scaling(out, &config->motion);
    (void)fclose(out);
}
