#include "environment/response_spectrum.h"
#include "runner/evaluate/results.h"

static void write_header(FILE *out, int floors, bool bound)
{
    (void)fputs("stage,stage_name,motion,pga_g,duration_s,controller", out);
    for (int f = 0; f < AFT_N_FIGURES; f++) {
        (void)fprintf(out, ",%s", aft_figure_key((enum aft_figure)f));
    }
    for (int f = 0; f < AFT_N_RATIOS; f++) {
        (void)fprintf(out, ",%s_to_passive", aft_figure_stem((enum aft_figure)f));
    }
    for (int f = 0; f < AFT_N_RATIOS; f++) {
        (void)fprintf(out, ",%s_to_uncontrolled", aft_figure_stem((enum aft_figure)f));
    }
    for (int j = 0; j < AFT_N_CRITERIA; j++) {
        (void)fprintf(out, ",%s_to_uncontrolled", aft_criteria_table[j].key);
    }
    for (int i = 1; i <= floors; i++) {
        (void)fprintf(out, ",storey%d_peak_drift,storey%d_rms_drift,floor%d_peak_acc_g", i, i, i);
    }
    (void)fputs(bound ? ",bound_peak_drift_ratio" : "", out);
    (void)fputc('\n', out);
}

/* Quoted where a record's file name asks for it (RFC 4180). */
static void write_text(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            (void)fputc('"', out);
        }
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static void write_response(FILE *out, const struct aft_comparison *comparison, int motion,
                           enum aft_compared who)
{
    static const enum aft_compared references[2] = {AFT_COMPARED_PASSIVE,
                                                    AFT_COMPARED_UNCONTROLLED};
    const struct aft_building_config *building = &comparison->setup.config.building;
    const struct aft_response *response = aft_comparison_response(comparison, motion, who);
    double criteria[AFT_N_CRITERIA];
    for (int f = 0; f < AFT_N_FIGURES; f++) {
        (void)fprintf(out, ",%.9g", aft_figure_of(response, (enum aft_figure)f));
    }
    for (int r = 0; r < 2; r++) {
        const struct aft_response *reference =
            aft_comparison_response(comparison, motion, references[r]);
        for (int f = 0; f < AFT_N_RATIOS; f++) {
            (void)fprintf(out, ",%.9g",
                          aft_ratio(aft_figure_of(response, (enum aft_figure)f),
                                    aft_figure_of(reference, (enum aft_figure)f)));
        }
    }
    aft_criteria_values(criteria, response,
                        aft_comparison_response(comparison, motion, AFT_COMPARED_UNCONTROLLED),
                        building);
    for (int j = 0; j < AFT_N_CRITERIA; j++) {
        (void)fprintf(out, ",%.9g", criteria[j]);
    }
    for (int i = 0; i < building->floors; i++) {
        (void)fprintf(out, ",%.9g,%.9g,%.9g", response->storey_peak_drift[i],
                      response->storey_rms_drift[i], response->floor_peak_acc_g[i]);
    }
    if (comparison->clairvoyant != NULL) {
        (void)fprintf(out, ",%.9g", aft_comparison_bound(comparison, motion));
    }
    (void)fputc('\n', out);
}

static void write_motion(FILE *out, const struct aft_comparison *comparison, int index)
{
    const struct aft_listed_motion *listed = &comparison->motions.motions[index];
    const struct aft_motion *motion = &listed->motion;
    struct aft_motion_summary summary;
    aft_motion_summarise(&summary, motion->acceleration_m_s2, motion->n, motion->dt_s);
    for (int who = 0; who < AFT_N_COMPARED; who++) {
        if (!aft_comparison_has(comparison, (enum aft_compared)who)) {
            continue;
        }
        (void)fprintf(out, "%d,", comparison->stage->number);
        write_text(out, comparison->stage->name);
        (void)fputc(',', out);
        write_text(out, listed->name);
        (void)fprintf(out, ",%.9g,%.9g,%s", summary.pga_m_s2 / AFT_GRAVITY_M_S2,
                      motion->n > 0 ? (double)(motion->n - 1) * motion->dt_s : 0.0,
                      aft_compared_name((enum aft_compared)who));
        write_response(out, comparison, index, (enum aft_compared)who);
    }
}

void aft_evaluation_csv(FILE *out, const struct aft_evaluation_results *results)
{
    if (results->n_stages > 0) {
        write_header(out, results->stages[0].setup.config.building.floors,
                     results->stages[0].clairvoyant != NULL);
    }
    for (int s = 0; s < results->n_stages; s++) {
        for (int i = 0; i < results->stages[s].motions.n; i++) {
            write_motion(out, &results->stages[s], i);
        }
    }
}
