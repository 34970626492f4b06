/*
 * Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC11; Random123). A number is a pure function of
 * (seed, stage, purpose) and a counter that the caller keeps, so there is no
 * generator state to save or to lose. Streams of different purpose, stage or
 * seed never overlap.
 */
#ifndef AFT_BASE_RANDOM_H
#define AFT_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum aft_random_purpose { /* the numbers are part of every result: add, never renumber */
                          AFT_RANDOM_WEIGHTS = 1,
                          AFT_RANDOM_ACTION_NOISE = 2,
                          AFT_RANDOM_MINIBATCH_ORDER = 3,
                          AFT_RANDOM_EPISODE =
                              4, /* a training episode's scenario: magnitude, onset, sign, … */
                          AFT_RANDOM_MOTION = 5,      /* the white noise of a training motion */
                          AFT_RANDOM_SENSOR = 6,      /* sensor noise and dropout */
                          AFT_RANDOM_VALIDATION = 7,  /* motions of the validation set */
                          AFT_RANDOM_TEST_MOTION = 8, /* motions of the test set */
                          AFT_RANDOM_USER_MOTION = 9, /* `aftershock motion` */
                          AFT_RANDOM_BOOTSTRAP = 10,  /* resamples of an evaluation's figures */
                          AFT_RANDOM_DEPARTURE = 11,  /* an episode's extra noise, latency, … */
                          AFT_RANDOM_BUILDING = 12,   /* the building of an episode */
};

struct aft_random_key {
    uint32_t word[2];
    uint32_t domain; /* stage and purpose, the fourth counter word */
};

struct aft_random_key aft_random_key(uint64_t seed, uint32_t stage,
                                     enum aft_random_purpose purpose);

/* The four words at (high, middle, index), e.g. (environment, episode, draw). */
void aft_random_words(uint32_t out[4], struct aft_random_key key, uint32_t high, uint32_t middle,
                      uint32_t index);

/* n numbers of the stream (high, middle), from position first on (counted in
 * numbers): the same number at the same position however a range is cut.
 * uniform is in (0, 1); normal is standard, by Box and Muller's transform in
 * single precision (largest |number| 6.8), whatever type it is returned in. */
void aft_random_uniform(double *out, size_t n, struct aft_random_key key, uint32_t high,
                        uint32_t middle, uint64_t first);
void aft_random_normal(double *out, size_t n, struct aft_random_key key, uint32_t high,
                       uint32_t middle, uint64_t first);
void aft_random_normal_f32(float *out, size_t n, struct aft_random_key key, uint32_t high,
                           uint32_t middle, uint64_t first);

/* A permutation of 0…n-1 (Fisher and Yates), a function of the key and the place. */
void aft_random_permutation(uint32_t *out, uint32_t n, struct aft_random_key key, uint32_t high,
                            uint32_t middle);

#endif
