#include "environment/response_spectrum.h"

#include <math.h>

/* ∫ a² over the step from one sample to the next, a running linearly. */
static double step_integral(double a, double b, double dt_s)
{
    return (a * a + a * b + b * b) * dt_s / 3.0;
}

void aft_motion_summarise(struct aft_motion_summary *summary, const double *acceleration_m_s2,
                          size_t n, double dt_s)
{
    const double *a = acceleration_m_s2;
    double total = 0.0, peak = 0.0, sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        peak = fmax(peak, fabs(a[i]));
        total += i > 0 ? step_integral(a[i - 1], a[i], dt_s) : 0.0;
    }
    *summary = (struct aft_motion_summary){.pga_m_s2 = peak,
                                           .arias_m_s = M_PI / (2.0 * AFT_GRAVITY_M_S2) * total};
    int first_found = 0;
    for (size_t i = 1; i < n && total > 0.0; i++) {
        sum += step_integral(a[i - 1], a[i], dt_s);
        if (!first_found && sum >= 0.05 * total) {
            summary->strong_first = i;
            first_found = 1;
        }
        if (sum >= 0.95 * total) {
            summary->strong_last = i;
            break;
        }
    }
    summary->significant_s = (double)(summary->strong_last - summary->strong_first) * dt_s;
}

struct oscillator { /* (x, v)' = a (x, v) + b (a_k, a_k+1), over one step */
    double a[2][2], b[2][2];
};

/* Nigam & Jennings 1969, equations 2.7: the exact step of x'' + 2ζω x' + ω² x = -a(t). */
static struct oscillator oscillator(double w, double z, double dt)
{
    double wd = w * sqrt(1.0 - z * z), r = z / sqrt(1.0 - z * z);
    double e = exp(-z * w * dt), s = sin(wd * dt), c = cos(wd * dt);
    double w2 = w * w, w3 = w2 * w, p = (2.0 * z * z - 1.0) / (w2 * dt);
    double q = 2.0 * z / (w3 * dt);
    struct oscillator o;
    o.a[0][0] = e * (r * s + c);
    o.a[0][1] = e / wd * s;
    o.a[1][0] = -w / sqrt(1.0 - z * z) * e * s;
    o.a[1][1] = e * (c - r * s);
    o.b[0][0] = e * ((p + z / w) * s / wd + (q + 1.0 / w2) * c) - q;
    o.b[0][1] = -e * (p * s / wd + q * c) - 1.0 / w2 + q;
    o.b[1][0] =
        e * ((p + z / w) * (c - r * s) - (q + 1.0 / w2) * (wd * s + z * w * c)) + 1.0 / (w2 * dt);
    o.b[1][1] = -e * (p * (c - r * s) - q * (wd * s + z * w * c)) - 1.0 / (w2 * dt);
    return o;
}

double aft_spectral_acceleration_m_s2(const double *acceleration_m_s2, size_t n, double dt_s,
                                      double period_s, double damping_ratio)
{
    double w = 2.0 * M_PI / period_s;
    struct oscillator o = oscillator(w, damping_ratio, dt_s);
    size_t after = (size_t)ceil(period_s / dt_s);
    double x = 0.0, v = 0.0, peak = 0.0;
    for (size_t i = 0; i + 1 < n + after; i++) {
        double start = i < n ? acceleration_m_s2[i] : 0.0;
        double end = i + 1 < n ? acceleration_m_s2[i + 1] : 0.0;
        double moved = o.a[0][0] * x + o.a[0][1] * v + o.b[0][0] * start + o.b[0][1] * end;
        v = o.a[1][0] * x + o.a[1][1] * v + o.b[1][0] * start + o.b[1][1] * end;
        x = moved;
        peak = fmax(peak, fabs(x));
    }
    return w * w * peak;
}
