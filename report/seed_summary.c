#include "report/seed_summary.h"

#include "report/statistics.h"

#include <math.h>
#include <stdlib.h>

static const uint64_t resamples_seed = 0;

static void add_scatter(struct aft_seed_summary *summary, const double *values)
{
    double squares = 0.0;
    summary->least = summary->greatest = values[0];
    for (size_t i = 0; i < summary->n; i++) {
        double off = values[i] - summary->mean;
        squares += off * off;
        summary->least = fmin(summary->least, values[i]);
        summary->greatest = fmax(summary->greatest, values[i]);
    }
    if (summary->n > 1) {
        summary->sd = sqrt(squares / (double)(summary->n - 1));
    }
}

enum aft_code aft_seed_summary_of(struct aft_seed_summary *summary, const double *values, size_t n,
                                  struct aft_error *error)
{
    struct aft_statistics statistics = {0};
    enum aft_code code = AFT_OK;
    double *finite = calloc(n + 1, sizeof *finite);
    *summary = (struct aft_seed_summary){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    if (finite == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "statistics of %zu seeds: out of memory", n);
    }
    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i])) {
            finite[summary->n++] = values[i];
        }
    }
    if (summary->n > 0) {
        code = aft_statistics_of(&statistics, finite, NULL, summary->n, resamples_seed, error);
    }
    if (summary->n > 0 && code == AFT_OK) {
        summary->mean = statistics.mean;
        summary->iqm = statistics.iqm;
        summary->iqm_low = statistics.iqm_low;
        summary->iqm_high = statistics.iqm_high;
        add_scatter(summary, finite);
    }
    free(finite);
    return code;
}
