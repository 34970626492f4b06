/* base/task_lanes.h: stages in order, every task once, lanes that wait for each other. */
#include "base/task_lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LANES = 2, FIRST = 3, SECOND = 5, ROUNDS = 20 };

/* Each lane goes through two stages; then both wait for each other, 20 times.
 * Nothing is atomic but the count of lanes that wait. */
struct journey {
    int stage[LANES];
    int runs[LANES][2][SECOND];
    int rounds;
    bool wrong_order;
    _Atomic int waiting;
};

static void run_task(void *context, int lane, int task)
{
    struct journey *journey = context;
    journey->runs[lane][journey->stage[lane] % 2][task]++;
}

static void check_round(struct journey *journey)
{
    journey->rounds++;
    for (int lane = 0; lane < LANES; lane++) {
        for (int task = 0; task < SECOND; task++) {
            int expected = task < FIRST ? journey->rounds : 0;
            journey->wrong_order |= journey->runs[lane][0][task] != expected ||
                                    journey->runs[lane][1][task] != journey->rounds;
        }
    }
}

static void go_on(void *context, struct aft_task_lanes *lanes, int lane)
{
    struct journey *journey = context;
    if (journey->stage[lane]++ % 2 == 0) {
        aft_task_lanes_open(lanes, lane, SECOND);
        return;
    }
    if (atomic_fetch_add(&journey->waiting, 1) < LANES - 1) {
        return;
    }
    journey->waiting = 0;
    check_round(journey);
    if (journey->rounds == ROUNDS) {
        aft_task_lanes_finish(lanes);
        return;
    }
    aft_task_lanes_open(lanes, 0, FIRST);
    aft_task_lanes_open(lanes, 1, FIRST);
}

static void check_journeys(struct aft_thread_pool *pool)
{
    struct aft_task_lanes *lanes = NULL;
    struct aft_error error;
    assert_int_equal(aft_task_lanes_create(&lanes, LANES, pool, &error), AFT_OK);
    for (int k = 0; k < 100; k++) {
        struct journey journey;
        memset(&journey, 0, sizeof journey);
        const struct aft_task_lanes_work work = {&journey, run_task, go_on};
        aft_task_lanes_open(lanes, 0, FIRST);
        aft_task_lanes_open(lanes, 1, FIRST);
        aft_task_lanes_run(lanes, &work);
        assert_int_equal(journey.rounds, ROUNDS);
        assert_false(journey.wrong_order);
    }
    aft_task_lanes_destroy(lanes);
}

/* Five threads are more than most machines that test have cores, and so sleep. */
static void task_lanes_run__runs_every_stage_in_order(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        struct aft_thread_pool *pool = NULL;
        struct aft_error error;
        assert_int_equal(aft_thread_pool_create(&pool, threads, &error), AFT_OK);
        check_journeys(pool);
        aft_thread_pool_destroy(pool);
    }
}

static void task_lanes_run__works_without_a_pool(void **state)
{
    (void)state;
    check_journeys(NULL);
}

static void task_lanes_create__refuses_a_number_of_lanes_out_of_range(void **state)
{
    (void)state;
    struct aft_task_lanes *lanes = NULL;
    struct aft_error error;
    assert_int_equal(aft_task_lanes_create(&lanes, 0, NULL, &error), AFT_ERR_USAGE);
    assert_int_equal(aft_task_lanes_create(&lanes, AFT_TASK_LANES_MAX + 1, NULL, &error),
                     AFT_ERR_USAGE);
    assert_null(lanes);
    aft_task_lanes_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(task_lanes_run__runs_every_stage_in_order),
        cmocka_unit_test(task_lanes_run__works_without_a_pool),
        cmocka_unit_test(task_lanes_create__refuses_a_number_of_lanes_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
