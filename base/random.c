#include "base/random.h"

#include <Random123/philox.h>
#include <math.h>

/* The domain word: purposes below 256, so stages below 2^24 never share one. */
enum { PURPOSE_BITS = 8 };

static const double TWO_PI = 6.283185307179586476925286766559;

struct aft_random_key aft_random_key(uint64_t seed, uint32_t stage, enum aft_random_purpose purpose)
{
    struct aft_random_key key = {
        .word = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .domain = (stage << PURPOSE_BITS) | ((uint32_t)purpose & ((1u << PURPOSE_BITS) - 1)),
    };
    return key;
}

static philox4x32_ctr_t block_at(struct aft_random_key key, uint32_t high, uint32_t middle,
                                 uint32_t index)
{
    philox4x32_ctr_t counter = {{index, middle, high, key.domain}};
    philox4x32_key_t word = {{key.word[0], key.word[1]}};
    return philox4x32_R(10, counter, word);
}

void aft_random_words(uint32_t out[4], struct aft_random_key key, uint32_t high, uint32_t middle,
                      uint32_t index)
{
    philox4x32_ctr_t block = block_at(key, high, middle, index);
    for (int i = 0; i < 4; i++) {
        out[i] = block.v[i];
    }
}

/* The midpoint of one of 2^52 equal parts of (0, 1): exact, never 0 nor 1. */
static double unit_double(uint32_t high, uint32_t low)
{
    uint64_t bits = ((uint64_t)high << 20) | (low >> 12);
    return ((double)bits + 0.5) * 0x1p-52;
}

/* A block holds two doubles. */
static void uniform_pair(double pair[2], struct aft_random_key key, uint32_t high, uint32_t middle,
                         uint64_t index)
{
    philox4x32_ctr_t block = block_at(key, high, middle, (uint32_t)index);
    pair[0] = unit_double(block.v[0], block.v[1]);
    pair[1] = unit_double(block.v[2], block.v[3]);
}

static void normal_pair(double pair[2], struct aft_random_key key, uint32_t high, uint32_t middle,
                        uint64_t index)
{
    uniform_pair(pair, key, high, middle, index);
    double radius = sqrt(-2.0 * log(pair[0]));
    double angle = TWO_PI * pair[1];
    pair[0] = radius * cos(angle);
    pair[1] = radius * sin(angle);
}

typedef void (*pair_function)(double pair[2], struct aft_random_key key, uint32_t high,
                              uint32_t middle, uint64_t index);

/* Numbers first … first+n-1 of a stream whose blocks hold two each. */
static inline void fill_from_pairs(double *out, size_t n, struct aft_random_key key,
                                   const uint32_t place[2], uint64_t first, pair_function make)
{
    double pair[2];
    size_t i = 0;
    uint64_t index = first / 2;
    if (n > 0 && first % 2 == 1) {
        make(pair, key, place[0], place[1], index++);
        out[i++] = pair[1];
    }
    for (; i + 1 < n; i += 2) {
        make(&out[i], key, place[0], place[1], index++);
    }
    if (i < n) {
        make(pair, key, place[0], place[1], index);
        out[i] = pair[0];
    }
}

void aft_random_uniform(double *out, size_t n, struct aft_random_key key, uint32_t high,
                        uint32_t middle, uint64_t first)
{
    const uint32_t place[2] = {high, middle};
    fill_from_pairs(out, n, key, place, first, uniform_pair);
}

void aft_random_normal(double *out, size_t n, struct aft_random_key key, uint32_t high,
                       uint32_t middle, uint64_t first)
{
    const uint32_t place[2] = {high, middle};
    fill_from_pairs(out, n, key, place, first, normal_pair);
}

/* Four single-precision normals of one block. The radius has 32 random bits
 * (largest |number| 6.7), the angle 32 too. */
static void normal_quad(float quad[4], struct aft_random_key key, uint32_t high, uint32_t middle,
                        uint64_t index)
{
    philox4x32_ctr_t block = block_at(key, high, middle, (uint32_t)index);
    for (int i = 0; i < 4; i += 2) {
        float radius = sqrtf(-2.0f * logf((float)(((double)block.v[i] + 0.5) * 0x1p-32)));
        /* signed, so that the rounding to float is the same on both sides of 0 */
        float angle = (float)(((double)(int32_t)block.v[i + 1] + 0.5) * (TWO_PI * 0x1p-32));
        quad[i] = radius * cosf(angle);
        quad[i + 1] = radius * sinf(angle);
    }
}

void aft_random_normal_f32(float *out, size_t n, struct aft_random_key key, uint32_t high,
                           uint32_t middle, uint64_t first)
{
    float quad[4];
    size_t i = 0;
    while (i < n) {
        uint64_t position = first + i;
        unsigned skip = (unsigned)(position % 4);
        if (skip == 0 && n - i >= 4) {
            normal_quad(&out[i], key, high, middle, position / 4);
            i += 4;
            continue;
        }
        normal_quad(quad, key, high, middle, position / 4);
        for (; skip < 4 && i < n; skip++) {
            out[i++] = quad[skip];
        }
    }
}

struct word_reader { /* the words of a stream, one after another */
    struct aft_random_key key;
    uint32_t high, middle, index;
    uint32_t words[4];
    unsigned used;
};

static uint32_t next_word(struct word_reader *reader)
{
    if (reader->used == 4) {
        aft_random_words(reader->words, reader->key, reader->high, reader->middle, reader->index++);
        reader->used = 0;
    }
    return reader->words[reader->used++];
}

/* Uniform in 0…bound-1 without bias: Lemire, "Fast random integer generation
 * in an interval", 2019. */
static uint32_t below(struct word_reader *reader, uint32_t bound)
{
    uint64_t product = (uint64_t)next_word(reader) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = (0u - bound) % bound;
        while ((uint32_t)product < threshold) {
            product = (uint64_t)next_word(reader) * bound;
        }
    }
    return (uint32_t)(product >> 32);
}

void aft_random_permutation(uint32_t *out, uint32_t n, struct aft_random_key key, uint32_t high,
                            uint32_t middle)
{
    struct word_reader reader = {.key = key, .high = high, .middle = middle, .used = 4};
    for (uint32_t i = 0; i < n; i++) {
        out[i] = i;
    }
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = below(&reader, i);
        uint32_t kept = out[i - 1];
        out[i - 1] = out[j];
        out[j] = kept;
    }
}
