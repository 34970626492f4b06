#include "report/statistics.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 2000 };
static const double tail = 0.025;

struct member { /* a value, its set, and where in the sorted array that set lies */
    double value;
    int stratum;
    size_t first, count;
};

struct bootstrap {
    struct member *members; /* [n], by set */
    double *sample, *lots;  /* [n] */
    double *means, *iqms;   /* [RESAMPLES] */
    size_t n;
};

static int by_stratum(const void *a, const void *b)
{
    const struct member *one = a, *other = b;
    if (one->stratum != other->stratum) {
        return one->stratum < other->stratum ? -1 : 1;
    }
    return (one->value > other->value) - (one->value < other->value);
}

static int by_value(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    return sum / (double)n;
}

/* Sorts the values. */
static double interquartile_mean(double *values, size_t n)
{
    size_t cut = n / 4;
    qsort(values, n, sizeof *values, by_value);
    return mean_of(values + cut, n - 2 * cut);
}

/* Of sorted values, linear between them. */
static double quantile(const double *sorted, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t below = (size_t)at;
    double rest = at - (double)below;
    return below + 1 < n ? sorted[below] + rest * (sorted[below + 1] - sorted[below])
                         : sorted[n - 1];
}

static void group(struct bootstrap *b, const double *values, const int *stratum)
{
    for (size_t i = 0; i < b->n; i++) {
        b->members[i] =
            (struct member){.value = values[i], .stratum = stratum != NULL ? stratum[i] : 0};
    }
    qsort(b->members, b->n, sizeof *b->members, by_stratum);
    for (size_t first = 0, end = 0; first < b->n; first = end) {
        while (end < b->n && b->members[end].stratum == b->members[first].stratum) {
            end++;
        }
        for (size_t i = first; i < end; i++) {
            b->members[i].first = first;
            b->members[i].count = end - first;
        }
    }
}

static void resample(struct bootstrap *b, uint64_t seed)
{
    struct aft_random_key key = aft_random_key(seed, 0, AFT_RANDOM_BOOTSTRAP);
    for (uint32_t r = 0; r < RESAMPLES; r++) {
        aft_random_uniform(b->lots, b->n, key, r, 0, 0);
        for (size_t i = 0; i < b->n; i++) {
            const struct member *m = &b->members[i];
            size_t lot = (size_t)(b->lots[i] * (double)m->count);
            b->sample[i] = b->members[m->first + (lot < m->count ? lot : m->count - 1)].value;
        }
        b->means[r] = mean_of(b->sample, b->n);
        b->iqms[r] = interquartile_mean(b->sample, b->n);
    }
    qsort(b->means, RESAMPLES, sizeof *b->means, by_value);
    qsort(b->iqms, RESAMPLES, sizeof *b->iqms, by_value);
}

static void fill(struct aft_statistics *s, struct bootstrap *b)
{
    for (size_t i = 0; i < b->n; i++) {
        b->sample[i] = b->members[i].value;
    }
    *s = (struct aft_statistics){
        .n = b->n,
        .mean = mean_of(b->sample, b->n),
        .mean_low = quantile(b->means, RESAMPLES, tail),
        .mean_high = quantile(b->means, RESAMPLES, 1.0 - tail),
        .iqm = interquartile_mean(b->sample, b->n),
        .iqm_low = quantile(b->iqms, RESAMPLES, tail),
        .iqm_high = quantile(b->iqms, RESAMPLES, 1.0 - tail),
    };
    s->worst = b->sample[b->n - 1]; /* sorted by now */
}

static enum aft_code check(const double *values, size_t n, struct aft_error *error)
{
    if (n == 0) {
        return aft_fail(error, AFT_ERR_USAGE, "statistics: there are no values");
    }
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) {
            return aft_fail(error, AFT_ERR_USAGE, "statistics: value %zu is %g", i, values[i]);
        }
    }
    return AFT_OK;
}

enum aft_code aft_statistics_of(struct aft_statistics *statistics, const double *values,
                                const int *stratum, size_t n, uint64_t seed,
                                struct aft_error *error)
{
    enum aft_code code = check(values, n, error);
    if (code != AFT_OK) {
        return code;
    }
    struct bootstrap b = {.n = n, .members = calloc(n, sizeof *b.members)};
    b.sample = calloc(2 * n + (size_t)2 * RESAMPLES, sizeof *b.sample);
    if (b.members == NULL || b.sample == NULL) {
        code = aft_fail(error, AFT_ERR_MEMORY, "statistics of %zu values: out of memory", n);
    } else {
        b.lots = b.sample + n;
        b.means = b.lots + n;
        b.iqms = b.means + RESAMPLES;
        group(&b, values, stratum);
        resample(&b, seed);
        fill(statistics, &b);
    }
    free(b.members);
    free(b.sample);
    return code;
}
