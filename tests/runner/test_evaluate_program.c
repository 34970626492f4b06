/* `aftershock evaluate` on the archive of a small training. */
#include "base/file.h"
#include "environment/ground_motion.h"
#include "environment/plant.h"
#include "tests/report/markup_check.h"
#include "tests/runner/evaluate_place.h"
#include "tests/runner/program.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Tuning takes a while: one run of each kind is looked at by several tests. */
static struct aft_json *shared;
static char *shared_table;

#define SHARED_OPTIONS "--stage 1 --motions-per-stage 4 --robustness "

/* --- fixture --- */

static int open_place(void **state)
{
    (void)state;
    if (!evaluate_place_open()) {
        return -1;
    }
    shared = evaluate_json(SHARED_OPTIONS "--threads 2");
    const struct outcome *outcome = evaluate(
        "--motions-per-stage 3 --robustness --controllers lqg "
        "--csv figures.csv --report report.html");
    assert_int_equal(outcome->code, 0);
    shared_table = strdup(outcome->out);
    return shared_table != NULL ? 0 : -1;
}

static int close_place(void **state)
{
    (void)state;
    aft_json_destroy(shared);
    free(shared_table);
    evaluate_place_close();
    return 0;
}

/* --- helpers on the document --- */

static double figure_of(const struct aft_json *motion, const char *controller, const char *key)
{
    const struct aft_json *controllers = aft_json_get(motion, "controllers");
    double value = aft_json_get_real(aft_json_get(controllers, controller), key, (double)NAN);
    if (isnan(value)) {
        fail_msg("%s of %s is missing", key, controller);
    }
    return value;
}

static double end_of(const struct aft_json *statistics, const char *key, size_t end)
{
    struct aft_json *wrapped = aft_json_object();
    aft_json_set(wrapped, "end", aft_json_copy(aft_json_at(aft_json_get(statistics, key), end)));
    double value = aft_json_get_real(wrapped, "end", (double)NAN);
    aft_json_destroy(wrapped);
    return value;
}

/* The mean of the motions' quotients, inside its interval. */
static void assert_ratio(const struct aft_json *document, const char *controller,
                         const char *reference, const char *key, const char *ratio_key)
{
    const struct aft_json *motions = aft_json_get(document, "motions");
    const struct aft_json *ratio =
        aft_json_get(aft_json_get(aft_json_get(document, "summary"), controller), ratio_key);
    size_t n = aft_json_length(motions);
    double sum = 0, worst = 0, mean = aft_json_get_real(ratio, "mean", (double)NAN);
    for (size_t i = 0; i < n; i++) {
        const struct aft_json *motion = aft_json_at(motions, i);
        double quotient = figure_of(motion, controller, key) / figure_of(motion, reference, key);
        sum += quotient;
        worst = fmax(worst, quotient);
    }
    assert_true(n > 0 && fabs(mean - sum / (double)n) < 1e-12);
    assert_true(fabs(aft_json_get_real(ratio, "worst", 0) - worst) < 1e-12);
    assert_true(end_of(ratio, "ci95", 0) <= mean + 1e-12 &&
                mean <= end_of(ratio, "ci95", 1) + 1e-12);
    double iqm = aft_json_get_real(ratio, "iqm", (double)NAN);
    assert_true(end_of(ratio, "iqm_ci95", 0) <= iqm + 1e-12 &&
                iqm <= end_of(ratio, "iqm_ci95", 1) + 1e-12);
}

/* --- tests --- */

static void evaluate__gives_the_promised_figures_of_every_controller(void **state)
{
    (void)state;
    static const char *const names[] = {"policy",        "uncontrolled", "passive",
                                        "passive_tuned", "lqr",          "lqg"};
    static const char *const keys[] = {"peak_drift_ratio", "rms_drift",        "peak_roof_m",
                                       "peak_roof_acc_g",  "peak_floor_acc_g", "stroke_m",
                                       "peak_force_n",     "peak_power_w",     "peak_base_shear_n",
                                       "energy_j",         "saturated_share"};
    const struct aft_json *motions = aft_json_get(shared, "motions");
    assert_int_equal(aft_json_length(motions), 4);
    for (size_t i = 0; i < 4 * sizeof names / sizeof *names; i++) {
        const struct aft_json *motion = aft_json_at(motions, i % 4);
        assert_true(aft_json_get_real(motion, "pga_g", 0) > 0.05);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            assert_true(figure_of(motion, names[i / 4], keys[k]) >= 0);
        }
    }
    assert_ratio(shared, "policy", "passive", "peak_drift_ratio", "peak_drift_to_passive");
    assert_ratio(shared, "policy", "passive", "rms_drift", "rms_drift_to_passive");
    assert_ratio(shared, "lqg", "uncontrolled", "peak_floor_acc_g",
                 "peak_floor_acc_to_uncontrolled");
    assert_ratio(shared, "passive", "passive", "peak_drift_ratio", "peak_drift_to_passive");
}

static void expect_pair(const char *key, const char *name)
{
    const struct aft_json *motions = aft_json_get(shared, "motions");
    const struct aft_json *pair = aft_json_get(aft_json_get(shared, key), "peak_drift");
    double difference = 0, others = 0;
    for (size_t i = 0; i < 4; i++) {
        const struct aft_json *motion = aft_json_at(motions, i);
        double passive = figure_of(motion, "passive", "peak_drift_ratio");
        double mine = figure_of(motion, "policy", "peak_drift_ratio") / passive;
        double other = figure_of(motion, name, "peak_drift_ratio") / passive;
        difference += (mine - other) / 4;
        others += other / 4;
    }
    assert_true(fabs(aft_json_get_real(aft_json_get(pair, "difference_to_passive"), "mean", 9) -
                     difference) < 1e-12);
    assert_true(fabs(aft_json_get_real(pair, "relative_change", 9) - difference / others) < 1e-12);
}

static void evaluate__pairs_policy_with_lqr_and_lqg_motion_by_motion(void **state)
{
    (void)state;
    expect_pair("policy_to_lqr", "lqr");
    expect_pair("policy_to_lqg", "lqg");
    assert_true(aft_json_is_null(aft_json_get(shared, "policy_to_baseline")));
    assert_true(aft_json_is_null(aft_json_get(shared, "baseline")));
}

static void refuses(const char *arguments, int code, const char *what)
{
    const struct outcome *outcome = evaluate(arguments);
    if (outcome->code != code || strstr(outcome->err, what) == NULL || *outcome->out != '\0') {
        fail_msg("'%s': code %d, error '%s', output '%s'", arguments, outcome->code, outcome->err,
                 outcome->out);
    }
}

/* Against itself a policy is as good as itself, to the last bit. */
static void evaluate__sets_another_archives_policy_beside_it(void **state)
{
    (void)state;
    struct aft_json *document =
        evaluate_json("--stage 1 --motions-per-stage 2 --controllers policy --against a.zip");
    const struct aft_json *pair =
        aft_json_get(aft_json_get(document, "policy_to_baseline"), "rms_drift");
    const struct aft_json *difference = aft_json_get(pair, "difference_to_passive");
    assert_true(aft_json_get_real(difference, "mean", 9) == 0);
    assert_string_equal(
        aft_json_get_string(aft_json_get(document, "baseline"), "weights_sha256", "none"),
        aft_json_get_string(aft_json_get(document, "archive"), "weights_sha256", ""));
    for (size_t i = 0; i < 2; i++) {
        const struct aft_json *motion = aft_json_at(aft_json_get(document, "motions"), i);
        assert_true(figure_of(motion, "baseline", "peak_drift_ratio") ==
                    figure_of(motion, "policy", "peak_drift_ratio"));
        assert_true(figure_of(motion, "baseline", "peak_force_n") > 0);
    }
    aft_json_destroy(document);
    const struct outcome *outcome = evaluate(
        "--stage 1 --motions-per-stage 2 --controllers policy --against a.zip --report b.html");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "Policy against the baseline, motion by motion"));
    char *page = evaluate_read_text("b.html");
    assert_non_null(strstr(page, "Peak drift against the baseline"));
    free(page);
}

/* As many numbers, measured elsewhere. */
static void evaluate__refuses_a_baseline_that_other_sensors_trained(void **state)
{
    (void)state;
    static const char *const elsewhere[] = {"--run-name",
                                            "elsewhere",
                                            "--stop-after-stage",
                                            "1",
                                            "--set",
                                            "environment.acceleration_floors=1,2,3",
                                            "--set",
                                            "stage 1.timesteps=800",
                                            NULL};
    char curriculum[PATH_MAX];
    program_write_curriculum(curriculum, evaluate_folder, "small.ini");
    assert_int_equal(program_train(evaluate_folder, curriculum, elsewhere), 0);
    refuses("--against models/elsewhere/stage1_50kN.zip", 2,
            "its environment.acceleration_floors is not that of 'a.zip'");
}

static void evaluate__covers_every_stage_up_to_the_archives(void **state)
{
    (void)state;
    struct aft_json *document = evaluate_json("--motions-per-stage 2 --controllers policy");
    const struct aft_json *stages = aft_json_get(document, "by_stage");
    assert_int_equal(aft_json_length(stages), 2);
    assert_string_equal(aft_json_get_string(aft_json_at(stages, 0), "name", ""), "M4.5@50kN");
    assert_int_equal(aft_json_get_integer(aft_json_at(stages, 1), "stage", 0), 2);
    assert_true(aft_json_get_real(aft_json_at(stages, 1), "force_limit_n", 0) == 100e3);
    assert_int_equal(aft_json_length(aft_json_get(document, "motions")), 4);
    assert_ratio(document, "policy", "passive", "peak_drift_ratio", "peak_drift_to_passive");
    aft_json_destroy(document);
}

/* The passive building by its own steps: displacements to drifts, nothing else shared. */
static double passive_peak_by_hand(const char *record, double tail_s)
{
    const struct aft_building_config building = {.floors = 12,
                                                 .floor_mass_kg = 33333,
                                                 .storey_stiffness_n_m = 6.01e7,
                                                 .soft_storey = 8,
                                                 .soft_storey_factor = 0.6,
                                                 .storey_height_m = 3,
                                                 .damping_ratio = 0.015,
                                                 .device_mass_kg = 4000,
                                                 .device_stiffness_n_m = 105034,
                                                 .device_damping_n_s_m = 6296,
                                                 .stroke_m = 1.5,
                                                 .stop_stiffness_n_m = 1e6,
                                                 .stop_damping_n_s_m = 3e4};
    const struct aft_actuator_config actuator = {.force_limit_n = 50e3, .power_limit_w = 3e5};
    struct aft_motion motion = {0};
    struct aft_plant *plant = NULL;
    char path[PATH_MAX];
    double state[AFT_PLANT_MAX_COLUMNS] = {0}, peak = 0;
    struct aft_plant_forces forces = {0};
    assert_true(snprintf(path, sizeof path, "%.3000s/%s", evaluate_folder, record) < PATH_MAX);
    assert_int_equal(aft_motion_from_record(&motion, path, 0.02, NULL), AFT_OK);
    assert_int_equal(aft_plant_create(&plant, &building, &actuator, true, 0.02, NULL), AFT_OK);
    size_t steps = motion.n - 1 + (size_t)lround(tail_s / 0.02);
    for (size_t i = 0; i < steps; i++) {
        const double ground[2] = {i < motion.n ? motion.acceleration_m_s2[i] : 0,
                                  i + 1 < motion.n ? motion.acceleration_m_s2[i + 1] : 0};
        aft_plant_step(plant, state, ground, 0, &forces);
        for (int floor = 0; floor < 12; floor++) {
            double below = floor > 0 ? state[floor - 1] : 0;
            peak = fmax(peak, fabs(state[floor] - below) / 3);
        }
    }
    aft_plant_destroy(plant);
    aft_motion_clear(&motion);
    return peak;
}

static void evaluate__reads_records_of_a_folder_in_both_formats(void **state)
{
    (void)state;
    struct aft_json *document =
        evaluate_json("--stage 1 --motions records --scale none --controllers policy");
    const struct aft_json *motions = aft_json_get(document, "motions");
    assert_int_equal(aft_json_length(motions), 2);
    const struct aft_json *at2 = aft_json_at(motions, 0), *csv = aft_json_at(motions, 1);
    assert_string_equal(aft_json_get_string(at2, "name", ""), "sine.AT2");
    assert_string_equal(aft_json_get_string(csv, "name", ""), "sine.csv");
    double expected = passive_peak_by_hand("records/sine.csv", 2);
    double found = figure_of(csv, "passive", "peak_drift_ratio");
    assert_true(expected > 1e-4 && fabs(found / expected - 1) < 1e-9);
    assert_true(fabs(figure_of(at2, "passive", "peak_drift_ratio") / found - 1) < 1e-6);
    aft_json_destroy(document);
}

static void evaluate__scales_as_it_is_told(void **state)
{
    (void)state;
    struct aft_json *document =
        evaluate_json("--stage 1 --motions records/sine.csv --scale pga=0.2 --controllers policy");
    const struct aft_json *motion = aft_json_at(aft_json_get(document, "motions"), 0);
    assert_true(fabs(aft_json_get_real(motion, "pga_g", 0) - 0.2) < 1e-9);
    double at_02 = figure_of(motion, "passive", "peak_drift_ratio");
    aft_json_destroy(document);
    document =
        evaluate_json("--stage 1 --motions records/sine.csv --scale sa=0.2 --controllers policy");
    motion = aft_json_at(aft_json_get(document, "motions"), 0);
    assert_true(fabs(aft_json_get_real(motion, "sa_first_period_g", 0) - 0.2) < 1e-6);
    assert_true(figure_of(motion, "passive", "peak_drift_ratio") < at_02); /* it is resonant */
    aft_json_destroy(document);
}

static void evaluate__makes_motions_of_a_magnitude(void **state)
{
    (void)state;
    static const char options[] =
        "--stage 1 --magnitude 6 --distance 12 --count 2 --controllers "
        "policy --seed 5";
    struct aft_json *document = evaluate_json(options), *again = evaluate_json(options);
    assert_int_equal(aft_json_length(aft_json_get(document, "motions")), 2);
    assert_non_null(strstr(
        aft_json_get_string(aft_json_at(aft_json_get(document, "by_stage"), 0), "motion_set", ""),
        "2 M6 motions at 12 km"));
    assert_true(aft_json_equal(document, again));
    aft_json_destroy(again);
    again = evaluate_json(
        "--stage 1 --magnitude 6 --distance 12 --count 2 --controllers policy "
        "--seed 6");
    assert_false(aft_json_equal(aft_json_get(document, "motions"), aft_json_get(again, "motions")));
    aft_json_destroy(again);
    aft_json_destroy(document);
}

static void evaluate__is_free_of_the_number_of_threads(void **state)
{
    (void)state;
    static const char *const parts[] = {"motions", "summary", "by_stage", "policy_to_lqg"};
    struct aft_json *document = evaluate_json(SHARED_OPTIONS "--threads 1");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_true(
            aft_json_equal(aft_json_get(shared, parts[i]), aft_json_get(document, parts[i])));
    }
    aft_json_destroy(document);
}

static void evaluate__prints_a_table_of_at_most_100_columns(void **state)
{
    (void)state;
    static const char *const parts[] = {"Stage 1, M4.5@50kN: 3 unseen M4.5 motions",
                                        "Stage 2, M5.7@100kN: 3 unseen M5.7 motions",
                                        "All 6 motions",
                                        "uncontrolled",
                                        "policy",
                                        "8 % of the samples lost",
                                        "storeys 15 % softer",
                                        "Policy against LQG, motion by motion"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(shared_table, parts[i]) == NULL) {
            fail_msg("no '%s' in\n%s", parts[i], shared_table);
        }
    }
    assert_null(strstr(shared_table, "nan"));
    const char *end;
    for (const char *line = shared_table + strcspn(shared_table, "\n"); *line != '\0'; line = end) {
        end = line + 1 + strcspn(line + 1, "\n");
        if (end - line - 1 > 100) {
            fail_msg("%.*s", (int)(end - line - 1), line + 1);
        }
    }
}

static void evaluate__tells_of_robustness_in_json(void **state)
{
    (void)state;
    const struct aft_json *stage = aft_json_at(aft_json_get(shared, "by_stage"), 0);
    const struct aft_json *cases = aft_json_get(stage, "robustness");
    assert_int_equal(aft_json_length(cases), 9);
    const struct aft_json *nominal = aft_json_at(cases, 0);
    assert_string_equal(aft_json_get_string(nominal, "case", ""), "nominal");
    static const char *const who[] = {"lqg", "policy"};
    for (size_t i = 0; i < 2; i++) {
        const struct aft_json *here =
            aft_json_get(aft_json_get(nominal, who[i]), "peak_drift_to_passive");
        const struct aft_json *there = aft_json_get(
            aft_json_get(aft_json_get(stage, "summary"), who[i]), "peak_drift_to_passive");
        assert_true(here != NULL && aft_json_equal(here, there));
    }
}

static int count_commas(const char *line)
{
    int n = 0;
    for (bool quoted = false; *line != '\0' && *line != '\n'; line++) {
        quoted = quoted != (*line == '"');
        n += *line == ',' && !quoted;
    }
    return n;
}

static void evaluate__writes_a_row_for_each_motion_and_controller(void **state)
{
    (void)state;
    char *text = evaluate_read_text("figures.csv");
    assert_int_equal(count_lines(text), 1 + 2 * 3 * 4);
    static const char head[] =
        "stage,stage_name,motion,pga_g,duration_s,controller,"
        "peak_drift_ratio,rms_drift,";
    assert_memory_equal(text, head, strlen(head));
    assert_non_null(strstr(text, ",storey12_peak_drift,storey12_rms_drift,"));
    int columns = count_commas(text);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_int_equal(count_commas(line), columns);
    }
    assert_non_null(strstr(text, "\n1,\"M4.5@50kN\",\"M4.5 #1\","));
    free(text);
}

static void evaluate__writes_a_page_that_stands_alone(void **state)
{
    (void)state;
    char *text = evaluate_read_text("report.html");
    markup_assert_well_formed(text);
    markup_assert_stands_alone(text);
    assert_null(strstr(text, "nan"));
    static const char *const parts[] = {"Stage 1: M4.5@50kN",
                                        "Stage 2: M5.7@100kN",
                                        "The worst motion",
                                        "Response spectra",
                                        "Robustness",
                                        "SHA-256",
                                        "M5.7 #3"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_non_null(strstr(text, parts[i]));
    }
    free(text);
}

static void evaluate__sets_controllers_on_a_scale_to_the_bound(void **state)
{
    (void)state;
    const struct outcome *outcome = evaluate(
        "--bound --motions-per-stage 2 --controllers lqr --csv bound.csv --report bound.html");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "1 on the scale"));
    assert_non_null(strstr(outcome->out, "scale: passive 0, lqr"));
    struct aft_json *document =
        evaluate_json("--bound --stage 1 --motions-per-stage 2 --controllers policy");
    const struct aft_json *motions = aft_json_get(document, "motions");
    const struct aft_json *bound = aft_json_get(document, "bound");
    const struct aft_json *scale = aft_json_get(bound, "scale");
    double policy = 0, ratio = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct aft_json *motion = aft_json_at(motions, i);
        double least = aft_json_get_real(motion, "bound_peak_drift_ratio", (double)NAN);
        double passive = figure_of(motion, "passive", "peak_drift_ratio");
        double mine = figure_of(motion, "policy", "peak_drift_ratio");
        assert_true(least > 0 && least < mine);
        assert_true(least <= figure_of(motion, "clairvoyant", "peak_drift_ratio"));
        assert_true(least <= aft_json_get_real(motion, "planned_peak_drift_ratio", 0));
        policy += (passive - mine) / (passive - least) / 2;
        ratio += least / passive / 2;
    }
    assert_true(fabs(aft_json_get_real(aft_json_get(bound, "peak_drift_to_passive"), "mean", 0) -
                     ratio) < 1e-12);
    assert_true(fabs(aft_json_get_real(aft_json_get(scale, "policy"), "mean", 9) - policy) < 1e-12);
    assert_true(aft_json_get_real(aft_json_get(scale, "passive"), "mean", 9) == 0);
    aft_json_destroy(document);
    char *text = evaluate_read_text("bound.csv");
    assert_non_null(strstr(text, ",bound_peak_drift_ratio\n"));
    assert_non_null(strstr(text, ",clairvoyant,"));
    free(text);
    text = evaluate_read_text("bound.html");
    markup_assert_well_formed(text);
    assert_non_null(strstr(text, "Of what is possible in peak drift"));
    assert_null(strstr(text, "nan"));
    free(text);
    const struct aft_json *without = aft_json_get(shared, "bound");
    assert_true(without != NULL && aft_json_get(without, "scale") == NULL);
}

static void evaluate__changes_settings_on_demand(void **state)
{
    (void)state;
    struct aft_json *quiet = evaluate_json(
        "--stage 1 --motions-per-stage 2 --controllers policy "
        "--set environment.sensor_noise=0");
    struct aft_json *noisy = evaluate_json(
        "--stage 1 --motions-per-stage 2 --controllers policy "
        "--set environment.sensor_noise=0.05");
    const struct aft_json *a = aft_json_at(aft_json_get(quiet, "motions"), 0);
    const struct aft_json *b = aft_json_at(aft_json_get(noisy, "motions"), 0);
    assert_true(figure_of(a, "policy", "rms_drift") != figure_of(b, "policy", "rms_drift"));
    assert_true(figure_of(a, "passive", "rms_drift") == figure_of(b, "passive", "rms_drift"));
    aft_json_destroy(quiet);
    aft_json_destroy(noisy);
    const struct outcome *outcome = evaluate("--set environment.drift_storeys=1");
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "the policy observes"));
}

static void evaluate__refuses_what_it_cannot_do(void **state)
{
    (void)state;
    refuses("--stage 3", 2, "--stage 3: the archive's curriculum has 2");
    refuses("--controllers baseline", 2, "and there is none");
    refuses("--against nowhere.zip", 1, "nowhere.zip");
    refuses("--motions nowhere", 2, "'nowhere'");
    refuses("--set environment.nonsense=1", 2, "nonsense");
    refuses("--set run.seed=x", 2, "run.seed=x");
    refuses("--motions-per-stage 1 --controllers policy --csv /nowhere/a.csv", 1, "/nowhere/a.csv");
    refuses("--motions-per-stage 1 --controllers policy --report /nowhere/a.html", 1,
            "/nowhere/a.html");
    write_text(evaluate_folder, "still.csv", "time_s,acceleration_g\n0,0\n0.02,0\n0.04,0\n");
    refuses("--stage 1 --motions still.csv --scale none --controllers policy", 2, "still.csv");
}

static void evaluate__refuses_a_damaged_archive(void **state)
{
    (void)state;
    char path[PATH_MAX], *bytes = NULL;
    size_t size = 0;
    assert_true(snprintf(path, sizeof path, "%.3000s/a.zip", evaluate_folder) < PATH_MAX);
    assert_int_equal(aft_file_read(&bytes, &size, path, 1 << 24, NULL), AFT_OK);
    bytes[size / 2] ^= 1;
    assert_true(snprintf(path, sizeof path, "%.3000s/damaged.zip", evaluate_folder) < PATH_MAX);
    assert_int_equal(aft_file_publish(path, bytes, size, NULL), AFT_OK);
    free(bytes);
    const struct outcome *outcome = run_in(evaluate_folder, "evaluate damaged.zip");
    assert_int_equal(outcome->code, 3);
    assert_string_equal(outcome->out, "");
    assert_non_null(strstr(outcome->err, "damaged.zip"));
    assert_int_equal(run_in(evaluate_folder, "evaluate none.zip")->code, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluate__gives_the_promised_figures_of_every_controller),
        cmocka_unit_test(evaluate__pairs_policy_with_lqr_and_lqg_motion_by_motion),
        cmocka_unit_test(evaluate__sets_another_archives_policy_beside_it),
        cmocka_unit_test(evaluate__refuses_a_baseline_that_other_sensors_trained),
        cmocka_unit_test(evaluate__covers_every_stage_up_to_the_archives),
        cmocka_unit_test(evaluate__reads_records_of_a_folder_in_both_formats),
        cmocka_unit_test(evaluate__scales_as_it_is_told),
        cmocka_unit_test(evaluate__makes_motions_of_a_magnitude),
        cmocka_unit_test(evaluate__is_free_of_the_number_of_threads),
        cmocka_unit_test(evaluate__prints_a_table_of_at_most_100_columns),
        cmocka_unit_test(evaluate__tells_of_robustness_in_json),
        cmocka_unit_test(evaluate__writes_a_row_for_each_motion_and_controller),
        cmocka_unit_test(evaluate__writes_a_page_that_stands_alone),
        cmocka_unit_test(evaluate__sets_controllers_on_a_scale_to_the_bound),
        cmocka_unit_test(evaluate__changes_settings_on_demand),
        cmocka_unit_test(evaluate__refuses_what_it_cannot_do),
        cmocka_unit_test(evaluate__refuses_a_damaged_archive),
    };
    return cmocka_run_group_tests(tests, open_place, close_place);
}
