/*
 * An iteration after the first allocates nothing.
 */
#include "allocations.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SKIPPED = 77 };

static void ppo_iterate__allocates_nothing_after_the_first(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        struct fixture_options options = FIXTURE_DEFAULTS;
        struct fixture fixture;
        options.threads = 2;
        options.n_steps = 100;
        options.batch_size = 256;
        options.width = wide ? 200 : 64;
        options.activation = wide ? AFT_RELU : AFT_TANH;
        long before_all = allocations();
        fixture_create(&fixture, &options);
        assert_true(allocations() > before_all + 10); /* the counter works */
        fixture_iterate(&fixture, 1, NULL);
        long before = allocations();
        fixture_iterate(&fixture, 4, NULL); /* episodes end in these */
        assert_int_equal(allocations() - before, 0);
        fixture_destroy(&fixture);
    }
}

int main(void)
{
    if (!ALLOCATIONS_COUNTED) {
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ppo_iterate__allocates_nothing_after_the_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
