/* The training state as bytes: to state.bin and back, and what is refused. */
#include "runner/training_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PARAMETERS = 5, OBS = 3, TRAINER = 7 }; /* odd, so that padding matters */

/* Numbers everywhere, counted up from 1. */
static struct aft_training_state make_state(uint64_t beginning_count)
{
    const struct aft_training_header header = {
        .obs_dim = OBS,
        .action_dim = 1,
        .parameter_count = PARAMETERS,
        .trainer_size = TRAINER,
        .counters = {.stage = 2, .steps = 40, .total_steps = 90},
        .attempt = 2,
        .n_attempts = 1,
        .learning_rate_scale = 0.5,
        .attempts = {{.reason = 1, .stage = 2, .score = 1.3, .limit = 0.9}},
        .completed = {0.75},
        .beginning_count = beginning_count,
    };
    struct aft_training_state state;
    void *bytes = calloc(1, aft_training_state_size(&header));
    assert_non_null(bytes);
    memcpy(bytes, &header, sizeof header);
    aft_training_state_lay_out(&state, bytes);
    float number = 0;
    for (int i = 0; i < 3 * PARAMETERS; i++) {
        state.parameters[i] = ++number;
    }
    for (int i = 0; i < 2 * OBS; i++) {
        state.mean[i] = (double)++number;
    }
    for (int i = 0; i < 2 * OBS && beginning_count > 0; i++) {
        state.beginning_mean[i] = (double)++number;
    }
    for (int i = 0; i < 3 * PARAMETERS && beginning_count > 0; i++) {
        state.beginning_parameters[i] = ++number;
    }
    memset(state.trainer, 0x5a, TRAINER);
    return state;
}

static void expect_round_trip(uint64_t beginning_count)
{
    struct aft_training_state state = make_state(beginning_count);
    const struct aft_archive_tensor tensor = {.count = PARAMETERS,
                                              .value = state.parameters,
                                              .exp_avg = state.adam_m,
                                              .exp_avg_sq = state.adam_v};
    void *packed = NULL;
    void *whole = NULL;
    size_t packed_size = 0;
    size_t size = 0;
    struct aft_training_state seen;
    assert_int_equal(aft_training_state_pack(&packed, &packed_size, &state, NULL), AFT_OK);
    assert_int_equal(
        aft_training_state_unpack(&whole, &size, packed, packed_size, &tensor, 1, NULL), AFT_OK);
    assert_int_equal(size, aft_training_state_size(state.header));
    assert_memory_equal(whole, state.header, size);
    assert_int_equal(aft_training_state_view(&seen, whole, size, NULL), AFT_OK);
    assert_int_equal(seen.trainer[TRAINER - 1], 0x5a);
    assert_int_equal(seen.beginning_mean == NULL, beginning_count == 0);
    assert_int_equal(
        aft_training_state_unpack(&whole, &size, packed, packed_size - 1, &tensor, 1, NULL),
        AFT_ERR_CORRUPT);
    free(packed);
    free(whole);
    free(state.header);
}

static void state__comes_back_from_an_archive_byte_for_byte(void **unused)
{
    (void)unused;
    expect_round_trip(0);
    expect_round_trip(PARAMETERS);
}

static void state__takes_room_for_a_beginning_only_where_one_is_kept(void **unused)
{
    (void)unused;
    struct aft_training_state without = make_state(0);
    struct aft_training_state with = make_state(PARAMETERS);
    size_t floats = 3 * PARAMETERS * sizeof(float);
    assert_true(aft_training_state_size(with.header) >=
                aft_training_state_size(without.header) + floats + 2 * OBS * sizeof(double));
    assert_int_equal((uintptr_t)with.beginning_mean % sizeof(double), 0);
    assert_int_equal((uintptr_t)with.trainer % sizeof(double), 0);
    free(without.header);
    free(with.header);
}

static void state__of_another_version_is_refused_and_said_so(void **unused)
{
    (void)unused;
    struct aft_training_state state = make_state(0);
    struct aft_training_state seen;
    struct aft_error error = {0};
    size_t size = aft_training_state_size(state.header);
    state.header->version = 1;
    assert_int_equal(aft_training_state_view(&seen, state.header, size, &error), AFT_ERR_REFUSED);
    assert_non_null(strstr(error.message, "version 1"));
    state.header->version = AFT_TRAINING_STATE_VERSION;
    assert_int_equal(aft_training_state_view(&seen, state.header, size - 1, &error),
                     AFT_ERR_CORRUPT);
    assert_int_equal(aft_training_state_view(&seen, state.header, 8, &error), AFT_ERR_CORRUPT);
    free(state.header);
}

static void state__contradicting_itself_about_attempts_is_corrupt(void **unused)
{
    (void)unused;
    struct aft_training_state state = make_state(0);
    struct aft_training_state seen;
    size_t size = aft_training_state_size(state.header);
    state.header->attempt = AFT_MAX_ATTEMPTS + 1;
    assert_int_equal(aft_training_state_view(&seen, state.header, size, NULL), AFT_ERR_CORRUPT);
    state.header->attempt = 2;
    state.header->n_attempts = 3;
    assert_int_equal(aft_training_state_view(&seen, state.header, size, NULL), AFT_ERR_CORRUPT);
    state.header->n_attempts = 2;
    assert_int_equal(aft_training_state_view(&seen, state.header, size, NULL), AFT_OK);
    free(state.header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state__comes_back_from_an_archive_byte_for_byte),
        cmocka_unit_test(state__takes_room_for_a_beginning_only_where_one_is_kept),
        cmocka_unit_test(state__of_another_version_is_refused_and_said_so),
        cmocka_unit_test(state__contradicting_itself_about_attempts_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
