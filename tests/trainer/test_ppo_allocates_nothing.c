/*
 * An iteration after the first allocates nothing. This program's own malloc
 * counts, for itself and for the modules it loads, and asks glibc's.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SKIPPED = 77 };

#if defined(AFT_SANITIZED) || !defined(__GLIBC__)
int main(void)
{
    return SKIPPED; /* the sanitizers have a malloc of their own */
}
#else

#define EXPORTED __attribute__((visibility("default")))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

EXPORTED void *malloc(size_t size);
EXPORTED void *calloc(size_t count, size_t size);
EXPORTED void *realloc(void *memory, size_t size);
EXPORTED void *aligned_alloc(size_t alignment, size_t size);

static _Atomic long allocations;

void *malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, size);
}

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
        long before_all = allocations;
        fixture_create(&fixture, &options);
        assert_true(allocations > before_all + 10); /* the counter works */
        fixture_iterate(&fixture, 1, NULL);
        long before = allocations;
        fixture_iterate(&fixture, 4, NULL); /* episodes end in these */
        assert_int_equal(allocations - before, 0);
        fixture_destroy(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ppo_iterate__allocates_nothing_after_the_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
