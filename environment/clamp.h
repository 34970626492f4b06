/* Comparisons that compile to one instruction (libm's fmax and fmin are calls:
 * they promise something about NaN). With a NaN these give the second argument
 * or NaN; callers check for finite values elsewhere. */
#ifndef AFT_ENVIRONMENT_CLAMP_H
#define AFT_ENVIRONMENT_CLAMP_H

static inline double aft_larger(double a, double b)
{
    return a >= b ? a : b;
}

static inline float aft_larger_f32(float a, float b)
{
    return a >= b ? a : b;
}

static inline double aft_clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static inline float aft_clamp_f32(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

#endif
