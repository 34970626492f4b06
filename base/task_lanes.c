/*
 * Invariants:
 * 1. A lane's ticket holds the stage's generation and the number of tasks not yet
 *    claimed. Whoever moves it from (g, k) to (g, k - 1) runs task k - 1 of stage g.
 * 2. `unfinished` reaches 0 after the writes of the stage's last task, and whoever
 *    brings it there calls `next`. A ticket is written anew only after that.
 * 3. Everybody waits for tasks, nobody for threads: one that comes late finds
 *    nothing to claim, or the run finished.
 */
#include "base/task_lanes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct lane {
    _Alignas(64) _Atomic uint64_t ticket; /* generation << 32 | tasks to claim */
    _Alignas(64) _Atomic int unfinished;
};

/* Cache lines apart on purpose. */
struct aft_task_lanes { /* NOLINT(clang-analyzer-optin.performance.Padding) */
    struct lane lane[AFT_TASK_LANES_MAX];
    _Alignas(64) _Atomic bool finished;
    _Atomic int sleepers;
    struct aft_thread_pool *pool;
    const struct aft_task_lanes_work *work;
    int n_lanes, threads, spins;
    pthread_mutex_t mutex;
    pthread_cond_t change;
};

enum aft_code aft_task_lanes_create(struct aft_task_lanes **out, int n_lanes,
                                    struct aft_thread_pool *pool, struct aft_error *error)
{
    *out = NULL;
    if (n_lanes < 1 || n_lanes > AFT_TASK_LANES_MAX) {
        return aft_fail(error, AFT_ERR_USAGE, "create task lanes: %d, not 1…%d", n_lanes,
                        AFT_TASK_LANES_MAX);
    }
    struct aft_task_lanes *lanes = aligned_alloc(64, (sizeof *lanes + 63) / 64 * 64);
    if (lanes == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create task lanes: out of memory");
    }
    *lanes = (struct aft_task_lanes){
        .pool = pool,
        .n_lanes = n_lanes,
        .threads = aft_thread_pool_threads(pool),
        .spins = aft_thread_pool_spins(pool),
    };
    pthread_mutex_init(&lanes->mutex, NULL);
    pthread_cond_init(&lanes->change, NULL);
    *out = lanes;
    return AFT_OK;
}

void aft_task_lanes_destroy(struct aft_task_lanes *lanes)
{
    if (lanes == NULL) {
        return;
    }
    pthread_cond_destroy(&lanes->change);
    pthread_mutex_destroy(&lanes->mutex);
    free(lanes);
}

static void wake_sleepers(struct aft_task_lanes *lanes)
{
    if (atomic_load(&lanes->sleepers) > 0) {
        pthread_mutex_lock(&lanes->mutex);
        pthread_cond_broadcast(&lanes->change);
        pthread_mutex_unlock(&lanes->mutex);
    }
}

void aft_task_lanes_open(struct aft_task_lanes *lanes, int lane, int n)
{
    struct lane *opened = &lanes->lane[lane];
    uint64_t generation = (atomic_load(&opened->ticket) >> 32) + 1;
    atomic_store_explicit(&opened->unfinished, n, memory_order_relaxed);
    atomic_store(&opened->ticket, generation << 32 | (uint32_t)n);
    wake_sleepers(lanes);
}

void aft_task_lanes_finish(struct aft_task_lanes *lanes)
{
    atomic_store(&lanes->finished, true);
    wake_sleepers(lanes);
}

/* Runs a task of the lane if one is left. */
static bool run_one(struct aft_task_lanes *lanes, int number)
{
    struct lane *lane = &lanes->lane[number];
    uint64_t ticket = atomic_load_explicit(&lane->ticket, memory_order_acquire);
    while ((uint32_t)ticket > 0) {
        if (atomic_compare_exchange_weak(&lane->ticket, &ticket, ticket - 1)) {
            const struct aft_task_lanes_work *work = lanes->work;
            work->task(work->context, number, (int)(uint32_t)ticket - 1);
            if (atomic_fetch_sub(&lane->unfinished, 1) == 1) {
                work->next(work->context, lanes, number);
            }
            return true;
        }
    }
    return false;
}

static bool run_any(struct aft_task_lanes *lanes, int home)
{
    for (int k = 0; k < lanes->n_lanes; k++) {
        if (run_one(lanes, (home + k) % lanes->n_lanes)) {
            return true;
        }
    }
    return false;
}

static bool is_idle(struct aft_task_lanes *lanes)
{
    for (int k = 0; k < lanes->n_lanes; k++) {
        if ((uint32_t)atomic_load(&lanes->lane[k].ticket) > 0) {
            return false;
        }
    }
    return !atomic_load(&lanes->finished);
}

static void wait_for_change(struct aft_task_lanes *lanes)
{
    for (int i = 0; i < lanes->spins; i++) {
        if (!is_idle(lanes)) {
            return;
        }
        aft_thread_relax();
    }
    pthread_mutex_lock(&lanes->mutex);
    atomic_fetch_add(&lanes->sleepers, 1);
    while (is_idle(lanes)) {
        pthread_cond_wait(&lanes->change, &lanes->mutex);
    }
    atomic_fetch_sub(&lanes->sleepers, 1);
    pthread_mutex_unlock(&lanes->mutex);
}

static void participate(void *context, int task, int thread)
{
    (void)task;
    struct aft_task_lanes *lanes = context;
    int home = thread * lanes->n_lanes / lanes->threads;
    while (!atomic_load_explicit(&lanes->finished, memory_order_acquire)) {
        if (!run_any(lanes, home)) {
            wait_for_change(lanes);
        }
    }
}

void aft_task_lanes_run(struct aft_task_lanes *lanes, const struct aft_task_lanes_work *work)
{
    lanes->work = work;
    atomic_store(&lanes->finished, false);
    aft_thread_pool_run(lanes->pool, lanes->threads, participate, lanes);
}
