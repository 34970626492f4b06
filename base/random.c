#include "base/random.h"

#include "base/random_lanes.h"

#include <Random123/philox.h>
#include <string.h>

/* The domain word: purposes below 256, so stages below 2^24 never share one. */
enum { PURPOSE_BITS = 8 };
enum { NORMALS = 4 * AFT_RANDOM_LANES }; /* made in one go */

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

void aft_random_uniform(double *out, size_t n, struct aft_random_key key, uint32_t high,
                        uint32_t middle, uint64_t first)
{
    double pair[2];
    size_t i = 0;
    uint64_t index = first / 2;
    if (n > 0 && first % 2 == 1) {
        uniform_pair(pair, key, high, middle, index++);
        out[i++] = pair[1];
    }
    for (; i + 1 < n; i += 2) {
        uniform_pair(&out[i], key, high, middle, index++);
    }
    if (i < n) {
        uniform_pair(pair, key, high, middle, index);
        out[i] = pair[0];
    }
}

/* Blocks index … index + AFT_RANDOM_LANES - 1 of one stream, in the stream's order. */
static void normal_blocks(float out[NORMALS], struct aft_random_key key, uint32_t high,
                          uint32_t middle, uint64_t index)
{
    struct aft_random_place place;
    float lanes[4][AFT_RANDOM_LANES];
    for (uint32_t j = 0; j < AFT_RANDOM_LANES; j++) {
        place.high[j] = high;
        place.middle[j] = middle;
        place.index[j] = (uint32_t)index + j;
    }
    aft_random_normal_lanes(lanes[0], 1, key, &place);
    for (int i = 0; i < NORMALS; i++) {
        out[i] = lanes[i % 4][i / 4];
    }
}

void aft_random_normal_f32(float *out, size_t n, struct aft_random_key key, uint32_t high,
                           uint32_t middle, uint64_t first)
{
    float made[NORMALS];
    for (size_t i = 0; i < n;) {
        size_t skip = (size_t)((first + i) % 4), wanted = n - i;
        size_t some = wanted < NORMALS - skip ? wanted : NORMALS - skip;
        normal_blocks(made, key, high, middle, (first + i) / 4);
        memcpy(out + i, made + skip, some * sizeof *out);
        i += some;
    }
}

void aft_random_normal(double *out, size_t n, struct aft_random_key key, uint32_t high,
                       uint32_t middle, uint64_t first)
{
    float made[NORMALS];
    for (size_t i = 0; i < n;) {
        size_t some = n - i < NORMALS ? n - i : NORMALS;
        aft_random_normal_f32(made, some, key, high, middle, first + i);
        for (size_t k = 0; k < some; k++) {
            out[i++] = (double)made[k];
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
