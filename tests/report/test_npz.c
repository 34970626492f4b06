#include "report/npz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t steps[] = {100, 200};
static const double results[2][3] = {{1, 2, 3}, {4, 5, 6.5}};

static void build(void **bytes, size_t *size)
{
    const struct aft_npz_array arrays[] = {
        {"timesteps", true, 1, {2, 1}, steps},
        {"results", false, 2, {2, 3}, results},
        {"empty", false, 2, {2, 0}, results},
    };
    assert_int_equal(aft_npz_build(bytes, size, arrays, 3, NULL), AFT_OK);
}

static void npz__gives_its_arrays_back(void **state)
{
    (void)state;
    struct aft_npz_array array;
    void *bytes;
    size_t size;
    build(&bytes, &size);
    assert_int_equal(aft_npz_find(&array, bytes, size, "timesteps", NULL), AFT_OK);
    assert_true(array.whole && array.n_dims == 1 && array.dims[0] == 2);
    assert_memory_equal(array.data, steps, sizeof steps);
    assert_int_equal(aft_npz_find(&array, bytes, size, "results", NULL), AFT_OK);
    assert_true(!array.whole && array.n_dims == 2 && array.dims[0] == 2 && array.dims[1] == 3);
    assert_memory_equal(array.data, results, sizeof results);
    assert_int_equal(aft_npz_find(&array, bytes, size, "empty", NULL), AFT_OK);
    assert_true(array.dims[0] == 2 && array.dims[1] == 0);
    assert_int_equal(aft_npz_find(&array, bytes, size, "result", NULL), AFT_ERR_MISSING);
    free(bytes);
}

static void npz__is_refused_where_it_is_cut(void **state)
{
    (void)state;
    struct aft_npz_array array;
    void *bytes;
    size_t size;
    build(&bytes, &size);
    for (size_t cut = 0; cut < size; cut++) {
        char *part = malloc(cut + 1); /* of its own, so that a sanitizer sees reads beyond it */
        assert_non_null(part);
        memcpy(part, bytes, cut);
        enum aft_code code = aft_npz_find(&array, part, cut, "no such array", NULL);
        assert_true(code == AFT_ERR_CORRUPT || code == AFT_ERR_MISSING);
        free(part);
    }
    free(bytes);
}

static void npz__is_never_read_wrong_where_a_bit_has_flipped(void **state)
{
    (void)state;
    struct aft_npz_array array;
    void *bytes;
    size_t size;
    build(&bytes, &size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        unsigned char *byte = (unsigned char *)bytes + bit / 8;
        *byte = (unsigned char)(*byte ^ (1U << bit % 8));
        if (aft_npz_find(&array, bytes, size, "results", NULL) == AFT_OK) {
            assert_true(!array.whole && array.dims[0] == 2 && array.dims[1] == 3);
            assert_memory_equal(array.data, results, sizeof results);
        }
        *byte = (unsigned char)(*byte ^ (1U << bit % 8));
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npz__gives_its_arrays_back),
        cmocka_unit_test(npz__is_refused_where_it_is_cut),
        cmocka_unit_test(npz__is_never_read_wrong_where_a_bit_has_flipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
