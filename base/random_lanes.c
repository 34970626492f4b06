#include "base/random_lanes.h"

#include "base/simd.h"
#include "base/vector_math.h"

#include <math.h>
#include <stddef.h>

enum { LANES = AFT_RANDOM_LANES, ROUNDS = 10 };

/* Salmon et al. 2011, table 2, and the key's increments (Random123, philox.h). */
static inline void philox(uint32_t word[4][LANES], struct aft_random_key key,
                          const struct aft_random_place *place, uint32_t block)
{
    for (int j = 0; j < LANES; j++) {
        uint32_t c0 = place->index[j] + block, c1 = place->middle[j], c2 = place->high[j];
        uint32_t c3 = key.domain, k0 = key.word[0], k1 = key.word[1];
#pragma GCC unroll 10
        for (int round = 0; round < ROUNDS; round++) {
            uint64_t p0 = (uint64_t)0xD2511F53U * c0, p1 = (uint64_t)0xCD9E8D57U * c2;
            c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint32_t)p1;
            c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint32_t)p0;
            k0 += 0x9E3779B9U;
            k1 += 0xBB67AE85U;
        }
        word[0][j] = c0;
        word[1][j] = c1;
        word[2][j] = c2;
        word[3][j] = c3;
    }
}

/*
 * sqrt(-2 log u), u = (word + 1/2) / 2^32. Near u = 1 the logarithm's argument
 * less 1 comes from the word's complement, which single precision holds.
 */
static inline float radius_of(uint32_t word)
{
    const uint32_t root_half = 0xB504F333U;
    float exponent, fraction = aft_split_f32(&exponent, (float)word + 0.5F);
    float below_one = ((float)~word + 0.5F) * -0x1p-32F;
    float e = word > root_half ? 0.0F : exponent - 32.0F;
    float f = word > root_half ? below_one : fraction;
    return sqrtf(-2.0F * aft_log_of_split_f32(e, f));
}

static inline void transform(float *out, uint32_t word[4][LANES])
{
    for (int pair = 0; pair < 2; pair++) {
        float *first = out + (ptrdiff_t)2 * pair * LANES, *second = first + LANES;
        for (int j = 0; j < LANES; j++) {
            float radius = radius_of(word[2 * pair][j]), sine, cosine;
            aft_sin_cos_of_turn_f32(&sine, &cosine, word[2 * pair + 1][j]);
            first[j] = radius * cosine;
            second[j] = radius * sine;
        }
    }
}

static inline void normal_lanes(float *out, int blocks, struct aft_random_key key,
                                const struct aft_random_place *place)
{
    for (int block = 0; block < blocks; block++) {
        uint32_t word[4][LANES];
        philox(word, key, place, (uint32_t)block);
        transform(out + (ptrdiff_t)4 * block * LANES, word);
    }
}

AFT_SIMD_FUNCTION(aft_random_normal_lanes,
                  (float *out, int blocks, struct aft_random_key key,
                   const struct aft_random_place *place),
                  normal_lanes, (out, blocks, key, place))
