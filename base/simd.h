/*
 * Loops over lanes, compiled for several instruction sets and chosen at run
 * time. Every variant gives the same bits: a loop does the same IEEE operations
 * on a lane whatever the width of a vector (no contraction, no reassociation;
 * fma only where a loop names it).
 */
#ifndef AFT_BASE_SIMD_H
#define AFT_BASE_SIMD_H

enum aft_simd { AFT_SIMD_PORTABLE, AFT_SIMD_AVX2, AFT_SIMD_AVX512 };

/* The widest that this processor runs, and aft_simd_limit allows. */
enum aft_simd aft_simd_level(void);

/* For tests, which compare the variants. Not while another thread computes. */
void aft_simd_limit(enum aft_simd widest);

/*
 * Defines `void name parameters` that calls the static inline function `body`
 * with the arguments, compiled once for each instruction set.
 */
#if defined(__x86_64__) && defined(__GNUC__)
#if defined(__clang__) /* which knows no such option; the bits are the same */
#define AFT_SIMD_TUNING
#else
#define AFT_SIMD_TUNING ",prefer-vector-width=512"
#endif
#define AFT_SIMD_FUNCTION(name, parameters, body, arguments)                                       \
    __attribute__((flatten,                                                                        \
                   target("avx512f,avx512bw,avx512dq,avx512vl,fma" AFT_SIMD_TUNING))) static void  \
        name##_avx512 parameters                                                                   \
    {                                                                                              \
        body arguments;                                                                            \
    }                                                                                              \
    __attribute__((flatten, target("avx2,fma"))) static void name##_avx2 parameters                \
    {                                                                                              \
        body arguments;                                                                            \
    }                                                                                              \
    __attribute__((flatten)) static void name##_portable parameters                                \
    {                                                                                              \
        body arguments;                                                                            \
    }                                                                                              \
    void name parameters                                                                           \
    {                                                                                              \
        switch (aft_simd_level()) {                                                                \
        case AFT_SIMD_AVX512:                                                                      \
            name##_avx512 arguments;                                                               \
            break;                                                                                 \
        case AFT_SIMD_AVX2:                                                                        \
            name##_avx2 arguments;                                                                 \
            break;                                                                                 \
        case AFT_SIMD_PORTABLE:                                                                    \
            name##_portable arguments;                                                             \
            break;                                                                                 \
        }                                                                                          \
    }
#else
#define AFT_SIMD_FUNCTION(name, parameters, body, arguments)                                       \
    void name parameters                                                                           \
    {                                                                                              \
        body arguments;                                                                            \
    }
#endif

#endif
