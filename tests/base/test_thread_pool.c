/* base/thread_pool.h: every task runs once, whatever the number of threads. */
#include "base/thread_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

enum { MAX_TASKS = 257 };

struct counted {
    _Atomic int runs[MAX_TASKS];
    _Atomic int threads_out_of_range;
    int threads;
};

static void count_run(void *context, int task, int thread)
{
    struct counted *counted = context;
    atomic_fetch_add(&counted->runs[task], 1);
    if (thread < 0 || thread >= counted->threads) {
        atomic_fetch_add(&counted->threads_out_of_range, 1);
    }
}

static void check_every_task_runs_once(struct aft_thread_pool *pool, int threads, int n)
{
    struct counted counted = {.threads = threads};
    aft_thread_pool_run(pool, n, count_run, &counted);
    for (int i = 0; i < n; i++) {
        assert_int_equal(counted.runs[i], 1);
    }
    for (int i = n; i < MAX_TASKS; i++) {
        assert_int_equal(counted.runs[i], 0);
    }
    assert_int_equal(counted.threads_out_of_range, 0);
}

static void thread_pool_run__runs_every_task_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        struct aft_thread_pool *pool = NULL;
        struct aft_error error;
        assert_int_equal(aft_thread_pool_create(&pool, threads, &error), AFT_OK);
        assert_int_equal(aft_thread_pool_threads(pool), threads);
        for (int round = 0; round < 200; round++) {
            check_every_task_runs_once(pool, threads, round % 7);
        }
        check_every_task_runs_once(pool, threads, MAX_TASKS);
        aft_thread_pool_destroy(pool);
    }
}

static void thread_pool_run__works_without_a_pool(void **state)
{
    (void)state;
    assert_int_equal(aft_thread_pool_threads(NULL), 1);
    check_every_task_runs_once(NULL, 1, 9);
    aft_thread_pool_destroy(NULL);
}

struct sum {
    int64_t parts[16];
};

static void write_part(void *context, int task, int thread)
{
    (void)thread;
    struct sum *sum = context;
    sum->parts[task] += task; /* plain writes: run returns after they are visible */
}

static void thread_pool_run__shows_the_caller_all_writes(void **state)
{
    (void)state;
    struct aft_thread_pool *pool = NULL;
    struct aft_error error;
    assert_int_equal(aft_thread_pool_create(&pool, 3, &error), AFT_OK);
    struct sum sum = {{0}};
    enum { ROUNDS = 5000 };
    for (int round = 0; round < ROUNDS; round++) {
        aft_thread_pool_run(pool, 16, write_part, &sum);
        for (int i = 0; i < 16; i++) {
            assert_int_equal(sum.parts[i], (int64_t)i * (round + 1));
        }
    }
    aft_thread_pool_destroy(pool);
}

static void thread_pool_run__wakes_sleeping_workers(void **state)
{
    (void)state;
    struct aft_thread_pool *pool = NULL;
    struct aft_error error;
    assert_int_equal(aft_thread_pool_create(&pool, 4, &error), AFT_OK);
    for (int round = 0; round < 5; round++) {
        const struct timespec pause = {0, 5000000};
        nanosleep(&pause, NULL);
        check_every_task_runs_once(pool, 4, 64);
    }
    aft_thread_pool_destroy(pool);
}

static void thread_pool_create__takes_all_cores_for_zero(void **state)
{
    (void)state;
    struct aft_thread_pool *pool = NULL;
    struct aft_error error;
    assert_int_equal(aft_thread_pool_create(&pool, 0, &error), AFT_OK);
    assert_true(aft_thread_pool_threads(pool) >= 1);
    aft_thread_pool_destroy(pool);
}

static void thread_pool_create__refuses_a_negative_number(void **state)
{
    (void)state;
    struct aft_thread_pool *pool = NULL;
    struct aft_error error;
    assert_int_equal(aft_thread_pool_create(&pool, -1, &error), AFT_ERR_USAGE);
    assert_null(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_pool_run__runs_every_task_once),
        cmocka_unit_test(thread_pool_run__works_without_a_pool),
        cmocka_unit_test(thread_pool_run__shows_the_caller_all_writes),
        cmocka_unit_test(thread_pool_run__wakes_sleeping_workers),
        cmocka_unit_test(thread_pool_create__takes_all_cores_for_zero),
        cmocka_unit_test(thread_pool_create__refuses_a_negative_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
