/* trainer/engine.h: finding and loading an engine's module. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct aft_engine_config SMALL = {
    .network = {.obs_dim = 3, .action_dim = 1, .n_hidden = 1, .hidden = {8}},
    .max_rows = 4,
    .max_batch = 4,
    .act_slots = 1,
    .device = "auto",
};

static void engine_open__loads_the_native_engine(void **state)
{
    (void)state;
    struct aft_engine engine;
    struct aft_error error = {0};
    fixture_use_built_modules();
    assert_int_equal(aft_engine_open(&engine, "native", &SMALL, &error), AFT_OK);
    char text[256];
    engine.use->describe(engine.self, text, sizeof text);
    print_message("%s\n", text);
    assert_string_equal(engine.use->name, "native");
    assert_non_null(strstr(text, "native ("));
    assert_non_null(strstr(text, "1 thread"));
    assert_null(strstr(text, "WARNING"));
    aft_engine_close(&engine);
    aft_engine_close(&engine);
}

static void engine_open__refuses_an_unknown_name(void **state)
{
    (void)state;
    struct aft_engine engine;
    struct aft_error error = {0};
    assert_int_equal(aft_engine_open(&engine, "jax", &SMALL, &error), AFT_ERR_USAGE);
    assert_non_null(strstr(error.message, "jax"));
}

static void engine_open__says_that_a_module_is_missing(void **state)
{
    (void)state;
    struct aft_engine engine;
    struct aft_error error = {0};
    assert_int_equal(setenv("AFTERSHOCK_MODULE_DIR", "/nonexistent", 1), 0);
    assert_int_equal(aft_engine_open(&engine, "torch", &SMALL, &error), AFT_ERR_MISSING);
    assert_non_null(strstr(error.message, "no torch engine"));
    assert_int_equal(aft_engine_open(&engine, "native", &SMALL, &error), AFT_ERR_MISSING);
    assert_non_null(strstr(error.message, "aftershock_native.so"));
}

static void engine_open__refuses_cuda_for_the_native_engine(void **state)
{
    (void)state;
    struct aft_engine engine;
    struct aft_error error = {0};
    struct aft_engine_config config = SMALL;
    config.device = "cuda";
    fixture_use_built_modules();
    assert_int_equal(aft_engine_open(&engine, "native", &config, &error), AFT_ERR_USAGE);
}

static void engine_open__refuses_sizes_that_are_not_positive(void **state)
{
    (void)state;
    struct aft_engine engine;
    struct aft_error error = {0};
    struct aft_engine_config config = SMALL;
    config.network.n_hidden = 0;
    fixture_use_built_modules();
    assert_int_equal(aft_engine_open(&engine, "native", &config, &error), AFT_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine_open__loads_the_native_engine),
        cmocka_unit_test(engine_open__refuses_an_unknown_name),
        cmocka_unit_test(engine_open__says_that_a_module_is_missing),
        cmocka_unit_test(engine_open__refuses_cuda_for_the_native_engine),
        cmocka_unit_test(engine_open__refuses_sizes_that_are_not_positive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
