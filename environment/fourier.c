#include "environment/fourier.h"

#include "base/lanes.h"
#include "base/simd.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 8 };

/*
 * One size's tables. A step of radix 4 over sequences of length n, at stride s
 * (n s = size), needs exp(-2πi k p/n), k = 1…3, p < n/4. The steps with s < LANES
 * hold them for every (p, the s numbers at it) one after another, so that lanes
 * run along both; the others once for each p.
 */
struct tables {
    float *turn; /* [2][size + 1]: exp(-2πi k/(2 size)), for the real signal */
    float *step; /* all steps': [3][2][entries] each */
};

struct aft_fourier {
    int largest_log2;                                       /* of the real signal */
    struct tables tables[AFT_FOURIER_LARGEST_LOG2 + 1];     /* by log2 of the complex size */
    float *real, *imaginary, *other_real, *other_imaginary; /* [largest size / 2 + 1] */
};

static size_t entries_of_step(size_t size, size_t stride)
{
    return stride < LANES ? size / 4 : size / 4 / stride;
}

static size_t step_floats(size_t size)
{
    size_t floats = 0;
    for (size_t stride = 1; size / stride >= 4; stride *= 4) {
        floats += 6 * entries_of_step(size, stride);
    }
    return floats;
}

static void fill_step(float *table, size_t size, size_t stride)
{
    size_t entries = entries_of_step(size, stride), repeat = stride < LANES ? stride : 1;
    double unit = -2.0 * M_PI * (double)stride / (double)size;
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < entries; i++) {
            double angle = unit * (double)((k + 1) * (i / repeat));
            table[2 * k * entries + i] = (float)cos(angle);
            table[(2 * k + 1) * entries + i] = (float)sin(angle);
        }
    }
}

static bool fill_tables(struct tables *tables, size_t size)
{
    tables->turn = calloc(2 * (size + 1), sizeof *tables->turn);
    tables->step = calloc(step_floats(size), sizeof *tables->step);
    if (tables->turn == NULL || tables->step == NULL) {
        return false;
    }
    for (size_t k = 0; k <= size; k++) {
        tables->turn[k] = (float)cos(M_PI * (double)k / (double)size);
        tables->turn[size + 1 + k] = (float)-sin(M_PI * (double)k / (double)size);
    }
    float *at = tables->step;
    for (size_t stride = 1; size / stride >= 4; stride *= 4) {
        fill_step(at, size, stride);
        at += 6 * entries_of_step(size, stride);
    }
    return true;
}

enum aft_code aft_fourier_create(struct aft_fourier **fourier, int largest_log2,
                                 struct aft_error *error)
{
    *fourier = NULL;
    if (largest_log2 < AFT_FOURIER_SMALLEST_LOG2 || largest_log2 > AFT_FOURIER_LARGEST_LOG2) {
        return aft_fail(error, AFT_ERR_USAGE, "Fourier transform: size 2^%d, expected 2^%d to 2^%d",
                        largest_log2, AFT_FOURIER_SMALLEST_LOG2, AFT_FOURIER_LARGEST_LOG2);
    }
    struct aft_fourier *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "Fourier transform: out of memory");
    }
    size_t half = (size_t)1 << (largest_log2 - 1);
    made->largest_log2 = largest_log2;
    made->real = calloc(half + 1, sizeof(float));
    made->imaginary = calloc(half + 1, sizeof(float));
    made->other_real = calloc(half + 1, sizeof(float));
    made->other_imaginary = calloc(half + 1, sizeof(float));
    bool made_all = made->real != NULL && made->imaginary != NULL && made->other_real != NULL &&
                    made->other_imaginary != NULL;
    for (int i = AFT_FOURIER_SMALLEST_LOG2 - 1; i < largest_log2 && made_all; i++) {
        made_all = fill_tables(&made->tables[i], (size_t)1 << i);
    }
    if (!made_all) {
        aft_fourier_destroy(made);
        return aft_fail(error, AFT_ERR_MEMORY, "Fourier transform: out of memory");
    }
    *fourier = made;
    return AFT_OK;
}

void aft_fourier_destroy(struct aft_fourier *fourier)
{
    if (fourier == NULL) {
        return;
    }
    for (int i = 0; i <= AFT_FOURIER_LARGEST_LOG2; i++) {
        free(fourier->tables[i].turn);
        free(fourier->tables[i].step);
    }
    free(fourier->real);
    free(fourier->imaginary);
    free(fourier->other_real);
    free(fourier->other_imaginary);
    free(fourier);
}

struct complex8 {
    aft_f32x8 re, im;
};

static inline struct complex8 times(struct complex8 a, aft_f32x8 re, aft_f32x8 im)
{
    return (struct complex8){a.re * re - a.im * im, a.re * im + a.im * re};
}

static inline struct complex8 plus(struct complex8 a, struct complex8 b)
{
    return (struct complex8){a.re + b.re, a.im + b.im};
}

static inline struct complex8 minus(struct complex8 a, struct complex8 b)
{
    return (struct complex8){a.re - b.re, a.im - b.im};
}

struct parts { /* an array of complex numbers */
    float *re, *im;
};

static inline struct complex8 load(const struct parts *x, size_t i)
{
    return (struct complex8){aft_load8(x->re + i), aft_load8(x->im + i)};
}

/* Radix 4 at x[i], x[i + quarter], …, before the twiddles. */
static inline void butterfly(struct complex8 y[4], const struct parts *x, size_t i, size_t quarter)
{
    struct complex8 a = load(x, i), b = load(x, i + quarter);
    struct complex8 c = load(x, i + 2 * quarter), d = load(x, i + 3 * quarter);
    struct complex8 even = plus(a, c), odd = minus(a, c), sum = plus(b, d), gap = minus(b, d);
    struct complex8 turned = {-gap.im, gap.re}; /* i (b - d) */
    y[0] = plus(even, sum);
    y[1] = minus(odd, turned);
    y[2] = minus(even, sum);
    y[3] = plus(odd, turned);
}

/* y[(4 p + k) s + q] = values[k][lane], lane … = the q and p from i = p s + q on; s < LANES. */
static inline void scatter(const struct parts *y, size_t i, size_t stride,
                           const struct complex8 values[4])
{
    float re[4][LANES], im[4][LANES];
    for (int k = 0; k < 4; k++) {
        aft_store8(re[k], values[k].re);
        aft_store8(im[k], values[k].im);
    }
    for (size_t lane = 0; lane < LANES; lane += stride) {
        size_t to = (i + lane) * 4;
        for (size_t k = 0; k < 4; k++, to += stride) {
            memcpy(y->re + to, re[k] + lane, stride * sizeof(float));
            memcpy(y->im + to, im[k] + lane, stride * sizeof(float));
        }
    }
}

/* stride < LANES: 1 or 4, known where it is called. */
static inline void narrow_step(const struct parts *y, const struct parts *x, size_t size,
                               size_t stride, const float *table)
{
    size_t quarter = size / 4;
    for (size_t i = 0; i < quarter; i += LANES) {
        struct complex8 value[4];
        butterfly(value, x, i, quarter);
        for (size_t k = 1; k < 4; k++) {
            const float *turn = table + 2 * (k - 1) * quarter + i;
            value[k] = times(value[k], aft_load8(turn), aft_load8(turn + quarter));
        }
        scatter(y, i, stride, value);
    }
}

static inline void wide_step(const struct parts *y, const struct parts *x, size_t size,
                             size_t stride, const float *table)
{
    size_t quarter = size / 4, entries = quarter / stride;
    for (size_t p = 0; p < entries; p++) {
        for (size_t q = 0; q < stride; q += LANES) {
            struct complex8 value[4];
            size_t to = 4 * p * stride + q;
            butterfly(value, x, p * stride + q, quarter);
            for (size_t k = 1; k < 4; k++) {
                const float *turn = table + 2 * (k - 1) * entries + p;
                value[k] = times(value[k], aft_all8(turn[0]), aft_all8(turn[entries]));
            }
            for (size_t k = 0; k < 4; k++, to += stride) {
                aft_store8(y->re + to, value[k].re);
                aft_store8(y->im + to, value[k].im);
            }
        }
    }
}

/* The last step of radix 2, at stride size/2: no twiddles. */
static inline void pair_step(const struct parts *y, const struct parts *x, size_t size)
{
    size_t half = size / 2;
    for (size_t q = 0; q < half; q += LANES) {
        struct complex8 a = load(x, q), b = load(x, q + half);
        struct complex8 sum = plus(a, b), gap = minus(a, b);
        aft_store8(y->re + q, sum.re);
        aft_store8(y->im + q, sum.im);
        aft_store8(y->re + q + half, gap.re);
        aft_store8(y->im + q + half, gap.im);
    }
}

/* The transform of x, which ends in one of the two arrays: that one comes first. */
static inline void transform(struct parts arrays[2], size_t size, const float *table)
{
    size_t stride = 1;
    for (; size / stride >= 4; stride *= 4) {
        if (stride == 1) {
            narrow_step(&arrays[1], &arrays[0], size, 1, table);
        } else if (stride == 4) {
            narrow_step(&arrays[1], &arrays[0], size, 4, table);
        } else {
            wide_step(&arrays[1], &arrays[0], size, stride, table);
        }
        struct parts kept = arrays[0];
        arrays[0] = arrays[1];
        arrays[1] = kept;
        table += 6 * entries_of_step(size, stride);
    }
    if (size / stride == 2) {
        pair_step(&arrays[1], &arrays[0], size);
        struct parts kept = arrays[0];
        arrays[0] = arrays[1];
        arrays[1] = kept;
    }
}

/*
 * Z of the packed signal to the packed filtered one. With E and O the transforms
 * of the even and the odd samples, W = exp(-2πi k/N), S and D half the sum and half
 * the difference of the factors at k and N/2 - k:
 *     E' = S E + D W O,   O' = S O + D W* E.
 */
static inline void apply_factor(const struct parts *to, const struct parts *from, size_t size,
                                const float *factor, const float *turn)
{
    const float *cosine = turn, *sine = turn + size + 1;
    float s0 = 0.5F * (factor[0] + factor[size]), d0 = 0.5F * (factor[0] - factor[size]);
    for (size_t k = 1; k < size; k += LANES) { /* to one past the end */
        size_t mirror = size - k - (LANES - 1);
        struct complex8 here = load(from, k), there = load(from, mirror);
        there = (struct complex8){aft_reverse8(there.re), aft_reverse8(there.im)};
        aft_f32x8 at = aft_load8(factor + k), beyond = aft_reverse8(aft_load8(factor + mirror));
        struct complex8 even = {0.5F * (here.re + there.re), 0.5F * (here.im - there.im)};
        struct complex8 odd = {0.5F * (here.im + there.im), 0.5F * (there.re - here.re)};
        aft_f32x8 s = 0.5F * (at + beyond), d = 0.5F * (at - beyond);
        aft_f32x8 c = d * aft_load8(cosine + k), i = d * aft_load8(sine + k);
        struct complex8 turned_odd = times(odd, c, i), turned_even = times(even, c, -i);
        aft_store8(to->re + k, s * even.re + turned_odd.re - (s * odd.im + turned_even.im));
        aft_store8(to->im + k, s * even.im + turned_odd.im + (s * odd.re + turned_even.re));
    }
    to->re[0] = s0 * from->re[0] + d0 * from->im[0];
    to->im[0] = s0 * from->im[0] + d0 * from->re[0];
}

struct job {
    float *signal;
    const float *factor;
    const struct tables *tables;
    struct parts arrays[2];
    size_t size; /* complex */
};

static inline void pack(const struct parts *x, const float *signal, size_t size)
{
    float *restrict re = x->re, *restrict im = x->im;
    for (size_t i = 0; i < size; i++) {
        re[i] = signal[2 * i];
        im[i] = signal[2 * i + 1];
    }
}

static inline void unpack(float *restrict signal, const float *re, const float *im, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        signal[2 * i] = 2.0F * re[i];
        signal[2 * i + 1] = 2.0F * im[i];
    }
}

static inline void filter_signal(struct job *job)
{
    struct parts *arrays = job->arrays;
    pack(&arrays[0], job->signal, job->size);
    transform(arrays, job->size, job->tables->step);
    apply_factor(&arrays[1], &arrays[0], job->size, job->factor, job->tables->turn);
    /* The inverse: real and imaginary parts change places before and after. */
    struct parts shaped = {arrays[1].im, arrays[1].re}, spare = {arrays[0].im, arrays[0].re};
    arrays[0] = shaped;
    arrays[1] = spare;
    transform(arrays, job->size, job->tables->step);
    unpack(job->signal, arrays[0].im, arrays[0].re, job->size);
}

static void run_filter(struct job *job);
AFT_SIMD_FUNCTION(run_filter, (struct job * job), filter_signal, (job))

void aft_fourier_filter(float *signal, int log2_size, const float *factor,
                        struct aft_fourier *fourier)
{
    struct job job = {.signal = signal,
                      .factor = factor,
                      .tables = &fourier->tables[log2_size - 1],
                      .arrays = {{fourier->real, fourier->imaginary},
                                 {fourier->other_real, fourier->other_imaginary}},
                      .size = (size_t)1 << (log2_size - 1)};
    run_filter(&job);
}
