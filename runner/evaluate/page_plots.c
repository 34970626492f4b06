#include "runner/evaluate/page_plots.h"

#include "environment/response_spectrum.h"

#include <math.h>
#include <stdlib.h>

enum { N_PERIODS = 80 };
static const double shortest_s = 0.05, longest_s = 5, damping_ratio = 0.05;

int aft_page_controllers(enum aft_compared *who, const struct aft_comparison *comparison)
{
    int n = 0;
    for (int c = 0; c < AFT_N_COMPARED; c++) {
        if (aft_comparison_has(comparison, (enum aft_compared)c)) {
            who[n++] = (enum aft_compared)c;
        }
    }
    return n;
}

static enum aft_code no_memory(struct aft_error *error)
{
    return aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
}

/* --- drift over the height --- */

static enum aft_code fill_profile(struct aft_html_set *set, struct aft_page_memory *memory,
                                  const struct aft_comparison *comparison, struct aft_error *error)
{
    enum aft_compared who[AFT_N_COMPARED];
    int n = aft_page_controllers(who, comparison), motions = comparison->motions.n;
    int floors = comparison->setup.config.building.floors;
    const double **profiles = aft_page_array(memory, (size_t)n, sizeof *profiles);
    double *values = aft_page_array(memory, (size_t)n * (size_t)floors, sizeof *values);
    if (profiles == NULL || values == NULL) {
        return no_memory(error);
    }
    for (int c = 0; c < n; c++) {
        profiles[c] = values + (ptrdiff_t)c * floors;
        for (int i = 0; i < motions * floors; i++) {
            const struct aft_response *response =
                aft_comparison_response(comparison, i / floors, who[c]);
            values[c * floors + i % floors] +=
                100 * response->storey_peak_drift[i % floors] / motions;
        }
    }
    set->floors = floors;
    set->storey_drift = profiles;
    return AFT_OK;
}

/* --- response spectra --- */

struct spectra_task {
    const struct aft_comparison *comparison;
    const double *period_s;
    double *values; /* [motions][N_PERIODS] */
};

static void spectrum_of(void *context, int task, int thread)
{
    const struct spectra_task *spectra = context;
    const struct aft_motion *motion = &spectra->comparison->motions.motions[task].motion;
    (void)thread;
    for (int p = 0; p < N_PERIODS; p++) {
        spectra->values[task * N_PERIODS + p] =
            aft_spectral_acceleration_m_s2(motion->acceleration_m_s2, motion->n, motion->dt_s,
                                           spectra->period_s[p], damping_ratio) /
            AFT_GRAVITY_M_S2;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void take_medians(double *median, double *column, const double *values, int motions)
{
    for (int p = 0; p < N_PERIODS; p++) {
        for (int i = 0; i < motions; i++) {
            column[i] = values[(size_t)i * N_PERIODS + (size_t)p];
        }
        qsort(column, (size_t)motions, sizeof *column, ascending);
        median[p] = 0.5 * (column[(motions - 1) / 2] + column[motions / 2]);
    }
}

static enum aft_code fill_spectra(struct aft_html_set *set, struct aft_page_memory *memory,
                                  const struct aft_comparison *comparison, struct aft_error *error)
{
    int motions = comparison->motions.n;
    size_t n = (size_t)motions;
    struct aft_html_spectra *spectra = aft_page_array(memory, 1, sizeof *spectra);
    double *period = aft_page_array(memory, (size_t)2 * N_PERIODS, sizeof *period);
    double *values = aft_page_array(memory, (n + 1) * N_PERIODS, sizeof *values);
    const double **rows = aft_page_array(memory, n, sizeof *rows);
    if (spectra == NULL || period == NULL || values == NULL || rows == NULL) {
        return no_memory(error);
    }
    for (int p = 0; p < N_PERIODS; p++) {
        period[p] = shortest_s * pow(longest_s / shortest_s, (double)p / (N_PERIODS - 1));
    }
    struct spectra_task task = {comparison, period, values};
    aft_thread_pool_run(comparison->evaluation.pool, motions, spectrum_of, &task);
    for (size_t i = 0; i < n; i++) {
        rows[i] = values + i * N_PERIODS;
    }
    double *column = aft_page_array(memory, n, sizeof *column);
    if (column == NULL) {
        return no_memory(error);
    }
    take_medians(period + N_PERIODS, column, values, motions);
    *spectra = (struct aft_html_spectra){.period_s = period,
                                         .n_periods = N_PERIODS,
                                         .motions_g = rows,
                                         .n_motions = motions,
                                         .median_g = period + N_PERIODS,
                                         .first_period_s = comparison->first_period_s};
    set->spectra = spectra;
    return AFT_OK;
}

/* --- time histories --- */

static bool is_in_histories(const struct aft_comparison *comparison, enum aft_compared who)
{
    enum aft_compared law =
        aft_comparison_has(comparison, AFT_COMPARED_LQG) ? AFT_COMPARED_LQG : AFT_COMPARED_LQR;
    return who == AFT_COMPARED_PASSIVE || who == law || who == AFT_COMPARED_POLICY;
}

struct lines { /* of a motion, by controller on the page */
    const double **roof_cm, **force_kn, **stroke_m;
};

static enum aft_code take_lines(struct lines *lines, int column, bool drives,
                                struct aft_page_memory *memory, const struct aft_history *history,
                                struct aft_error *error)
{
    double *roof = aft_page_array(memory, history->n, sizeof *roof);
    double *force = aft_page_array(memory, history->n, sizeof *force);
    double *stroke = aft_page_array(memory, history->n, sizeof *stroke);
    if (roof == NULL || force == NULL || stroke == NULL) {
        return no_memory(error);
    }
    for (size_t i = 0; i < history->n; i++) {
        roof[i] = 100 * history->roof_m[i];
        force[i] = 1e-3 * history->force_n[i];
        stroke[i] = history->stroke_m[i];
    }
    lines->roof_cm[column] = roof;
    lines->force_kn[column] = drives ? force : NULL;
    lines->stroke_m[column] = stroke;
    return AFT_OK;
}

static enum aft_code take_time(struct aft_html_history *to, struct aft_page_memory *memory,
                               const struct aft_history *from, struct aft_error *error)
{
    double *time = aft_page_array(memory, from->n, sizeof *time);
    double *ground = aft_page_array(memory, from->n, sizeof *ground);
    if (time == NULL || ground == NULL) {
        return no_memory(error);
    }
    for (size_t i = 0; i < from->n; i++) {
        time[i] = (double)i * from->dt_s;
        ground[i] = from->ground_m_s2[i] / AFT_GRAVITY_M_S2;
    }
    to->n = from->n;
    to->time_s = time;
    to->ground_g = ground;
    return AFT_OK;
}

static enum aft_code fill_history(struct aft_html_history *to, struct aft_page_memory *memory,
                                  const struct aft_comparison *comparison, int motion,
                                  struct aft_error *error)
{
    enum aft_compared who[AFT_N_COMPARED];
    int n = aft_page_controllers(who, comparison);
    struct lines lines = {aft_page_array(memory, (size_t)n, sizeof *lines.roof_cm),
                          aft_page_array(memory, (size_t)n, sizeof *lines.force_kn),
                          aft_page_array(memory, (size_t)n, sizeof *lines.stroke_m)};
    if (memory->failed) {
        return no_memory(error);
    }
    enum aft_code code = AFT_OK;
    for (int c = 0; c < n && code == AFT_OK; c++) {
        struct aft_history history = {0};
        if (!is_in_histories(comparison, who[c])) {
            continue;
        }
        code = aft_evaluate_history(&history, &comparison->evaluation, &comparison->motions, motion,
                                    &comparison->controllers[who[c]], error);
        if (code == AFT_OK && to->time_s == NULL) {
            code = take_time(to, memory, &history, error);
        }
        if (code == AFT_OK) {
            code = take_lines(&lines, c, who[c] != AFT_COMPARED_PASSIVE, memory, &history, error);
        }
        aft_history_clear(&history);
    }
    to->roof_cm = lines.roof_cm;
    to->force_kn = lines.force_kn;
    to->stroke_m = lines.stroke_m;
    return code;
}

static double policy_ratio(const struct aft_comparison *comparison, int motion)
{
    return aft_ratio(
        aft_comparison_response(comparison, motion, AFT_COMPARED_POLICY)->peak_drift_ratio,
        aft_comparison_response(comparison, motion, AFT_COMPARED_PASSIVE)->peak_drift_ratio);
}

/* The motion that has as many before it as the rank says, by the policy's ratio. */
static int motion_of_rank(const struct aft_comparison *comparison, int rank)
{
    for (int i = 0; i < comparison->motions.n; i++) {
        int before = 0;
        for (int j = 0; j < comparison->motions.n; j++) {
            double mine = policy_ratio(comparison, i), other = policy_ratio(comparison, j);
            before += other < mine || (other == mine && j < i);
        }
        if (before == rank) {
            return i;
        }
    }
    return 0;
}

static enum aft_code fill_histories(struct aft_html_set *set, struct aft_page_memory *memory,
                                    const struct aft_comparison *comparison,
                                    struct aft_error *error)
{
    int motions = comparison->motions.n, n = motions > 1 ? 2 : 1;
    const int ranks[2] = {(motions - 1) / 2, motions - 1};
    static const char *const which[2] = {"The median motion", "The worst motion"};
    struct aft_html_history *histories = aft_page_array(memory, 2, sizeof *histories);
    if (histories == NULL) {
        return no_memory(error);
    }
    enum aft_code code = AFT_OK;
    for (int i = 0; i < n && code == AFT_OK; i++) {
        int motion = motion_of_rank(comparison, ranks[i]);
        histories[i].title = aft_page_text(memory,
                                           "%s, %s: the policy's peak drift is %.2f of "
                                           "passive.",
                                           n == 1 ? "The motion" : which[i],
                                           comparison->motions.motions[motion].name,
                                           policy_ratio(comparison, motion));
        code = fill_history(&histories[i], memory, comparison, motion, error);
    }
    set->histories = histories;
    set->n_histories = n;
    return code;
}

enum aft_code aft_page_plots(struct aft_html_set *set, struct aft_page_memory *memory,
                             const struct aft_comparison *comparison, struct aft_error *error)
{
    if (comparison->motions.n == 0) {
        return AFT_OK;
    }
    enum aft_code code = fill_profile(set, memory, comparison, error);
    if (code == AFT_OK) {
        code = fill_spectra(set, memory, comparison, error);
    }
    return code == AFT_OK ? fill_histories(set, memory, comparison, error) : code;
}
