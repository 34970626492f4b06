/*
 * Standard normal numbers in vector lanes: Philox 4x32-10 and Box and Muller's
 * transform on AFT_RANDOM_LANES counters at once. The same numbers as
 * aft_random_normal_f32's, which is made of it, with the same bits on every
 * processor.
 */
#ifndef AFT_BASE_RANDOM_LANES_H
#define AFT_BASE_RANDOM_LANES_H

#include "base/random.h"

enum { AFT_RANDOM_LANES = 16 };

struct aft_random_place { /* of a block of four numbers, by lane */
    uint32_t high[AFT_RANDOM_LANES], middle[AFT_RANDOM_LANES], index[AFT_RANDOM_LANES];
};

/* Lane j gets numbers 4 index[j] … 4 (index[j] + blocks) - 1 of its stream; out
 * is [4 * blocks][AFT_RANDOM_LANES]. */
void aft_random_normal_lanes(float *out, int blocks, struct aft_random_key key,
                             const struct aft_random_place *place);

#endif
