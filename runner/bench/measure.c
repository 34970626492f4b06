/* Rounds of SGEMM and work, and what becomes of them. */
#include "runner/bench/bench.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_ROUNDS = 16 };

typedef struct aft_bench_figure figures_of_round[AFT_BENCH_MAX_FIGURES];

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double aft_bench_median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_size);
    return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

enum aft_code aft_bench_add(struct aft_bench *bench, const struct aft_bench_result *result,
                            struct aft_error *error)
{
    if (bench->n_results == bench->capacity) {
        int capacity = 2 * bench->capacity + 16;
        struct aft_bench_result *grown =
            realloc(bench->results, (size_t)capacity * sizeof *bench->results);
        if (grown == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "measure: out of memory");
        }
        bench->results = grown;
        bench->capacity = capacity;
    }
    bench->results[bench->n_results++] = *result;
    return AFT_OK;
}

/* Medians of a figure over the rounds. The bound that is told is the one that goes with both
 * medians, value and fraction. */
static void settle(struct aft_bench_result *result, figures_of_round *figures, int k, int rounds)
{
    double values[MAX_ROUNDS] = {0}, fractions[MAX_ROUNDS] = {0};
    bool is_time = result->unit[0] == 'm' && result->unit[1] == 's';
    for (int i = 0; i < rounds; i++) {
        double value = figures[i][k].value, bound = figures[i][k].bound;
        values[i] = value;
        fractions[i] = is_time ? bound / value : value / bound;
    }
    result->value = aft_bench_median(values, rounds);
    result->spread = (values[rounds - 1] - values[0]) / result->value;
    result->bound = result->fraction = (double)NAN;
    if (isfinite(fractions[0])) {
        result->fraction = aft_bench_median(fractions, rounds);
        result->bound =
            is_time ? result->value * result->fraction : result->value / result->fraction;
    }
}

static enum aft_code run_rounds(struct aft_bench *bench, const struct aft_bench_subject *subject,
                                int threads, figures_of_round *figures, struct aft_error *error)
{
    bool arithmetic = subject->arithmetic && !bench->on_gpu;
    double nan = (double)NAN;
    /* Warm caches and pages; its figures are written over. */
    struct aft_bench_round warm_up = {0.2 * bench->burst_s, nan};
    enum aft_code code = subject->burst(subject->self, &warm_up, figures[0], error);
    double before = arithmetic ? aft_bench_sgemm_gflops(bench->machine, threads) : nan;
    for (int i = 0; i < bench->rounds && code == AFT_OK; i++) {
        struct aft_bench_round round = {bench->burst_s, before};
        code = subject->burst(subject->self, &round, figures[i], error);
        double after = arithmetic ? aft_bench_sgemm_gflops(bench->machine, threads) : nan;
        for (int k = 0; k < subject->n_figures && arithmetic; k++) {
            figures[i][k].bound *= 0.5 * (before + after) / before; /* bounds go with the peak */
        }
        before = after;
        if (aft_bench_stopped()) {
            return aft_fail(error, AFT_ERR_BUSY, "stopped");
        }
    }
    return code;
}

enum aft_code aft_bench_measure(struct aft_bench *bench, const struct aft_bench_subject *subject,
                                const struct aft_bench_result *labels, struct aft_error *error)
{
    figures_of_round figures[MAX_ROUNDS] = {{{0}}};
    enum aft_code code = run_rounds(bench, subject, labels[0].threads, figures, error);
    for (int k = 0; k < subject->n_figures && code == AFT_OK; k++) {
        struct aft_bench_result result = labels[k];
        settle(&result, figures, k, bench->rounds);
        code = aft_bench_add(bench, &result, error);
    }
    return code;
}
