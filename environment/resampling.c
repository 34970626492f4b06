#include "environment/resampling.h"

#include <math.h>
#include <string.h>

static const double kaiser_beta = 7.857; /* 0.1102 (80 dB - 8.7) */
enum { ZERO_CROSSINGS = 32 };

/* Bessel's I0, by its series. */
static double bessel_i0(double x)
{
    double term = 1.0, sum = 1.0, quarter = 0.25 * x * x;
    for (int k = 1; k < 64 && term > 1e-16 * sum; k++) {
        term *= quarter / ((double)k * k);
        sum += term;
    }
    return sum;
}

static double kernel(double t_s, double cut_hz)
{
    double crossings = 2.0 * cut_hz * t_s;
    double place = crossings / ZERO_CROSSINGS;
    if (fabs(place) >= 1.0) {
        return 0.0;
    }
    double window = bessel_i0(kaiser_beta * sqrt(1.0 - place * place)) / bessel_i0(kaiser_beta);
    double x = M_PI * crossings;
    return window * (fabs(x) > 1e-9 ? sin(x) / x : 1.0);
}

static int same_step(double a_s, double b_s)
{
    return fabs(a_s - b_s) <= 1e-9 * b_s;
}

size_t aft_resampled_length(size_t n, double dt_in_s, double dt_out_s)
{
    if (n == 0 || same_step(dt_in_s, dt_out_s)) {
        return n;
    }
    return (size_t)floor((double)(n - 1) * dt_in_s / dt_out_s + 1e-9) + 1;
}

void aft_resample(double *out, double dt_out_s, const double *in, size_t n, double dt_in_s)
{
    if (same_step(dt_in_s, dt_out_s)) {
        memcpy(out, in, n * sizeof *out);
        return;
    }
    double cut_hz = 0.45 / fmax(dt_in_s, dt_out_s);
    double reach_s = ZERO_CROSSINGS / (2.0 * cut_hz);
    size_t length = aft_resampled_length(n, dt_in_s, dt_out_s);
    for (size_t i = 0; i < length; i++) {
        double t = (double)i * dt_out_s, sum = 0.0;
        /* Beyond its ends the record is at rest: those samples count as zeros. */
        double first = ceil((t - reach_s) / dt_in_s), last = floor((t + reach_s) / dt_in_s);
        size_t from = first > 0.0 ? (size_t)first : 0;
        size_t to = last < (double)(n - 1) ? (size_t)last : n - 1;
        for (size_t j = from; j <= to; j++) {
            sum += in[j] * kernel(t - (double)j * dt_in_s, cut_hz);
        }
        out[i] = sum * 2.0 * cut_hz * dt_in_s;
    }
}
