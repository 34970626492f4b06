#include "runner/evaluate/page_tables.h"

#include "environment/response_spectrum.h"
#include "runner/evaluate/page_plots.h"

enum { MAX_TABLES = 4 };

static enum aft_code begin(struct aft_html_table *table, struct aft_page_memory *memory, int rows,
                           struct aft_error *error)
{
    table->cells =
        aft_page_array(memory, (size_t)rows * (size_t)table->n_columns, sizeof *table->cells);
    table->n_rows = 0;
    return table->cells != NULL
               ? AFT_OK
               : aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
}

/* The cells of a new row. */
static char **add_row(struct aft_html_table *table)
{
    return table->cells + (ptrdiff_t)table->n_rows++ * table->n_columns;
}

static enum aft_code figures_table(struct aft_html_table *table, struct aft_page_memory *memory,
                                   const struct aft_evaluation_summary *summary,
                                   struct aft_error *error)
{
    static const char *const heads[] = {"controller",
                                        "peak drift, mean (%)",
                                        "peak drift, largest (%)",
                                        "peak drift / passive, worst",
                                        "peak drift / passive, interquartile",
                                        "floor acc. / passive, worst",
                                        "stroke (m)",
                                        "speed (m/s)",
                                        "force (kN)",
                                        "power (kW)",
                                        "energy, mean (kJ)",
                                        "saturated, mean (%)"};
    *table = (struct aft_html_table){
        .caption = "Figures over the motions. Stroke, speed, force and power: the largest.",
        .heads = heads,
        .n_columns = sizeof heads / sizeof *heads};
    enum aft_code code = begin(table, memory, AFT_N_COMPARED, error);
    for (int c = 0; c < AFT_N_COMPARED && code == AFT_OK; c++) {
        const struct aft_compared_summary *one = &summary->compared[c];
        if (!one->present) {
            continue;
        }
        char **cells = add_row(table);
        const struct aft_statistics *peak = &one->to_passive[AFT_FIGURE_PEAK_DRIFT];
        cells[0] = aft_page_text(memory, "%s", aft_compared_name((enum aft_compared)c));
        cells[1] = aft_page_text(memory, "%.2f", 100 * one->mean[AFT_FIGURE_PEAK_DRIFT]);
        cells[2] = aft_page_text(memory, "%.2f", 100 * one->greatest[AFT_FIGURE_PEAK_DRIFT]);
        cells[3] = aft_page_text(memory, "%.2f", peak->worst);
        cells[4] = aft_page_text(memory, "%.2f", peak->iqm);
        cells[5] = aft_page_text(memory, "%.2f", one->to_passive[AFT_FIGURE_PEAK_FLOOR_ACC].worst);
        if (c == AFT_COMPARED_UNCONTROLLED) {
            continue;
        }
        cells[6] = aft_page_text(memory, "%.2f", one->greatest[AFT_FIGURE_STROKE]);
        cells[7] = aft_page_text(memory, "%.1f", one->greatest[AFT_FIGURE_SPEED]);
        cells[8] = aft_page_text(memory, "%.0f", 1e-3 * one->greatest[AFT_FIGURE_PEAK_FORCE]);
        cells[9] = aft_page_text(memory, "%.0f", 1e-3 * one->greatest[AFT_FIGURE_PEAK_POWER]);
        cells[10] = aft_page_text(memory, "%.0f", 1e-3 * one->mean[AFT_FIGURE_ENERGY]);
        cells[11] = aft_page_text(memory, "%.0f", 100 * one->mean[AFT_FIGURE_SATURATED]);
    }
    return code;
}

static enum aft_code criteria_table(struct aft_html_table *table, struct aft_page_memory *memory,
                                    const struct aft_evaluation_summary *summary, int reference,
                                    struct aft_error *error)
{
    static const char *heads[AFT_N_CRITERIA + 1] = {"controller"};
    for (int j = 0; j < AFT_N_CRITERIA; j++) {
        heads[j + 1] = aft_criteria_table[j].key;
    }
    *table = (struct aft_html_table){
        .caption = reference == 0 ? "Benchmark criteria relative to the passive building, means."
                                  : "Benchmark criteria relative to the uncontrolled building, "
                                    "means.",
        .heads = heads,
        .n_columns = AFT_N_CRITERIA + 1};
    enum aft_code code = begin(table, memory, AFT_N_COMPARED, error);
    for (int c = 0; c < AFT_N_COMPARED && code == AFT_OK; c++) {
        const struct aft_compared_summary *one = &summary->compared[c];
        if (!one->present) {
            continue;
        }
        char **cells = add_row(table);
        cells[0] = aft_page_text(memory, "%s", aft_compared_name((enum aft_compared)c));
        for (int j = 0; j < AFT_N_CRITERIA; j++) {
            cells[j + 1] = aft_page_text(memory, "%.3f", one->mean_criteria[reference][j]);
        }
    }
    return code;
}

static enum aft_code robustness_table(struct aft_html_table *table, struct aft_page_memory *memory,
                                      const struct aft_robust_result *results,
                                      struct aft_error *error)
{
    static const char *const heads[] = {
        "case", "lqg: peak drift", "95 %", "RMS drift", "policy: peak drift", "95 %", "RMS drift"};
    *table = (struct aft_html_table){
        .caption =
            "Robustness: mean ratios to the passive building in the same case. The "
            "controllers keep the model that they were made for.",
        .heads = heads,
        .n_columns = sizeof heads / sizeof *heads};
    enum aft_code code = begin(table, memory, AFT_N_ROBUST_CASES, error);
    for (int i = 0; i < AFT_N_ROBUST_CASES && code == AFT_OK; i++) {
        char **cells = add_row(table);
        cells[0] = aft_page_text(memory, "%s", aft_robust_cases[i].description);
        for (int c = 0; c < AFT_N_ROBUST; c++) {
            const struct aft_statistics *peak = &results[i].peak_drift[c];
            if (peak->n > 0) {
                cells[3 * c + 1] = aft_page_text(memory, "%.2f", peak->mean);
                cells[3 * c + 2] =
                    aft_page_text(memory, "%.2f–%.2f", peak->mean_low, peak->mean_high);
                cells[3 * c + 3] = aft_page_text(memory, "%.2f", results[i].rms_drift[c].mean);
            }
        }
    }
    return code;
}

enum aft_code aft_page_tables(struct aft_html_set *set, struct aft_page_memory *memory,
                              const struct aft_evaluation_results *results, int stage,
                              struct aft_error *error)
{
    struct aft_html_table *tables = aft_page_array(memory, MAX_TABLES, sizeof *tables);
    if (tables == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
    }
    const struct aft_evaluation_summary *summary = &results->by_stage[stage];
    set->tables = tables;
    set->n_tables = 3;
    enum aft_code code = figures_table(&tables[0], memory, summary, error);
    if (code == AFT_OK) {
        code = criteria_table(&tables[1], memory, summary, 1, error);
    }
    if (code == AFT_OK) {
        code = criteria_table(&tables[2], memory, summary, 0, error);
    }
    if (code == AFT_OK && results->robustness != NULL) {
        set->n_tables = 4;
        code =
            robustness_table(&tables[3], memory, aft_evaluation_robustness(results, stage), error);
    }
    return code;
}

static void fill_motion(char **cells, struct aft_page_memory *memory,
                        const struct aft_comparison *comparison, int index)
{
    enum aft_compared who[AFT_N_COMPARED];
    int n = aft_page_controllers(who, comparison);
    const struct aft_listed_motion *listed = &comparison->motions.motions[index];
    const struct aft_motion *motion = &listed->motion;
    const struct aft_response *passive =
        aft_comparison_response(comparison, index, AFT_COMPARED_PASSIVE);
    struct aft_motion_summary summary;
    aft_motion_summarise(&summary, motion->acceleration_m_s2, motion->n, motion->dt_s);
    double sa = aft_spectral_acceleration_m_s2(motion->acceleration_m_s2, motion->n, motion->dt_s,
                                               comparison->first_period_s, 0.05);
    cells[0] = aft_page_text(memory, "%s", listed->name);
    cells[1] = aft_page_text(memory, "%.2f", summary.pga_m_s2 / AFT_GRAVITY_M_S2);
    cells[2] = aft_page_text(memory, "%.2f", sa / AFT_GRAVITY_M_S2);
    cells[3] = aft_page_text(memory, "%.1f", (double)motion->n * motion->dt_s);
    cells[4] = aft_page_text(memory, "%.2f", 100 * passive->peak_drift_ratio);
    for (int c = 0; c < n; c++) {
        const struct aft_response *response = aft_comparison_response(comparison, index, who[c]);
        cells[5 + c] = aft_page_text(
            memory, "%.2f", aft_ratio(response->peak_drift_ratio, passive->peak_drift_ratio));
    }
}

enum aft_code aft_page_motions(struct aft_html_table *table, struct aft_page_memory *memory,
                               const struct aft_comparison *comparison, struct aft_error *error)
{
    static const char *const first[] = {"motion", "PGA (g)", "Sa(T1) (g)", "length (s)",
                                        "passive drift (%)"};
    enum { FIRST = sizeof first / sizeof *first };
    enum aft_compared who[AFT_N_COMPARED];
    int n = aft_page_controllers(who, comparison);
    const char **heads = aft_page_array(memory, FIRST + (size_t)n, sizeof *heads);
    if (heads == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
    }
    for (int i = 0; i < FIRST; i++) {
        heads[i] = first[i];
    }
    for (int c = 0; c < n; c++) {
        heads[FIRST + c] = aft_compared_name(who[c]);
    }
    *table = (struct aft_html_table){
        .caption = aft_page_text(memory, "Stage %d, %s: peak drift relative to passive.",
                                 comparison->stage->number, comparison->stage->name),
        .heads = heads,
        .n_columns = FIRST + n};
    enum aft_code code = begin(table, memory, comparison->motions.n, error);
    for (int i = 0; i < comparison->motions.n && code == AFT_OK; i++) {
        fill_motion(add_row(table), memory, comparison, i);
    }
    return code;
}
