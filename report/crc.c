#include "report/crc.h"

/* What four zero bits make of each remainder's low four bits: four steps of the shift register. */
#define STEP(c, poly) (((c) >> 1) ^ (((c)&1U) ? (poly) : 0U))
#define FOUR(c, poly) STEP(STEP(STEP(STEP(c, poly), poly), poly), poly)
#define TABLE(poly)                                                                                \
    {                                                                                              \
        FOUR(0U, poly), FOUR(1U, poly), FOUR(2U, poly), FOUR(3U, poly), FOUR(4U, poly),            \
            FOUR(5U, poly), FOUR(6U, poly), FOUR(7U, poly), FOUR(8U, poly), FOUR(9U, poly),        \
            FOUR(10U, poly), FOUR(11U, poly), FOUR(12U, poly), FOUR(13U, poly), FOUR(14U, poly),   \
            FOUR(15U, poly)                                                                        \
    }
static const uint32_t ieee[16] = TABLE(0xedb88320U);
static const uint32_t castagnoli[16] = TABLE(0x82f63b78U);

static uint32_t crc(const uint32_t table[16], const unsigned char *bytes, size_t size)
{
    uint32_t c = 0xffffffffU;
    for (size_t i = 0; i < size; i++) {
        c ^= bytes[i];
        c = (c >> 4) ^ table[c & 15U];
        c = (c >> 4) ^ table[c & 15U];
    }
    return ~c;
}

uint32_t aft_crc32(const void *bytes, size_t size)
{
    return crc(ieee, bytes, size);
}

uint32_t aft_crc32c(const void *bytes, size_t size)
{
    return crc(castagnoli, bytes, size);
}
