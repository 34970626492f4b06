#include "environment/stochastic_motion.h"

#include "base/lanes.h"
#include "base/simd.h"
#include "base/vector_math.h"
#include "environment/fourier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double density_g_cm3 = 2.8, velocity_km_s = 3.5;
static const double low_cut_hz = 0.05, low_cut_pad_s = 10.0;
enum { SMALLEST_LOG2 = 8, LARGEST_LOG2 = AFT_FOURIER_LARGEST_LOG2, LANES = 16 };

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

/* The window is exp(offset + b log x - c x), x = t/tη: a x^b e^(-cx) with a = (e/ε)^b. */
struct window {
    double offset, b, c;
};

static struct window window_constants(void)
{
    const double epsilon = 0.2, eta = 0.05;
    const double b = -epsilon * log(eta) / (1.0 + epsilon * (log(epsilon) - 1.0));
    return (struct window){b * (1.0 - log(epsilon)), b, b / epsilon};
}

double aft_source_window(double t_s, double t_eta_s)
{
    struct window w = window_constants();
    double x = t_s / t_eta_s;
    return t_s <= 0.0 || t_s > t_eta_s ? 0.0 : exp(w.offset + w.b * log(x) - w.c * x);
}

struct aft_stochastic {
    double dt_s;
    size_t samples;   /* of the longest motion */
    int largest_log2; /* the longest transform is 2^largest_log2 */
    struct aft_fourier *fourier;
    float *f_to_055, *site; /* at multiples of the longest transform's frequency step */
    float *log_t;           /* of the samples' times after the lead; 0 where there is no window */
    float *time;
    float *factor; /* of the spectrum, by frequency */
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

static enum aft_code make_buffers(struct aft_stochastic *w, struct aft_error *error)
{
    size_t size = (size_t)1 << w->largest_log2, half = size / 2 + 1;
    w->f_to_055 = calloc(half, sizeof *w->f_to_055);
    w->site = calloc(half, sizeof *w->site);
    w->log_t = calloc(w->samples, sizeof *w->log_t);
    w->time = calloc(size, sizeof *w->time);
    w->factor = calloc(half, sizeof *w->factor);
    if (w->f_to_055 == NULL || w->site == NULL || w->log_t == NULL || w->time == NULL ||
        w->factor == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "stochastic motions: out of memory");
    }
    for (size_t i = 1; i < half; i++) {
        double f = (double)i / ((double)size * w->dt_s);
        w->f_to_055[i] = (float)pow(f, 0.55);
        w->site[i] = (float)site_and_low_cut(f);
    }
    for (size_t i = 0; i < w->samples; i++) {
        double t = (double)i * w->dt_s - AFT_SOURCE_LEAD_S;
        w->log_t[i] = t > 0.0 ? (float)log(t) : 0.0F;
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
    enum aft_code code = aft_fourier_create(&made->fourier, log2_size, error);
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
    aft_fourier_destroy(workspace->fourier);
    free(workspace->f_to_055);
    free(workspace->site);
    free(workspace->log_t);
    free(workspace->time);
    free(workspace->factor);
    free(workspace);
}

size_t aft_stochastic_samples(const struct aft_stochastic *workspace)
{
    return workspace->samples;
}

struct windowing { /* of samples first … end - 1, where the window is above 0 */
    float *time;
    const float *log_t;
    size_t first, end;
    float dt_s, offset, b, c_1_s; /* exp(offset + b log t - c_1_s t) */
    double squares;               /* out: Σ of the windowed noise's squares */
};

static inline void apply_window(struct windowing *w)
{
    float at[LANES], log_t[LANES], x[LANES];
    aft_f32x8 squares = aft_all8(0.0F);
    for (size_t i = w->first; i < w->end; i += LANES) {
        size_t n = w->end - i < LANES ? w->end - i : LANES;
        memset(x, 0, sizeof x);
        memset(log_t, 0, sizeof log_t);
        memcpy(x, w->time + i, n * sizeof *x);
        memcpy(log_t, w->log_t + i, n * sizeof *log_t);
        for (int j = 0; j < LANES; j++) {
            at[j] = (float)((int32_t)i + j) * w->dt_s - (float)AFT_SOURCE_LEAD_S;
            x[j] *= aft_exp_f32(w->offset + w->b * log_t[j] - w->c_1_s * at[j]);
        }
        squares += aft_load8(x) * aft_load8(x);
        squares += aft_load8(x + LANES / 2) * aft_load8(x + LANES / 2);
        memcpy(w->time + i, x, n * sizeof *x);
    }
    w->squares = 0.0;
    for (int j = 0; j < LANES / 2; j++) {
        w->squares += (double)squares[j];
    }
}

static void multiply_by_window(struct windowing *windowing);
AFT_SIMD_FUNCTION(multiply_by_window, (struct windowing * windowing), apply_window, (windowing))

/* Noise times window into time[0…size), zeros elsewhere; the root of its squares' sum. */
static double fill_time(struct aft_stochastic *w, size_t size, size_t n, double t_eta_s)
{
    struct window window = window_constants();
    size_t first = (size_t)(AFT_SOURCE_LEAD_S / w->dt_s) + 1;
    while (first > 0 && (double)(first - 1) * w->dt_s > AFT_SOURCE_LEAD_S) {
        first--;
    }
    size_t end = first;
    while (end < n && (double)end * w->dt_s - AFT_SOURCE_LEAD_S <= t_eta_s) {
        end++;
    }
    memset(w->time, 0, (first < size ? first : size) * sizeof *w->time);
    if (end < size) {
        memset(w->time + end, 0, (size - end) * sizeof *w->time);
    }
    struct windowing windowing = {.time = w->time,
                                  .log_t = w->log_t,
                                  .first = first,
                                  .end = end,
                                  .dt_s = (float)w->dt_s,
                                  .offset = (float)(window.offset - window.b * log(t_eta_s)),
                                  .b = (float)window.b,
                                  .c_1_s = (float)(window.c / t_eta_s)};
    multiply_by_window(&windowing);
    return sqrt(windowing.squares);
}

struct shaping { /* factor[i] = A(i df) unit, i = 0 … n - 1 */
    float *factor;
    const float *f_to_055, *site; /* a stride apart */
    size_t n, stride;
    float df_hz, scale, per_corner_s, path, kappa;
};

static inline void fill_factor(struct shaping *s)
{
    float a[LANES];
    for (size_t i = 0; i < s->n; i += LANES) {
        size_t n = s->n - i < LANES ? s->n - i : LANES;
        float f_to_055[LANES] = {0.0F}, site[LANES] = {0.0F};
        for (size_t j = 0; j < n; j++) {
            f_to_055[j] = s->f_to_055[(i + j) * s->stride];
            site[j] = s->site[(i + j) * s->stride];
        }
        for (int j = 0; j < LANES; j++) {
            float f = (float)((int32_t)i + j) * s->df_hz, corner = f * s->per_corner_s;
            a[j] = s->scale * f * f / (1.0F + corner * corner) * site[j] *
                   aft_exp_f32(-s->path * f_to_055[j] - s->kappa * f);
        }
        memcpy(s->factor + i, a, n * sizeof *a);
    }
}

static void shape(struct shaping *shaping);
AFT_SIMD_FUNCTION(shape, (struct shaping * shaping), fill_factor, (shaping))

/* rms: of the transform's values, which by Parseval is the root of the squares' sum. */
static void make_factor(struct aft_stochastic *w, int log2_size, double rms,
                        const struct spectrum *spectrum)
{
    size_t size = (size_t)1 << log2_size;
    double unit = rms > 0.0 ? 1.0 / (rms * w->dt_s * (double)size) : 0.0;
    struct shaping shaping = {.factor = w->factor,
                              .f_to_055 = w->f_to_055,
                              .site = w->site,
                              .n = size / 2 + 1,
                              .stride = (size_t)1 << (w->largest_log2 - log2_size),
                              .df_hz = (float)(1.0 / ((double)size * w->dt_s)),
                              .scale = (float)(unit * spectrum->scale_m_s),
                              .per_corner_s = (float)(1.0 / spectrum->corner_hz),
                              .path = (float)spectrum->path,
                              .kappa = (float)spectrum->kappa};
    shape(&shaping);
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

    aft_random_normal_f32(w->time, samples, key, stream[0], stream[1], 0);
    double rms = fill_time(w, size, samples, aft_source_window_length_s(source));
    make_factor(w, log2_size, rms, &spectrum);
    aft_fourier_filter(w->time, log2_size, w->factor, w->fourier);
    for (size_t i = 0; i < samples; i++) {
        acceleration_m_s2[i] = w->time[i];
    }
    *n = samples;
}
