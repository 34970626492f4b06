/*
 * Dead units and old Adam moments decay into denormal numbers, which the CPU
 * handles a hundred times slower. While the engine computes, they count as 0.
 */
#ifndef AFT_TRAINER_NATIVE_DENORMALS_H
#define AFT_TRAINER_NATIVE_DENORMALS_H

#ifdef __SSE2__
#include <xmmintrin.h>

static inline unsigned aft_flush_denormals(void)
{
    enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return before;
}

static inline void aft_restore_denormals(unsigned before)
{
    _mm_setcsr(before);
}
#else
static inline unsigned aft_flush_denormals(void)
{
    return 0;
}

static inline void aft_restore_denormals(unsigned before)
{
    (void)before;
}
#endif

#endif
