#include "base/simd.h"

static enum aft_simd limit = AFT_SIMD_AVX512;

static enum aft_simd widest(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        return AFT_SIMD_AVX512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return AFT_SIMD_AVX2;
    }
#endif
    return AFT_SIMD_PORTABLE;
}

enum aft_simd aft_simd_level(void)
{
    enum aft_simd level = widest();
    return level < limit ? level : limit;
}

void aft_simd_limit(enum aft_simd widest_allowed)
{
    limit = widest_allowed;
}
