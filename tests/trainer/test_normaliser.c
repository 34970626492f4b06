/* trainer/normaliser.h against two-pass moments of everything seen. */
#include "trainer/normaliser.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROWS = 900, DIM = 2, BATCHES = 3, ROUNDS = 3 };

/* Far from 0, where a naive sum of squares would lose its digits. */
static void fill(float rows[ROWS][DIM])
{
    for (int i = 0; i < ROWS; i++) {
        double z[DIM];
        aft_random_normal(z, DIM, aft_random_key(1, 1, AFT_RANDOM_SENSOR), 0, (uint32_t)i, 0);
        rows[i][0] = (float)(1000.0 + 0.01 * z[0]);
        rows[i][1] = (float)(-3.0 + 5.0 * z[1]);
    }
}

/* Rounds of batches of unequal size, one of them empty. */
static void feed(struct aft_normaliser *normaliser, float rows[ROWS][DIM])
{
    double sums[BATCHES][DIM], squares[BATCHES][DIM];
    for (int round = 0; round < ROUNDS; round++) {
        const int cut[BATCHES + 1] = {0, 100, 100, 300};
        struct aft_moments batches[BATCHES];
        for (int b = 0; b < BATCHES; b++) {
            batches[b] = (struct aft_moments){0.0, sums[b], squares[b]};
            aft_moments_reset(&batches[b], DIM);
            aft_moments_add(&batches[b], normaliser, cut[b + 1] - cut[b],
                            rows[round * 300 + cut[b]]);
        }
        aft_normaliser_update(normaliser, BATCHES, batches);
    }
}

static void normaliser_update__equals_the_moments_of_all(void **state)
{
    (void)state;
    static float rows[ROWS][DIM];
    struct aft_normaliser normaliser;
    struct aft_error error;
    assert_int_equal(aft_normaliser_init(&normaliser, DIM, true, &error), AFT_OK);
    fill(rows);
    feed(&normaliser, rows);
    assert_true(normaliser.count == ROWS);
    for (int j = 0; j < DIM; j++) {
        double mean = 0.0, square = 0.0;
        for (int i = 0; i < ROWS; i++) {
            mean += (double)rows[i][j] / ROWS;
        }
        for (int i = 0; i < ROWS; i++) {
            square += pow((double)rows[i][j] - mean, 2.0) / ROWS;
        }
        assert_true(fabs(normaliser.mean[j] - mean) < 1e-11 * fabs(mean));
        assert_true(fabs(normaliser.variance[j] / square - 1.0) < 1e-5);
    }
    aft_normaliser_clear(&normaliser);
}

static void normaliser_apply__clips_and_reports_what_is_not_finite(void **state)
{
    (void)state;
    struct aft_normaliser normaliser;
    struct aft_error error;
    assert_int_equal(aft_normaliser_init(&normaliser, DIM, true, &error), AFT_OK);
    normaliser.mean[0] = 1.0;
    normaliser.variance[0] = 4.0;
    aft_normaliser_refresh(&normaliser);
    const float raw[4] = {5.0f, 100.0f, -1e30f, 0.5f};
    float out[4];
    assert_true(aft_normaliser_apply(&normaliser, 2, raw, out));
    assert_float_equal(out[0], 2.0f, 1e-6);
    assert_float_equal(out[1], 8.0f, 0.0);
    assert_float_equal(out[2], -8.0f, 0.0);
    assert_float_equal(out[3], 0.5f, 1e-6);
    const float nan_row[2] = {0.0f, NAN}, infinite_row[2] = {INFINITY, 0.0f};
    assert_false(aft_normaliser_apply(&normaliser, 1, nan_row, out));
    assert_true(isnan(out[1]));
    assert_false(aft_normaliser_apply(&normaliser, 1, infinite_row, out));
    aft_normaliser_clear(&normaliser);
}

static void normaliser_apply__passes_all_when_disabled(void **state)
{
    (void)state;
    struct aft_normaliser normaliser;
    struct aft_error error;
    assert_int_equal(aft_normaliser_init(&normaliser, DIM, false, &error), AFT_OK);
    const float raw[2] = {100.0f, -0.25f};
    float out[2];
    assert_true(aft_normaliser_apply(&normaliser, 1, raw, out));
    assert_memory_equal(raw, out, sizeof raw);
    aft_normaliser_clear(&normaliser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normaliser_update__equals_the_moments_of_all),
        cmocka_unit_test(normaliser_apply__clips_and_reports_what_is_not_finite),
        cmocka_unit_test(normaliser_apply__passes_all_when_disabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
