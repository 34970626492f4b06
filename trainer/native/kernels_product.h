/*
 * The two matrix products, part of each table of kernels. A tile of the result
 * stays in registers while k runs: up to 6 rows by 64 columns where registers
 * hold 16 floats. Which tile an element falls into changes nothing in its sum.
 */
#ifndef VECTOR
#error "included by kernels_body.h"
#endif

#if defined(__AVX512F__)
enum { WIDE = 4, NARROW = 2, ROWS_OF_WIDE = 6, ROWS_OF_NARROW = 12, ROWS_OF_PRODUCT = 8 };
#elif defined(__AVX__)
enum { WIDE = 2, NARROW = 2, ROWS_OF_WIDE = 6, ROWS_OF_NARROW = 6, ROWS_OF_PRODUCT = 6 };
#else
enum { WIDE = 2, NARROW = 2, ROWS_OF_WIDE = 4, ROWS_OF_NARROW = 4, ROWS_OF_PRODUCT = 4 };
#endif
enum { MAX_TILE_ROWS = 12, ROWS_A_POINTER = 3, AHEAD = 12 };

static const float ZEROS[AFT_PANEL] = {0};

/* c = start + a b for one tile */
struct tile {
    int k;
    const float *a;
    size_t a_row_stride, a_k_stride;
    const float *b;
    size_t b_stride;
    const float *start;
    size_t start_stride;
    float *c;
    size_t c_stride;
};

/* Keeps the compiler from loading a broadcast factor once for each product that
 * uses it, which makes loads the bottleneck. */
#if defined(__x86_64__) && defined(__AVX__)
#define IN_REGISTER(x) __asm__("" : "+v"(x))
#else
#define IN_REGISTER(x) (void)(x)
#endif

/* rows and vectors are constants where this is inlined. One pointer serves three
 * rows: more do not fit the registers. */
static inline __attribute__((always_inline)) void run_tile(const struct tile *t, int rows,
                                                           int vectors)
{
    vector sum[MAX_TILE_ROWS][WIDE];
    const float *a[MAX_TILE_ROWS / ROWS_A_POINTER];
    const float *b = t->b;
    size_t row_stride = t->a_row_stride;
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
        if (r % ROWS_A_POINTER == 0) {
            a[r / ROWS_A_POINTER] = t->a + (size_t)r * row_stride;
        }
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            sum[r][v] = load(t->start + (size_t)r * t->start_stride + v * VECTOR);
        }
    }
    for (int k = 0; k < t->k; k++, b += t->b_stride) {
        vector row[WIDE];
        if (vectors <= NARROW && rows > ROWS_OF_WIDE) { /* rows of x come from afar */
            __builtin_prefetch(a[0] + AHEAD * t->a_k_stride);
        }
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            row[v] = load(b + v * VECTOR);
        }
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            vector factor =
                broadcast(a[r / ROWS_A_POINTER][(size_t)(r % ROWS_A_POINTER) * row_stride]);
            IN_REGISTER(factor);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                sum[r][v] += factor * row[v];
            }
        }
#pragma GCC unroll 4
        for (int p = 0; p < (rows + ROWS_A_POINTER - 1) / ROWS_A_POINTER; p++) {
            a[p] += t->a_k_stride;
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            store(t->c + (size_t)r * t->c_stride + v * VECTOR, sum[r][v]);
        }
    }
}

/* As many rows of a tile as there are, of the sizes compiled. */
static int fitting_rows(int left, int most)
{
    static const int sizes[] = {12, 8, 6, 4, 2, 1};
    for (size_t i = 0;; i++) {
        if (sizes[i] <= most && (sizes[i] <= left || sizes[i] == 1)) {
            return sizes[i];
        }
    }
}

static inline __attribute__((always_inline)) void run_tile_rows(const struct tile *t, int rows,
                                                                int vectors)
{
    switch (rows) {
#if defined(__AVX512F__)
    case 12:
        if (vectors <= NARROW) {
            run_tile(t, 12, vectors);
        }
        break;
    case 8:
        if (vectors <= NARROW) {
            run_tile(t, 8, vectors);
        }
        break;
#endif
    case 6:
        run_tile(t, 6, vectors);
        break;
    case 4:
        run_tile(t, 4, vectors);
        break;
    case 2:
        run_tile(t, 2, vectors);
        break;
    default:
        run_tile(t, 1, vectors);
        break;
    }
}

static void run_any_tile(const struct tile *t, int rows, int vectors)
{
    switch (vectors) {
#if defined(__AVX512F__)
    case 4:
        run_tile_rows(t, rows, 4);
        break;
    case 3:
        run_tile_rows(t, rows, 3);
        break;
    case 1:
        run_tile_rows(t, rows, 1);
        break;
#endif
    default:
        run_tile_rows(t, rows, 2);
        break;
    }
}

static void finish_tanh(float *y, int width)
{
    enum { STEP = 4 };
    vector z[STEP];
    int j = 0;
    for (; j + STEP * VECTOR <= width; j += STEP * VECTOR) {
        for (int v = 0; v < STEP; v++) {
            z[v] = load(y + j + v * VECTOR);
        }
        tanh_of(z, STEP);
        for (int v = 0; v < STEP; v++) {
            store(y + j + v * VECTOR, z[v]);
        }
    }
    for (; j < width; j += VECTOR) {
        z[0] = load(y + j);
        tanh_of(z, 1);
        store(y + j, z[0]);
    }
}

/* What is done to a tile of y once it is whole. */
static void finish_tile(const struct aft_rows_product *p, size_t at, int rows, int width)
{
    for (int r = 0; r < rows; r++, at += p->y_stride) {
        float *y = p->y + at;
        const float *h = p->h + at;
        switch (p->finish) {
        case AFT_FINISH_TANH:
            finish_tanh(y, width);
            break;
        case AFT_FINISH_RELU:
            for (int j = 0; j < width; j += VECTOR) {
                store(y + j, not_negative(load(y + j)));
            }
            break;
        case AFT_FINISH_TANH_SLOPE:
            for (int j = 0; j < width; j += VECTOR) {
                vector value = load(h + j);
                store(y + j, load(y + j) * (1.0f - value * value));
            }
            break;
        case AFT_FINISH_RELU_SLOPE:
            for (int j = 0; j < width; j += VECTOR) {
                store(y + j, where_positive(load(h + j), load(y + j)));
            }
            break;
        default:
            break;
        }
    }
}

static void rows_product(const struct aft_rows_product *p)
{
    for (int j = 0, width; j < p->n; j += width) {
        int first = j / AFT_PANEL * AFT_PANEL, panel = aft_panel_width(p->n, first);
        int left = first + panel - j;
        width = left < WIDE * VECTOR ? left : WIDE * VECTOR;
        int vectors = width / VECTOR, most = vectors > NARROW ? ROWS_OF_WIDE : ROWS_OF_PRODUCT;
        for (int i = 0, rows; i < p->rows; i += rows) {
            rows = fitting_rows(p->rows - i, most);
            size_t at = (size_t)i * p->y_stride + (size_t)j;
            const struct tile tile = {
                .k = p->k,
                .a = p->x + (size_t)i * p->x_row_stride,
                .a_row_stride = p->x_row_stride,
                .a_k_stride = p->x_k_stride,
                .b = p->w + aft_packed_index(p->k, p->n, 0, j),
                .b_stride = (size_t)panel,
                .start = p->bias == NULL ? ZEROS : p->bias + j,
                .c = p->y + at,
                .c_stride = p->y_stride,
            };
            run_any_tile(&tile, rows, vectors);
            finish_tile(p, at, rows, width);
        }
    }
}

static void outer_product(const struct aft_outer_product *p)
{
    int wide = p->m < ROWS_OF_WIDE ? WIDE : NARROW;
    int most = wide > NARROW ? ROWS_OF_WIDE : ROWS_OF_NARROW;
    for (int j = 0, width; j < p->n; j += width) {
        int first = j / AFT_PANEL * AFT_PANEL, panel = aft_panel_width(p->n, first);
        int left = first + panel - j;
        width = left < wide * VECTOR ? left : wide * VECTOR;
        for (int i = 0, rows; i < p->m; i += rows) {
            rows = fitting_rows(p->m - i, most);
            float *w = p->w + aft_packed_index(p->m, p->n, i, j);
            const struct tile tile = {
                .k = p->rows,
                .a = p->x + (size_t)i * p->x_m_stride,
                .a_row_stride = p->x_m_stride,
                .a_k_stride = p->x_row_stride,
                .b = p->d + j,
                .b_stride = p->d_stride,
                .start = p->accumulate ? w : ZEROS,
                .start_stride = p->accumulate ? (size_t)panel : 0,
                .c = w,
                .c_stride = (size_t)panel,
            };
            run_any_tile(&tile, rows, width / VECTOR);
        }
    }
}
