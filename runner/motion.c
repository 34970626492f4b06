/* aftershock motion: makes or reads a ground motion, and says what it is like. */
#include "base/json.h"
#include "base/path.h"
#include "base/random.h"
#include "curriculum/curriculum.h"
#include "environment/building.h"
#include "environment/record_reader.h"
#include "environment/response_spectrum.h"
#include "environment/stochastic_motion.h"
#include "report/svg_plot.h"
#include "runner/compute.h"
#include "runner/configure.h"
#include "runner/exit_code.h"
#include "runner/output_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_PERIODS = 120 };
static const double damping_ratio = 0.05, shortest_s = 0.02, longest_s = 10;

struct motion {
    char name[160];
    double *acceleration_m_s2; /* [n] */
    size_t n;
    double dt_s;
    bool units_assumed;
};

struct figures {
    struct aft_motion_summary summary;
    double pgv_m_s, first_period_s;
    double sa_02_g, sa_1_g, sa_first_g;
};

/* The plant and the source of a curriculum that says nothing. */
static enum aft_code default_environment(struct aft_environment_config *config,
                                         struct aft_error *error)
{
    static const char text[] = "[stage M5@50kN]\ntimesteps = 1\n";
    struct aft_curriculum *curriculum = NULL;
    struct aft_stage_environment environment;
    enum aft_code code =
        aft_curriculum_parse(&curriculum, text, sizeof text - 1, "defaults", NULL, 0, error);
    if (code != AFT_OK) {
        return code;
    }
    code = aft_configure_environment(&environment, curriculum, 1, error);
    if (code == AFT_OK) {
        *config = environment.config;
        config->motion.record_paths = NULL;
        aft_stage_environment_clear(&environment);
    }
    aft_curriculum_destroy(curriculum);
    return code;
}

static enum aft_code make_motion(struct motion *motion, const struct aft_motion_options *options,
                                 const struct aft_motion_config *defaults, struct aft_error *error)
{
    const struct aft_source source = {options->magnitude, options->distance_km,
                                      defaults->stress_drop_bar, defaults->kappa_s};
    struct aft_random_key key = aft_random_key(options->seed, 0, AFT_RANDOM_USER_MOTION);
    struct aft_stochastic *workspace = NULL;
    enum aft_code code =
        aft_stochastic_create(&workspace, aft_source_duration_s(&source), options->dt_s, error);
    if (code != AFT_OK) {
        return code;
    }
    motion->acceleration_m_s2 =
        calloc(aft_stochastic_samples(workspace), sizeof *motion->acceleration_m_s2);
    if (motion->acceleration_m_s2) {
        const uint32_t stream[2] = {0, 0};
        aft_stochastic_generate(motion->acceleration_m_s2, &motion->n, workspace, &source, key,
                                stream);
        motion->dt_s = options->dt_s;
        (void)snprintf(motion->name, sizeof motion->name, "M%g at %g km, motion %" PRIu64,
                       options->magnitude, options->distance_km, options->seed);
    } else {
        code = aft_fail(error, AFT_ERR_MEMORY, "make a ground motion: out of memory");
    }
    aft_stochastic_destroy(workspace);
    return code;
}

static enum aft_code read_motion(struct motion *motion, const char *path, struct aft_error *error)
{
    struct aft_record record;
    enum aft_code code = aft_record_read(&record, path, error);
    if (code != AFT_OK) {
        return code;
    }
    motion->acceleration_m_s2 = record.acceleration_m_s2; /* taken over */
    motion->n = record.n;
    motion->dt_s = record.dt_s;
    motion->units_assumed = record.units_assumed;
    (void)snprintf(motion->name, sizeof motion->name, "%s", aft_path_name(path));
    return AFT_OK;
}

static enum aft_code scale_to_pga(struct motion *motion, double pga_g, struct aft_error *error)
{
    struct aft_motion_summary summary;
    aft_motion_summarise(&summary, motion->acceleration_m_s2, motion->n, motion->dt_s);
    if (!(summary.pga_m_s2 > 0)) {
        return aft_fail(error, AFT_ERR_USAGE, "scale '%s': it does not move", motion->name);
    }
    for (size_t i = 0; i < motion->n; i++) {
        motion->acceleration_m_s2[i] *= pga_g * AFT_GRAVITY_M_S2 / summary.pga_m_s2;
    }
    return AFT_OK;
}

/* Largest |velocity| from rest, by the trapezoidal rule. */
static double peak_velocity_m_s(const struct motion *motion)
{
    double velocity = 0, peak = 0;
    for (size_t i = 1; i < motion->n; i++) {
        velocity +=
            0.5 * motion->dt_s * (motion->acceleration_m_s2[i - 1] + motion->acceleration_m_s2[i]);
        peak = fmax(peak, fabs(velocity));
    }
    return peak;
}

static double spectral_g(const struct motion *motion, double period_s)
{
    return aft_spectral_acceleration_m_s2(motion->acceleration_m_s2, motion->n, motion->dt_s,
                                          period_s, damping_ratio) /
           AFT_GRAVITY_M_S2;
}

static struct figures figures_of(const struct motion *motion, double first_period_s)
{
    struct figures figures = {.pgv_m_s = peak_velocity_m_s(motion),
                              .first_period_s = first_period_s,
                              .sa_02_g = spectral_g(motion, 0.2),
                              .sa_1_g = spectral_g(motion, 1),
                              .sa_first_g = spectral_g(motion, first_period_s)};
    aft_motion_summarise(&figures.summary, motion->acceleration_m_s2, motion->n, motion->dt_s);
    return figures;
}

static enum aft_code write_csv(const struct motion *motion, const char *path,
                               struct aft_error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return aft_fail(error, AFT_ERR_MEMORY, "write '%s': out of memory", path);
    }
    (void)fputs("time_s,acceleration_g\n", out);
    for (size_t i = 0; i < motion->n; i++) {
        (void)fprintf(out, "%.10g,%.9g\n", (double)i * motion->dt_s,
                      motion->acceleration_m_s2[i] / AFT_GRAVITY_M_S2);
    }
    enum aft_code code = fclose(out) == 0
                             ? aft_output_file_write(path, text, size, error)
                             : aft_fail(error, AFT_ERR_MEMORY, "write '%s': out of memory", path);
    free(text);
    return code;
}

static double greatest_of(const double *values, size_t n)
{
    double greatest = 1e-6;
    for (size_t i = 0; i < n; i++) {
        greatest = fmax(greatest, fabs(values[i]));
    }
    return greatest;
}

/* Accelerogram above, response spectrum below. */
static enum aft_code draw(char **text, size_t *size, const struct motion *motion,
                          const double *time_s, const double *acceleration_g,
                          struct aft_error *error)
{
    double period[N_PERIODS], spectrum[N_PERIODS];
    for (int i = 0; i < N_PERIODS; i++) {
        period[i] = shortest_s * pow(longest_s / shortest_s, (double)i / (N_PERIODS - 1));
        spectrum[i] = spectral_g(motion, period[i]);
    }
    double peak = 1.1 * greatest_of(acceleration_g, motion->n);
    double end = fmax(motion->dt_s, (double)(motion->n - 1) * motion->dt_s);
    const struct aft_svg_series lines[] = {
        {.x = time_s, .y = acceleration_g, .n = motion->n},
        {.x = period, .y = spectrum, .n = N_PERIODS},
    };
    const struct aft_svg_panel panels[] = {
        {.x = {"time (s)", 0, end, false},
         .y = {"acceleration (g)", -peak, peak, false},
         .series = &lines[0],
         .n_series = 1},
        {.x = {"period (s)", shortest_s, longest_s, true},
         .y = {"5 % damped spectral acceleration (g)", 0, 1.1 * greatest_of(spectrum, N_PERIODS),
               false},
         .series = &lines[1],
         .n_series = 1},
    };
    const struct aft_svg_plot plot = {.title = motion->name, .panels = panels, .n_panels = 2};
    return aft_svg_draw(text, size, &plot, error);
}

static enum aft_code write_svg(const struct motion *motion, const char *path,
                               struct aft_error *error)
{
    char *text = NULL;
    size_t size = 0;
    double *time_s = calloc(2 * motion->n + 1, sizeof *time_s);
    if (!time_s) {
        return aft_fail(error, AFT_ERR_MEMORY, "draw '%s': out of memory", path);
    }
    double *acceleration_g = time_s + motion->n;
    for (size_t i = 0; i < motion->n; i++) {
        time_s[i] = (double)i * motion->dt_s;
        acceleration_g[i] = motion->acceleration_m_s2[i] / AFT_GRAVITY_M_S2;
    }
    enum aft_code code = draw(&text, &size, motion, time_s, acceleration_g, error);
    if (code == AFT_OK) {
        code = aft_output_file_write(path, text, size, error);
    }
    free(text);
    free(time_s);
    return code;
}

static enum aft_code print_json(const struct motion *motion, const struct figures *figures,
                                struct aft_error *error)
{
    struct aft_json *document = aft_json_object();
    const struct aft_motion_summary *summary = &figures->summary;
    aft_json_set_string(document, "name", motion->name);
    aft_json_set_integer(document, "samples", (int64_t)motion->n);
    aft_json_set_real(document, "dt_s", motion->dt_s);
    aft_json_set_real(document, "duration_s", (double)motion->n * motion->dt_s);
    aft_json_set_real(document, "pga_g", summary->pga_m_s2 / AFT_GRAVITY_M_S2);
    aft_json_set_real(document, "pgv_m_s", figures->pgv_m_s);
    aft_json_set_real(document, "arias_m_s", summary->arias_m_s);
    aft_json_set_real(document, "significant_duration_s", summary->significant_s);
    aft_json_set_real(document, "sa_0_2_s_g", figures->sa_02_g);
    aft_json_set_real(document, "sa_1_s_g", figures->sa_1_g);
    aft_json_set_real(document, "first_period_s", figures->first_period_s);
    aft_json_set_real(document, "sa_first_period_g", figures->sa_first_g);
    aft_json_set_boolean(document, "units_assumed", motion->units_assumed);
    enum aft_code code = aft_json_print(stdout, document, error);
    aft_json_destroy(document);
    return code;
}

static void print_text(const struct motion *motion, const struct figures *figures)
{
    const struct aft_motion_summary *summary = &figures->summary;
    (void)printf(
        "%s\n"
        "  samples                %zu at %g s (%.2f s)\n"
        "  PGA                    %.4f g\n"
        "  PGV                    %.4f m/s\n"
        "  Arias intensity        %.4g m/s\n"
        "  5-95 %% duration        %.2f s\n"
        "  Sa(0.2 s), 5 %%         %.4f g\n"
        "  Sa(1 s)                %.4f g\n"
        "  Sa(%.2f s)             %.4f g   (first period of the default building)\n",
        motion->name, motion->n, motion->dt_s, (double)motion->n * motion->dt_s,
        summary->pga_m_s2 / AFT_GRAVITY_M_S2, figures->pgv_m_s, summary->arias_m_s,
        summary->significant_s, figures->sa_02_g, figures->sa_1_g, figures->first_period_s,
        figures->sa_first_g);
}

static enum aft_code report(struct motion *motion, const struct aft_motion_options *options,
                            double first_period_s, struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    if (motion->units_assumed) {
        (void)fprintf(stderr, "note: '%s' names no unit; its numbers are taken as g\n",
                      options->file);
    }
    if (options->pga_g > 0) {
        code = scale_to_pga(motion, options->pga_g, error);
    }
    if (code == AFT_OK && options->csv_path) {
        code = write_csv(motion, options->csv_path, error);
    }
    if (code == AFT_OK && options->svg_path) {
        code = write_svg(motion, options->svg_path, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    struct figures figures = figures_of(motion, first_period_s);
    if (options->json) {
        return print_json(motion, &figures, error);
    }
    print_text(motion, &figures);
    return AFT_OK;
}

int aft_run_motion(const struct aft_motion_options *options)
{
    struct aft_error error;
    struct aft_environment_config config;
    struct motion motion = {.n = 0};
    double first_period_s = 0;
    enum aft_code code = default_environment(&config, &error);
    if (code == AFT_OK) {
        code = aft_building_first_period(&first_period_s, &config.building, &error);
    }
    if (code == AFT_OK) {
        code = options->file ? read_motion(&motion, options->file, &error)
                             : make_motion(&motion, options, &config.motion, &error);
    }
    if (code == AFT_OK) {
        code = report(&motion, options, first_period_s, &error);
    }
    free(motion.acceleration_m_s2);
    if (code == AFT_OK) {
        return AFT_EXIT_OK;
    }
    (void)fprintf(stderr, "aftershock motion: %s\n", error.message);
    return code == AFT_ERR_USAGE ? AFT_EXIT_USAGE : AFT_EXIT_FAILED;
}
