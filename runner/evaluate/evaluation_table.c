#include "runner/evaluate/results.h"

#include <math.h>

static const double yields_at = 0.01; /* drift ratio beyond which a real building would yield */

/* "0.68  0.64-0.72" */
static void write_ratio(FILE *out, const struct aft_statistics *ratio)
{
    char interval[32];
    (void)snprintf(interval, sizeof interval, "%.2f-%.2f", ratio->mean_low, ratio->mean_high);
    (void)fprintf(out, " %6.2f %10s", ratio->mean, interval);
}

static void write_row(FILE *out, enum aft_compared who, const struct aft_compared_summary *summary)
{
    const struct aft_statistics *peak = &summary->to_passive[AFT_FIGURE_PEAK_DRIFT];
    const struct aft_statistics *acceleration = &summary->to_passive[AFT_FIGURE_PEAK_FLOOR_ACC];
    (void)fprintf(out, "  %-13s", aft_compared_name(who));
    write_ratio(out, peak);
    (void)fprintf(out, " %6.2f", peak->worst);
    write_ratio(out, &summary->to_passive[AFT_FIGURE_RMS_DRIFT]);
    (void)fprintf(out, " %6.2f %6.2f", acceleration->mean, acceleration->worst);
    if (who == AFT_COMPARED_UNCONTROLLED) {
        (void)fputs("      -     -     -      -\n", out);
        return;
    }
    (void)fprintf(out, " %6.2f %5.0f %5.0f %6.0f\n", summary->greatest[AFT_FIGURE_STROKE],
                  1e-3 * summary->greatest[AFT_FIGURE_PEAK_FORCE],
                  1e-3 * summary->greatest[AFT_FIGURE_PEAK_POWER],
                  1e-3 * summary->mean[AFT_FIGURE_ENERGY]);
}

static void write_rows(FILE *out, const struct aft_evaluation_summary *summary)
{
    static const char *const heads[2][8] = {{"", "peak drift / passive  ", "RMS drift / pass.",
                                             "acc. / pass.", "stroke", "force", "power", "energy"},
                                            {"  controller", "mean       95 %  worst",
                                             "mean       95 %", "mean  worst", "m", "kN", "kW",
                                             "kJ"}};
    for (int i = 0; i < 2; i++) {
        (void)fprintf(out, "%-15s%25s%18s%14s%7s%6s%6s%7s\n", heads[i][0], heads[i][1], heads[i][2],
                      heads[i][3], heads[i][4], heads[i][5], heads[i][6], heads[i][7]);
    }
    for (int who = 0; who < AFT_N_COMPARED; who++) {
        if (summary->compared[who].present) {
            write_row(out, (enum aft_compared)who, &summary->compared[who]);
        }
    }
}

/* The bound, and where the controllers stand between passive and it. */
static void write_scale(FILE *out, const struct aft_evaluation_summary *summary)
{
    const struct aft_bound_summary *bound = &summary->bound;
    if (!bound->present) {
        return;
    }
    (void)fprintf(
        out,
        "  bound, 1 on the scale: who keeps off the stop has no mean peak drift below %.2f "
        "of passive\n  scale: passive 0",
        bound->to_passive.mean);
    for (int who = AFT_COMPARED_PASSIVE_TUNED; who < AFT_N_COMPARED; who++) {
        if (summary->compared[who].present) {
            (void)fprintf(out, ", %s %.2f", aft_compared_name((enum aft_compared)who),
                          bound->scale[who].mean);
        }
    }
    (void)fputc('\n', out);
}

static void write_robustness(FILE *out, const struct aft_comparison *comparison,
                             const struct aft_robust_result *results)
{
    (void)fprintf(out, "\n  robustness: peak drift (RMS drift) / passive in the same case\n  %-43s",
                  "");
    for (int c = 0; c < AFT_N_ROBUST; c++) {
        if (aft_comparison_has(comparison, aft_robust_who[c])) {
            (void)fprintf(out, "  %-22s", aft_compared_name(aft_robust_who[c]));
        }
    }
    for (int i = 0; i < AFT_N_ROBUST_CASES; i++) {
        (void)fprintf(out, "\n  %-43s", aft_robust_cases[i].description);
        for (int c = 0; c < AFT_N_ROBUST; c++) {
            const struct aft_statistics *peak = &results[i].peak_drift[c];
            if (peak->n > 0) {
                (void)fprintf(out, "  %.2f %.2f-%.2f (%.2f)", peak->mean, peak->mean_low,
                              peak->mean_high, results[i].rms_drift[c].mean);
            }
        }
    }
    (void)fputc('\n', out);
}

static void write_stage(FILE *out, const struct aft_evaluation_results *results, int index)
{
    const struct aft_comparison *comparison = &results->stages[index];
    const struct aft_environment_config *config = &comparison->setup.config;
    const struct aft_compared_summary *passive =
        &results->by_stage[index].compared[AFT_COMPARED_PASSIVE];
    (void)fprintf(out, "\nStage %d, %s: %s; force up to %g kN", comparison->stage->number,
                  comparison->stage->name, comparison->title,
                  1e-3 * config->actuator.force_limit_n);
    if (config->actuator.power_limit_w > 0) {
        (void)fprintf(out, ", %g kW", 1e-3 * config->actuator.power_limit_w);
    }
    (void)fputc('\n', out);
    write_rows(out, &results->by_stage[index]);
    write_scale(out, &results->by_stage[index]);
    if (passive->mean[AFT_FIGURE_PEAK_DRIFT] > yields_at) {
        (void)fprintf(out,
                      "  an elastic stress test: passive drifts reach %.1f %% on average, where a "
                      "real building yields\n",
                      100 * passive->mean[AFT_FIGURE_PEAK_DRIFT]);
    }
    if (results->robustness != NULL) {
        write_robustness(out, comparison, aft_evaluation_robustness(results, index));
    }
}

static const char *direction(double change)
{
    return change < 0 ? "below" : "above";
}

void aft_evaluation_verdict(char *text, size_t size, const struct aft_evaluation_summary *summary,
                            enum aft_compared with)
{
    const struct aft_paired *peak = &summary->peak_drift[with], *rms = &summary->rms_drift[with];
    const char *name = with == AFT_COMPARED_LQR   ? "LQR"
                       : with == AFT_COMPARED_LQG ? "LQG"
                                                  : "the baseline";
    *text = '\0';
    if (peak->present) {
        (void)snprintf(text, size,
                       "Policy against %s, motion by motion: peak drift %.1f %% %s %s's (%+.3f "
                       "of passive, 95 %%: %+.3f to %+.3f), RMS drift %.1f %% %s: %s.",
                       name, 100 * fabs(peak->change), direction(peak->change), name,
                       peak->difference.mean, peak->difference.mean_low, peak->difference.mean_high,
                       100 * fabs(rms->change), direction(rms->change),
                       peak->clearly_better            ? "clearly better in peak drift"
                       : peak->difference.mean_low > 0 ? "worse in peak drift"
                       : peak->difference.mean_high >= 0
                           ? "no clear difference in peak drift"
                           : "better in peak drift, by less than 5 %");
    }
}

/* On how many motions the policy is above the passive building, or beyond the stop. */
static void write_exceptions(FILE *out, const struct aft_evaluation_results *results)
{
    int drift = 0, acceleration = 0, stop = 0;
    double greatest = 0;
    for (int s = 0; s < results->n_stages; s++) {
        const struct aft_comparison *stage = &results->stages[s];
        double stroke = stage->setup.config.building.stroke_m;
        for (int i = 0; i < stage->motions.n && aft_comparison_has(stage, AFT_COMPARED_POLICY);
             i++) {
            const struct aft_response *policy =
                aft_comparison_response(stage, i, AFT_COMPARED_POLICY);
            const struct aft_response *passive =
                aft_comparison_response(stage, i, AFT_COMPARED_PASSIVE);
            double ratio = aft_ratio(policy->peak_floor_acc_g, passive->peak_floor_acc_g);
            drift += policy->peak_drift_ratio > passive->peak_drift_ratio;
            acceleration += ratio > 1;
            greatest = fmax(greatest, ratio);
            stop += stroke > 0 && policy->stroke_m > stroke;
        }
    }
    (void)fprintf(out,
                  "Policy on %d motions: peak drift above passive on %d, floor acceleration on %d "
                  "(at most %.2f times),\n  end stop reached on %d.\n",
                  results->all.motions, drift, acceleration, greatest, stop);
}

/* Breaks a sentence at blanks so that it stays within the table's width. */
static void write_wrapped(FILE *out, const char *text)
{
    enum { COLUMNS = 98 };
    int column = 0;
    while (*text != '\0') {
        int length = 0;
        while (text[length] != '\0' && text[length] != ' ') {
            length++;
        }
        if (column > 0 && column + 1 + length > COLUMNS) {
            (void)fputs("\n ", out);
            column = 1;
        }
        (void)fprintf(out, "%s%.*s", column > 0 ? " " : "", length, text);
        column += length + (column > 0);
        text += length;
        text += *text == ' ';
    }
    (void)fputc('\n', out);
}

void aft_evaluation_table(FILE *out, const struct aft_evaluation_results *results)
{
    char verdict[400];
    (void)fprintf(out, "%s: stage %d's policy on %d motion%s\n%s\n", results->options->archive,
                  results->policy->stage, results->all.motions,
                  results->all.motions == 1 ? "" : "s", results->engine);
    if (results->baseline != NULL) {
        (void)fprintf(out, "baseline: %s, stage %d's policy\n", results->options->against,
                      results->baseline->stage);
    }
    for (int s = 0; s < results->n_stages; s++) {
        write_stage(out, results, s);
    }
    if (results->n_stages > 1) {
        (void)fprintf(out, "\nAll %d motions, resampled within their stages\n",
                      results->all.motions);
        write_rows(out, &results->all);
        write_scale(out, &results->all);
    }
    (void)fputs(
        "  acc.: peak floor acceleration; stroke, force, power: the largest; energy drawn: "
        "mean\n\n",
        out);
    if (results->all.compared[AFT_COMPARED_POLICY].present) {
        write_exceptions(out, results);
    }
    for (int with = 0; with < AFT_N_COMPARED; with++) {
        aft_evaluation_verdict(verdict, sizeof verdict, &results->all, (enum aft_compared)with);
        if (*verdict != '\0') {
            write_wrapped(out, verdict);
        }
    }
}
