#include "environment/stochastic_motion.h"

#include <kiss_fftr.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double density_g_cm3 = 2.8, velocity_km_s = 3.5;
static const double low_cut_hz = 0.05, low_cut_pad_s = 10.0;
enum { SMALLEST_LOG2 = 8, LARGEST_LOG2 = 20 };

/* What of A(f) does not depend on f. */
struct spectrum {
    double scale_m_s; /* C M0 (2π)² Z */
    double corner_hz;
    double path;  /* π R/(180 β), times f^0.55 */
    double kappa; /* π κ, times f */
};

static double moment_dyn_cm(const struct aft_source *source)
{
    return pow(10.0, 1.5 * source->magnitude + 16.05);
}

double aft_source_corner_hz(const struct aft_source *source)
{
    return 4.9e6 * velocity_km_s * cbrt(source->stress_drop_bar / moment_dyn_cm(source));
}

/* Of body waves, then of surface waves: the one that Q belongs to. */
static double spreading(double distance_km)
{
    const double crossover_km = 40.0;
    return distance_km <= crossover_km ? 1.0 / distance_km : 1.0 / sqrt(crossover_km * distance_km);
}

static struct spectrum spectrum_of(const struct aft_source *source)
{
    double beta = velocity_km_s;
    double c = 0.55 * 0.707 * 2.0 / (4.0 * M_PI * density_g_cm3 * beta * beta * beta) * 1e-20;
    double centimetre = 0.01;
    return (struct spectrum){
        .scale_m_s = centimetre * c * moment_dyn_cm(source) * 4.0 * M_PI * M_PI *
                     spreading(source->distance_km),
        .corner_hz = aft_source_corner_hz(source),
        .path = M_PI * source->distance_km / (180.0 * beta),
        .kappa = M_PI * source->kappa_s,
    };
}

/* Boore & Joyner 1997, table 4: generic rock, log-log between the points. */
static double site_amplification(double f_hz)
{
    static const double f[] = {.01, .09, .16, .51, .84, 1.25, 2.26, 3.17, 6.05, 16.6, 61.2};
    static const double a[] = {1., 1.10, 1.18, 1.42, 1.58, 1.74, 2.06, 2.25, 2.58, 3.13, 4.00};
    enum { N = sizeof f / sizeof *f };
    if (f_hz <= f[0]) {
        return a[0];
    }
    for (int i = 1; i < N; i++) {
        if (f_hz <= f[i]) {
            double share = log(f_hz / f[i - 1]) / log(f[i] / f[i - 1]);
            return a[i - 1] * pow(a[i] / a[i - 1], share);
        }
    }
    return a[N - 1];
}

/* The part of A(f) that is the same for all sources: site and low cut. */
static double site_and_low_cut(double f_hz)
{
    double ratio = low_cut_hz / f_hz;
    double fourth = ratio * ratio * ratio * ratio;
    return site_amplification(f_hz) / sqrt(1.0 + fourth * fourth);
}

static double amplitude(const struct spectrum *s, double f, double f_to_055, double site)
{
    double corner = f / s->corner_hz;
    return s->scale_m_s * f * f / (1.0 + corner * corner) * site *
           exp(-s->path * f_to_055 - s->kappa * f);
}

double aft_source_amplitude_m_s(const struct aft_source *source, double f_hz)
{
    struct spectrum s = spectrum_of(source);
    return amplitude(&s, f_hz, pow(f_hz, 0.55), site_and_low_cut(f_hz));
}

double aft_source_window_length_s(const struct aft_source *source)
{
    return 2.0 * (1.0 / aft_source_corner_hz(source) + 0.05 * source->distance_km);
}

double aft_source_duration_s(const struct aft_source *source)
{
    return aft_source_window_length_s(source) + 2.0 * AFT_SOURCE_LEAD_S;
}

double aft_source_window(double t_s, double t_eta_s)
{
    const double epsilon = 0.2, eta = 0.05;
    const double b = -epsilon * log(eta) / (1.0 + epsilon * (log(epsilon) - 1.0));
    const double c = b / epsilon;
    if (t_s <= 0.0 || t_s > t_eta_s) {
        return 0.0;
    }
    /* a x^b e^(-cx) with a = (e/ε)^b, in one exponential */
    double x = t_s / t_eta_s;
    return exp(b * (1.0 - log(epsilon) + log(x)) - c * x);
}

struct aft_stochastic {
    double dt_s;
    size_t samples;   /* of the longest motion */
    int largest_log2; /* the longest transform is 2^largest_log2 */
    kiss_fftr_cfg forward[LARGEST_LOG2 + 1], inverse[LARGEST_LOG2 + 1];
    double *f_to_055, *site; /* at multiples of the longest transform's frequency step */
    double *noise;
    float *time;
    kiss_fft_cpx *frequency;
};

static int log2_for(double duration_s, double dt_s)
{
    double samples = (duration_s + low_cut_pad_s) / dt_s;
    int log2_size = SMALLEST_LOG2;
    while (log2_size <= LARGEST_LOG2 && ldexp(1.0, log2_size) < samples) {
        log2_size++;
    }
    return log2_size;
}

static enum aft_code make_plans(struct aft_stochastic *w, struct aft_error *error)
{
    for (int i = SMALLEST_LOG2; i <= w->largest_log2; i++) {
        w->forward[i] = kiss_fftr_alloc(1 << i, 0, NULL, NULL);
        w->inverse[i] = kiss_fftr_alloc(1 << i, 1, NULL, NULL);
        if (w->forward[i] == NULL || w->inverse[i] == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "stochastic motions: out of memory");
        }
    }
    return AFT_OK;
}

static enum aft_code make_buffers(struct aft_stochastic *w, struct aft_error *error)
{
    size_t size = (size_t)1 << w->largest_log2, half = size / 2 + 1;
    w->f_to_055 = calloc(half, sizeof *w->f_to_055);
    w->site = calloc(half, sizeof *w->site);
    w->noise = calloc(w->samples, sizeof *w->noise);
    w->time = calloc(size, sizeof *w->time);
    w->frequency = calloc(half, sizeof *w->frequency);
    if (w->f_to_055 == NULL || w->site == NULL || w->noise == NULL || w->time == NULL ||
        w->frequency == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "stochastic motions: out of memory");
    }
    for (size_t i = 1; i < half; i++) {
        double f = (double)i / ((double)size * w->dt_s);
        w->f_to_055[i] = pow(f, 0.55);
        w->site[i] = site_and_low_cut(f);
    }
    return AFT_OK;
}

enum aft_code aft_stochastic_create(struct aft_stochastic **workspace, double longest_s,
                                    double dt_s, struct aft_error *error)
{
    *workspace = NULL;
    int log2_size = dt_s > 0.0 && longest_s >= 0.0 ? log2_for(longest_s, dt_s) : LARGEST_LOG2 + 1;
    if (log2_size > LARGEST_LOG2) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "stochastic motions of %g s in steps of %g s: more than %d samples",
                        longest_s, dt_s, 1 << LARGEST_LOG2);
    }
    struct aft_stochastic *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "stochastic motions: out of memory");
    }
    made->dt_s = dt_s;
    made->samples = (size_t)(longest_s / dt_s) + 2;
    made->largest_log2 = log2_size;
    enum aft_code code = make_plans(made, error);
    if (code == AFT_OK) {
        code = make_buffers(made, error);
    }
    if (code != AFT_OK) {
        aft_stochastic_destroy(made);
        return code;
    }
    *workspace = made;
    return AFT_OK;
}

void aft_stochastic_destroy(struct aft_stochastic *workspace)
{
    if (workspace == NULL) {
        return;
    }
    for (int i = 0; i <= LARGEST_LOG2; i++) {
        kiss_fftr_free(workspace->forward[i]);
        kiss_fftr_free(workspace->inverse[i]);
    }
    free(workspace->f_to_055);
    free(workspace->site);
    free(workspace->noise);
    free(workspace->time);
    free(workspace->frequency);
    free(workspace);
}

size_t aft_stochastic_samples(const struct aft_stochastic *workspace)
{
    return workspace->samples;
}

/* Noise times window into time[0…size), zeros after it. */
static void fill_time(struct aft_stochastic *w, size_t size, size_t n, double t_eta_s)
{
    memset(w->time, 0, size * sizeof *w->time);
    for (size_t i = 0; i < n; i++) {
        double t = (double)i * w->dt_s - AFT_SOURCE_LEAD_S;
        w->time[i] = (float)(w->noise[i] * aft_source_window(t, t_eta_s));
    }
}

static double root_mean_square(const kiss_fft_cpx *frequency, size_t size)
{
    double sum = 0.0;
    for (size_t i = 0; i <= size / 2; i++) {
        double twice = i == 0 || i == size / 2 ? 1.0 : 2.0;
        sum += twice *
               ((double)frequency[i].r * frequency[i].r + (double)frequency[i].i * frequency[i].i);
    }
    return sqrt(sum / (double)size);
}

static void shape_spectrum(struct aft_stochastic *w, int log2_size, const struct spectrum *spectrum)
{
    size_t size = (size_t)1 << log2_size;
    size_t stride = (size_t)1 << (w->largest_log2 - log2_size);
    double rms = root_mean_square(w->frequency, size);
    double unit = rms > 0.0 ? 1.0 / (rms * w->dt_s * (double)size) : 0.0;
    w->frequency[0] = (kiss_fft_cpx){0.0F, 0.0F};
    for (size_t i = 1; i <= size / 2; i++) {
        double f = (double)i / ((double)size * w->dt_s);
        double a = unit * amplitude(spectrum, f, w->f_to_055[i * stride], w->site[i * stride]);
        w->frequency[i].r = (float)(w->frequency[i].r * a);
        w->frequency[i].i = (float)(w->frequency[i].i * a);
    }
}

void aft_stochastic_generate(double *acceleration_m_s2, size_t *n, struct aft_stochastic *workspace,
                             const struct aft_source *source, struct aft_random_key key,
                             const uint32_t stream[2])
{
    struct aft_stochastic *w = workspace;
    double duration_s = aft_source_duration_s(source);
    double limit_s = (double)(w->samples - 1) * w->dt_s;
    size_t samples = duration_s < limit_s ? (size_t)(duration_s / w->dt_s) + 1 : w->samples;
    int log2_size = log2_for((double)samples * w->dt_s, w->dt_s);
    log2_size = log2_size < w->largest_log2 ? log2_size : w->largest_log2;
    size_t size = (size_t)1 << log2_size;
    struct spectrum spectrum = spectrum_of(source);

    aft_random_normal(w->noise, samples, key, stream[0], stream[1], 0);
    fill_time(w, size, samples, aft_source_window_length_s(source));
    kiss_fftr(w->forward[log2_size], w->time, w->frequency);
    shape_spectrum(w, log2_size, &spectrum);
    kiss_fftri(w->inverse[log2_size], w->frequency, w->time);
    for (size_t i = 0; i < samples; i++) {
        acceleration_m_s2[i] = w->time[i];
    }
    *n = samples;
}
