#include "report/npz.h"

#include "report/crc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    NPY_SIZE = 128, /* magic, version, length and the padded text */
    LOCAL_MAGIC = 0x04034b50,
    CENTRAL_MAGIC = 0x02014b50,
    END_MAGIC = 0x06054b50,
    ZIP_VERSION = 20,
    JANUARY_1980 = 0x21 /* as MS-DOS counts dates: a file's bytes follow from its contents */
};
static const size_t size_limit = 0xf0000000U; /* beyond it a zip needs fields of 64 bits */
static const char npy_magic[8] = "\x93NUMPY\x01";

static unsigned char *put(unsigned char *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        *at++ = (unsigned char)(value >> (8 * i));
    }
    return at;
}

static uint32_t get(const unsigned char *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint32_t)at[i] << (8 * i);
    }
    return value;
}

static size_t data_size(const struct aft_npz_array *array)
{
    return 8 * array->dims[0] * (array->n_dims > 1 ? array->dims[1] : 1);
}

static void describe(char text[NPY_SIZE], const struct aft_npz_array *array)
{
    char shape[64];
    if (array->n_dims > 1) {
        (void)snprintf(shape, sizeof shape, "(%zu, %zu)", array->dims[0], array->dims[1]);
    } else {
        (void)snprintf(shape, sizeof shape, "(%zu,)", array->dims[0]);
    }
    int used = snprintf(text, NPY_SIZE, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                        array->whole ? "<i8" : "<f8", shape);
    memset(text + used, ' ', (size_t)(NPY_SIZE - used));
}

static unsigned char *put_npy(unsigned char *at, const struct aft_npz_array *array)
{
    const int text_size = NPY_SIZE - 10;
    char text[NPY_SIZE];
    describe(text, array);
    memcpy(at, npy_magic, 8);
    at = put(at + 8, (uint32_t)text_size, 2);
    memcpy(at, text, (size_t)text_size);
    at[text_size - 1] = '\n';
    at += text_size;
    if (data_size(array) > 0) {
        memcpy(at, array->data, data_size(array));
    }
    return at + data_size(array);
}

struct member { /* where one stands in the zip */
    size_t offset, size;
    uint32_t crc;
    char name[64];
};

/* What local and central headers have in common: from the version to the name's length. */
static unsigned char *put_common(unsigned char *at, const struct member *member)
{
    at = put(at, ZIP_VERSION, 2);
    at = put(at, 0, 2); /* flags */
    at = put(at, 0, 2); /* stored */
    at = put(at, 0, 2);
    at = put(at, JANUARY_1980, 2);
    at = put(at, member->crc, 4);
    at = put(at, (uint32_t)member->size, 4);
    at = put(at, (uint32_t)member->size, 4);
    at = put(at, (uint32_t)strlen(member->name), 2);
    return put(at, 0, 2);
}

static unsigned char *put_name(unsigned char *at, const struct member *member)
{
    memcpy(at, member->name, strlen(member->name));
    return at + strlen(member->name);
}

static unsigned char *put_member(unsigned char *at, struct member *member,
                                 const struct aft_npz_array *array, const unsigned char *start)
{
    unsigned char *contents = at + LOCAL_SIZE + strlen(member->name);
    unsigned char *end = put_npy(contents, array);
    member->offset = (size_t)(at - start);
    member->crc = aft_crc32(contents, member->size);
    at = put(at, LOCAL_MAGIC, 4);
    (void)put_name(put_common(at, member), member);
    return end;
}

static unsigned char *put_central(unsigned char *at, const struct member *member)
{
    at = put(at, CENTRAL_MAGIC, 4);
    at = put(at, ZIP_VERSION, 2);
    at = put_common(at, member);
    at = put(at, 0, 4); /* no comment, disk 0 */
    at = put(at, 0, 2);
    at = put(at, 0, 4);
    at = put(at, (uint32_t)member->offset, 4);
    return put_name(at, member);
}

static unsigned char *put_end(unsigned char *at, int n, size_t central_offset, size_t central_size)
{
    at = put(at, END_MAGIC, 4);
    at = put(at, 0, 4);
    at = put(at, (uint32_t)n, 2);
    at = put(at, (uint32_t)n, 2);
    at = put(at, (uint32_t)central_size, 4);
    at = put(at, (uint32_t)central_offset, 4);
    return put(at, 0, 2);
}

static void lay_out(struct member *members, size_t *size, const struct aft_npz_array *arrays, int n)
{
    *size = END_SIZE;
    for (int i = 0; i < n; i++) {
        (void)snprintf(members[i].name, sizeof members[i].name, "%s.npy", arrays[i].name);
        members[i].size = NPY_SIZE + data_size(&arrays[i]);
        *size += LOCAL_SIZE + CENTRAL_SIZE + 2 * strlen(members[i].name) + members[i].size;
    }
}

enum aft_code aft_npz_build(void **bytes, size_t *size, const struct aft_npz_array *arrays, int n,
                            struct aft_error *error)
{
    *bytes = NULL;
    struct member *members = calloc((size_t)n + 1, sizeof *members);
    if (members == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "build npz: out of memory");
    }
    lay_out(members, size, arrays, n);
    unsigned char *start = *size <= size_limit ? malloc(*size) : NULL;
    if (start == NULL) {
        free(members);
        return aft_fail(error, AFT_ERR_MEMORY, "build npz: no memory for %zu bytes", *size);
    }
    unsigned char *at = start;
    for (int i = 0; i < n; i++) {
        at = put_member(at, &members[i], &arrays[i], start);
    }
    size_t central = (size_t)(at - start);
    for (int i = 0; i < n; i++) {
        at = put_central(at, &members[i]);
    }
    (void)put_end(at, n, central, (size_t)(at - start) - central);
    free(members);
    *bytes = start;
    return AFT_OK;
}

static enum aft_code parse_npy(struct aft_npz_array *array, const unsigned char *npy, size_t size,
                               struct aft_error *error)
{
    char expected[NPY_SIZE];
    char text[NPY_SIZE];
    *array = (struct aft_npz_array){.n_dims = 1, .dims = {0, 1}};
    if (size < NPY_SIZE || memcmp(npy, npy_magic, 8) != 0 || get(npy + 8, 2) != NPY_SIZE - 10) {
        return aft_fail(error, AFT_ERR_CORRUPT, "it is no array of ours");
    }
    memcpy(text, npy + 10, NPY_SIZE - 10);
    text[NPY_SIZE - 11] = '\0';
    array->whole = strstr(text, "'<i8'") != NULL;
    const char *shape = strstr(text, "'shape': (");
    if (shape != NULL) {
        char *end = NULL;
        array->dims[0] = (size_t)strtoull(shape + strlen("'shape': ("), &end, 10);
        if (strncmp(end, ", ", 2) == 0) {
            array->n_dims = 2;
            array->dims[1] = (size_t)strtoull(end + 2, NULL, 10);
        }
    }
    describe(expected, array);
    array->data = npy + NPY_SIZE;
    bool alike = memcmp(expected, text, NPY_SIZE - 11) == 0;
    size_t rows = array->dims[0] > 0 ? array->dims[0] : 1;
    if (!alike || rows > size || array->dims[1] > size / rows ||
        NPY_SIZE + data_size(array) != size) {
        return aft_fail(error, AFT_ERR_CORRUPT, "it is no array of ours");
    }
    return AFT_OK;
}

enum aft_code aft_npz_find(struct aft_npz_array *array, const void *bytes, size_t size,
                           const char *name, struct aft_error *error)
{
    const unsigned char *start = bytes;
    size_t at = 0;
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "%.48s.npy", name);
    while (size - at >= LOCAL_SIZE && get(start + at, 4) == LOCAL_MAGIC) {
        const unsigned char *header = start + at;
        size_t length = get(header + 22, 4), named = get(header + 26, 2);
        size_t skipped = LOCAL_SIZE + named + get(header + 28, 2);
        bool stored = get(header + 6, 4) == 0 && get(header + 18, 4) == length;
        if (!stored || skipped > size - at || length > size - at - skipped ||
            aft_crc32(header + skipped, length) != get(header + 14, 4)) {
            return aft_fail(error, AFT_ERR_CORRUPT, "read npz: cut, damaged or compressed");
        }
        if (named == strlen(wanted) && memcmp(header + LOCAL_SIZE, wanted, named) == 0) {
            return parse_npy(array, header + skipped, length, error);
        }
        at += skipped + length;
    }
    if (size - at < END_SIZE || get(start + at, 4) != CENTRAL_MAGIC) {
        return aft_fail(error, AFT_ERR_CORRUPT, "read npz: it is no such file, or cut");
    }
    return aft_fail(error, AFT_ERR_MISSING, "read npz: it has no array '%s'", name);
}
