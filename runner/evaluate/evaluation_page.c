/* What the HTML report says: headlines, sections, definitions and notes. */
#include "report/html_report.h"
#include "report/svg_plot.h"
#include "runner/evaluate/page_memory.h"
#include "runner/evaluate/page_plots.h"
#include "runner/evaluate/page_tables.h"
#include "runner/evaluate/results.h"

#include <stdlib.h>
#include <string.h>

#define NO_BREAK_DASH "\u2060–\u2060" /* keeps the ends of an interval on one line */

enum { MAX_FACTS = 96 };
static const double yields_at = 0.01;

static const struct aft_html_controller looks[AFT_N_COMPARED] = {
    [AFT_COMPARED_UNCONTROLLED] = {"uncontrolled", AFT_SVG_GREY, true, false},
    [AFT_COMPARED_PASSIVE] = {"passive", AFT_SVG_DARK, false, false},
    [AFT_COMPARED_PASSIVE_TUNED] = {"passive_tuned", AFT_SVG_PURPLE, true, false},
    [AFT_COMPARED_LQR] = {"lqr", AFT_SVG_BLUE, true, false},
    [AFT_COMPARED_LQG] = {"lqg", AFT_SVG_GREEN, false, false},
    [AFT_COMPARED_CLAIRVOYANT] = {"clairvoyant", AFT_SVG_GREY, false, false},
    [AFT_COMPARED_BASELINE] = {"baseline", AFT_SVG_PURPLE, false, false},
    [AFT_COMPARED_POLICY] = {"policy", AFT_SVG_VERMILLION, false, true},
};

struct facts {
    struct aft_html_fact list[MAX_FACTS];
    int n;
};

struct page {
    struct aft_page_memory memory;
    const struct aft_evaluation_results *results;
    struct aft_html_controller controllers[AFT_N_COMPARED];
    int n_controllers;
    struct aft_html_set *sets;      /* [n_stages] */
    struct aft_html_table *motions; /* [n_stages] */
    struct facts headlines, definitions, notes;
};

static void add(struct facts *facts, const char *label, const char *value, const char *note)
{
    if (facts->n < MAX_FACTS) {
        facts->list[facts->n++] = (struct aft_html_fact){label, value, note};
    }
}

/* --- headlines --- */

static void add_ratio(struct page *page, const char *label, const struct aft_statistics *ratio)
{
    add(&page->headlines, label, aft_page_text(&page->memory, "%.2f", ratio->mean),
        aft_page_text(&page->memory, "of passive (%.2f" NO_BREAK_DASH "%.2f)", ratio->mean_low,
                      ratio->mean_high));
}

static void fill_headlines(struct page *page)
{
    const struct aft_evaluation_summary *all = &page->results->all;
    const struct aft_compared_summary *policy = &all->compared[AFT_COMPARED_POLICY];
    struct aft_page_memory *memory = &page->memory;
    const double stop = page->results->stages[0].setup.config.building.stroke_m;
    add_ratio(page, "Peak drift", &policy->to_passive[AFT_FIGURE_PEAK_DRIFT]);
    add_ratio(page, "RMS drift", &policy->to_passive[AFT_FIGURE_RMS_DRIFT]);
    add_ratio(page, "Peak floor acceleration", &policy->to_passive[AFT_FIGURE_PEAK_FLOOR_ACC]);
    for (int with = 0; with < AFT_N_COMPARED; with++) {
        const struct aft_paired *pair = &all->peak_drift[with];
        if (!pair->present || with == AFT_COMPARED_LQR) { /* whose true state nobody has */
            continue;
        }
        add(&page->headlines,
            with == AFT_COMPARED_LQG ? "Peak drift against LQG" : "Peak drift against the baseline",
            aft_page_text(memory, "%s%.1f %%", pair->change < 0 ? "−" : "+",
                          100 * (pair->change < 0 ? -pair->change : pair->change)),
            aft_page_text(memory, "%+.3f to %+.3f of passive", pair->difference.mean_low,
                          pair->difference.mean_high));
    }
    if (all->bound.present) {
        add(&page->headlines, "Of what is possible in peak drift",
            aft_page_text(memory, "%.0f %%", 100 * all->bound.scale[AFT_COMPARED_POLICY].mean),
            aft_page_text(memory, "no controller has less than %.2f of passive",
                          all->bound.to_passive.mean));
    }
    add(&page->headlines, "Largest stroke",
        aft_page_text(memory, "%.2f m", policy->greatest[AFT_FIGURE_STROKE]),
        stop > 0 ? aft_page_text(memory, "the end stop is at %g m", stop) : "no end stop");
}

/* --- sections --- */

static const struct aft_statistics *ratios_of(struct page *page,
                                              const struct aft_evaluation_summary *summary)
{
    static const enum aft_figure figures[AFT_HTML_RATIOS] = {
        AFT_FIGURE_PEAK_DRIFT, AFT_FIGURE_RMS_DRIFT, AFT_FIGURE_PEAK_FLOOR_ACC};
    struct aft_statistics *ratios =
        aft_page_array(&page->memory, (size_t)AFT_N_COMPARED * AFT_HTML_RATIOS, sizeof *ratios);
    int row = 0;
    for (int c = 0; ratios != NULL && c < AFT_N_COMPARED; c++) {
        if (!summary->compared[c].present) {
            continue;
        }
        for (int i = 0; i < AFT_HTML_RATIOS; i++) {
            ratios[row * AFT_HTML_RATIOS + i] = summary->compared[c].to_passive[figures[i]];
        }
        row++;
    }
    return ratios;
}

static enum aft_code fill_set(struct page *page, int stage, struct aft_error *error)
{
    struct aft_html_set *set = &page->sets[stage];
    struct aft_page_memory *memory = &page->memory;
    const struct aft_comparison *comparison = &page->results->stages[stage];
    const struct aft_environment_config *config = &comparison->setup.config;
    const double drift =
        page->results->by_stage[stage].compared[AFT_COMPARED_PASSIVE].mean[AFT_FIGURE_PEAK_DRIFT];
    set->title =
        aft_page_text(memory, "Stage %d: %s", comparison->stage->number, comparison->stage->name);
    set->subtitle = aft_page_text(memory,
                                  "%s. Force up to %g kN, driving power up to %g kW, end stop at "
                                  "%g m.",
                                  comparison->title, 1e-3 * config->actuator.force_limit_n,
                                  1e-3 * config->actuator.power_limit_w, config->building.stroke_m);
    if (drift > yields_at) {
        set->warning = aft_page_text(memory,
                                     "An elastic stress test: passive drifts reach %.1f %% on "
                                     "average, where a real building yields.",
                                     100 * drift);
    }
    set->ratios = ratios_of(page, &page->results->by_stage[stage]);
    if (set->ratios == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
    }
    enum aft_code code = aft_page_tables(set, memory, page->results, stage, error);
    if (code == AFT_OK) {
        code = aft_page_plots(set, memory, comparison, error);
    }
    return code == AFT_OK ? aft_page_motions(&page->motions[stage], memory, comparison, error)
                          : code;
}

/* --- definitions and notes --- */

static const char lqr[] =
    "clipped linear-quadratic regulator with a stroke guard, tuned on training "
    "motions; it knows the true state";
static const char lqg[] =
    "the same law with a Kalman filter on the policy's own sensors, tuned likewise";

static const char clairvoyant[] =
    "forces planned with the motion known in advance, by linear programming on the plant "
    "without power limit and end stop, and played to the plant with both";
static const char scale[] =
    "peak drift between the passive device's (0 %) and the least that any controller could reach "
    "that keeps off the end stop, with the future known and without a power limit (100 %)";

static const char *baseline_of(struct page *page)
{
    const struct aft_evaluation_results *results = page->results;
    return results->baseline == NULL
               ? NULL
               : aft_page_text(&page->memory, "stage %d's policy of %s, likewise",
                               results->baseline->stage, results->options->against);
}

static void fill_definitions(struct page *page)
{
    struct facts *facts = &page->definitions;
    const char *const laws[AFT_N_COMPARED] = {
        [AFT_COMPARED_UNCONTROLLED] = "the building without the device and its mass",
        [AFT_COMPARED_PASSIVE] = "the device as configured, without force",
        [AFT_COMPARED_PASSIVE_TUNED] =
            "its best spring and dashpot on the stage's training motions",
        [AFT_COMPARED_LQR] = lqr,
        [AFT_COMPARED_LQG] = lqg,
        [AFT_COMPARED_CLAIRVOYANT] = clairvoyant,
        [AFT_COMPARED_BASELINE] = baseline_of(page),
        [AFT_COMPARED_POLICY] = "the archive's policy, without exploration noise",
    };
    for (int c = 0; c < AFT_N_COMPARED; c++) {
        if (aft_comparison_has(&page->results->stages[0], (enum aft_compared)c)) {
            add(facts, aft_compared_name((enum aft_compared)c), laws[c], NULL);
        }
    }
    if (page->results->all.bound.present) {
        add(facts, "of what is possible", scale, NULL);
    }
    for (int j = 0; j < AFT_N_CRITERIA; j++) {
        add(facts, aft_criteria_table[j].key, aft_criteria_table[j].definition, NULL);
    }
    add(facts, "criteria",
        "As in the benchmark control problems for nonlinear buildings (Ohtori, Christenson, "
        "Spencer and Dyke 2004), relative to the reference building. RMS is over time. J7 to "
        "J10 are of yielding buildings, J15 to J17 of hardware.",
        NULL);
    add(facts, "interval",
        "95 % percentile bootstrap of the mean over the motions, resampled within each stage",
        NULL);
    add(facts, "interquartile mean", "mean of the middle half of the motions", NULL);
}

static void add_archive_notes(struct page *page)
{
    struct aft_page_memory *memory = &page->memory;
    const struct aft_evaluation_results *results = page->results;
    const struct aft_archive *archive = results->policy->archive;
    add(&page->notes, "archive",
        aft_page_text(memory, "%s (%s, stage %d, %lld steps of training)",
                      results->options->archive, aft_archive_kind_name(aft_archive_kind(archive)),
                      results->policy->stage,
                      (long long)aft_archive_counters(archive)->total_steps),
        NULL);
    add(&page->notes, "weights",
        aft_page_text(memory, "SHA-256 %s", aft_archive_weights_hash(archive)), NULL);
    add(&page->notes, "program",
        aft_page_text(memory, "aftershock %s; engine: %s", AFT_VERSION, results->engine), NULL);
}

static void add_plant_notes(struct page *page)
{
    struct aft_page_memory *memory = &page->memory;
    const struct aft_comparison *first = &page->results->stages[0];
    const struct aft_environment_config *config = &first->setup.config;
    const struct aft_building_config *building = &config->building;
    const struct aft_sensor_config *sensors = &config->sensors;
    double control_s = config->dt_s * config->control_every;
    add(&page->notes, "building",
        aft_page_text(memory,
                      "%d storeys of %g t, first period %.2f s, damping %g %%; device %g t, end "
                      "stop at %g m; elastic, plane, fixed at its base",
                      building->floors, 1e-3 * building->floor_mass_kg, first->first_period_s,
                      100 * building->damping_ratio, 1e-3 * building->device_mass_kg,
                      building->stroke_m),
        NULL);
    add(&page->notes, "control",
        aft_page_text(memory, "every %g s, simulated in steps of %g s; actuator lag %g s",
                      control_s, config->dt_s, config->actuator.lag_s),
        NULL);
    add(&page->notes, "sensors",
        aft_page_text(memory,
                      "accelerations of the ground and %d floors, drifts of %d storeys, stroke and "
                      "its rate; noise %g %% of full scale, %d bits, %g s late, %g %% lost",
                      sensors->n_acceleration_floors, sensors->n_drift_storeys,
                      100 * sensors->noise, sensors->bits, sensors->latency_steps * control_s,
                      100 * sensors->dropout),
        NULL);
    add(&page->notes, "motions",
        aft_page_text(memory,
                      "seed %llu, in no training set; each simulated whole and %g s beyond its end",
                      (unsigned long long)page->results->options->seed, first->evaluation.tail_s),
        NULL);
}

static void add_tuning_notes(struct page *page)
{
    struct aft_page_memory *memory = &page->memory;
    for (int s = 0; s < page->results->n_stages; s++) {
        const struct aft_comparison *comparison = &page->results->stages[s];
        const struct aft_reference_parameters *tuned = &comparison->tuned;
        if (comparison->lqg == NULL) {
            continue;
        }
        add(&page->notes, aft_page_text(memory, "tuned, stage %d", comparison->stage->number),
            aft_page_text(
                memory,
                "passive %.4g N/m, %.4g N s/m; lqr weights: control %.3g, stroke %.3g, "
                "stroke rate %.3g, drift rate %.3g; lqg: control %.3g, stroke %.3g, "
                "stroke rate %.3g, drift rate %.3g (%d and %d sets tried)",
                tuned->passive.stiffness_n_m, tuned->passive.damping_n_s_m,
                tuned->lqr.parameters.weights.control, tuned->lqr.parameters.weights.stroke,
                tuned->lqr.parameters.weights.stroke_rate, tuned->lqr.parameters.weights.drift_rate,
                tuned->lqg.parameters.weights.control, tuned->lqg.parameters.weights.stroke,
                tuned->lqg.parameters.weights.stroke_rate, tuned->lqg.parameters.weights.drift_rate,
                tuned->lqr.points, tuned->lqg.points),
            NULL);
    }
}

/* --- the whole --- */

static enum aft_code fill(struct page *page, struct aft_error *error)
{
    size_t stages = (size_t)page->results->n_stages;
    enum aft_compared who[AFT_N_COMPARED];
    enum aft_code code = AFT_OK;
    page->n_controllers = aft_page_controllers(who, &page->results->stages[0]);
    for (int c = 0; c < page->n_controllers; c++) {
        page->controllers[c] = looks[who[c]];
    }
    page->sets = aft_page_array(&page->memory, stages, sizeof *page->sets);
    page->motions = aft_page_array(&page->memory, stages, sizeof *page->motions);
    if (page->sets == NULL || page->motions == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
    }
    for (int s = 0; s < page->results->n_stages && code == AFT_OK; s++) {
        code = fill_set(page, s, error);
    }
    fill_headlines(page);
    fill_definitions(page);
    add_archive_notes(page);
    add_plant_notes(page);
    add_tuning_notes(page);
    return code;
}

enum aft_code aft_evaluation_page(char **text, size_t *size,
                                  const struct aft_evaluation_results *results,
                                  struct aft_error *error)
{
    char verdicts[1200] = "";
    const struct aft_json *manifest = aft_archive_manifest(results->policy->archive);
    struct page *page = calloc(1, sizeof *page);
    *text = NULL;
    if (page == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
    }
    page->results = results;
    enum aft_code code = fill(page, error);
    for (int with = 0; with < AFT_N_COMPARED; with++) {
        size_t used = strlen(verdicts), space = used > 0;
        aft_evaluation_verdict(verdicts + used + space, sizeof verdicts - used - space,
                               &results->all, (enum aft_compared)with);
        if (verdicts[used + space] != '\0' && space) {
            verdicts[used] = ' ';
        }
    }
    const struct aft_html_report report = {
        .title =
            aft_page_text(&page->memory, "Evaluation of %s, stage %d",
                          aft_json_get_string(manifest, "run", "a policy"), results->policy->stage),
        .subtitle = aft_page_text(&page->memory, "%s, on %d motions", results->options->archive,
                                  results->all.motions),
        .summary = verdicts,
        .headlines = page->headlines.list,
        .n_headlines = page->headlines.n,
        .ratios = results->n_stages > 1 ? ratios_of(page, &results->all) : NULL,
        .controllers = page->controllers,
        .n_controllers = page->n_controllers,
        .sets = page->sets,
        .n_sets = results->n_stages,
        .motions = page->motions,
        .definitions = page->definitions.list,
        .n_definitions = page->definitions.n,
        .notes = page->notes.list,
        .n_notes = page->notes.n,
    };
    if (code == AFT_OK && page->memory.failed) {
        code = aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
    }
    if (code == AFT_OK) {
        code = aft_html_report_write(text, size, &report, error);
    }
    aft_page_memory_clear(&page->memory);
    free(page);
    return code;
}
