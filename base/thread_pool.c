/*
 * Workers claim tasks from one atomic word that holds the run's generation and
 * the next task's number. Runs may follow each other within some tens of
 * microseconds, so everybody spins for about that long before going to sleep.
 *
 * Invariants:
 * 1. task, context and count belong to the generation in `ticket`, and are
 *    written only while no task is unfinished.
 * 2. Whoever moves the ticket from (g, i) to (g, i + 1) runs task i of run g. A
 *    late worker that read something else before loses the exchange.
 * 3. `remaining` reaches 0 after the last task's writes: the caller sees them.
 */
#include "base/thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { SPINS = 2000, MAX_THREADS = 1024 };

/* Cache lines apart on purpose. */
struct aft_thread_pool {     /* NOLINT(clang-analyzer-optin.performance.Padding) */
    _Atomic uint64_t ticket; /* generation << 32 | next task */
    _Atomic aft_task task;
    _Atomic(void *) context;
    _Atomic int count;
    _Alignas(64) _Atomic int remaining;
    _Alignas(64) _Atomic int sleepers; /* workers asleep on `wake` */
    _Atomic bool caller_sleeps;        /* on `done` */
    _Atomic bool stop;
    int spins; /* 0 when there are more threads than cores */
    int threads;
    int started; /* workers that run: threads - 1 once created */
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    struct worker {
        struct aft_thread_pool *pool;
        pthread_t thread;
        int number; /* 1…threads-1; the caller is 0 */
    } * workers;
};

void aft_thread_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static bool has_work(struct aft_thread_pool *pool)
{
    uint32_t next = (uint32_t)atomic_load(&pool->ticket);
    return next < (uint32_t)atomic_load(&pool->count) || atomic_load(&pool->stop);
}

static void finish_task(struct aft_thread_pool *pool)
{
    if (atomic_fetch_sub(&pool->remaining, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->mutex);
    }
}

/* Runs tasks until none is left to claim. */
static void work(struct aft_thread_pool *pool, int thread)
{
    for (;;) {
        uint64_t ticket = atomic_load(&pool->ticket);
        aft_task task = atomic_load(&pool->task);
        void *context = atomic_load(&pool->context);
        int count = atomic_load(&pool->count);
        uint32_t number = (uint32_t)ticket;
        if (number >= (uint32_t)count) {
            return;
        }
        if (atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1)) {
            task(context, (int)number, thread);
            finish_task(pool);
        }
    }
}

static void wait_for_work(struct aft_thread_pool *pool)
{
    for (int i = 0; i < pool->spins; i++) {
        if (has_work(pool)) {
            return;
        }
        aft_thread_relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!has_work(pool)) {
        pthread_cond_wait(&pool->wake, &pool->mutex);
    }
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    while (!atomic_load(&self->pool->stop)) {
        wait_for_work(self->pool);
        work(self->pool, self->number);
    }
    return NULL;
}

static int usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    int cores = CPU_COUNT(&set);
    return cores > 0 ? cores : 1;
}

/* Signals are for the thread that created the pool. */
static enum aft_code start_workers(struct aft_thread_pool *pool, struct aft_error *error)
{
    sigset_t all, kept;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &kept);
    int failure = 0;
    for (int i = 1; i < pool->threads && failure == 0; i++) {
        struct worker *worker = &pool->workers[i - 1];
        worker->pool = pool;
        worker->number = i;
        failure = pthread_create(&worker->thread, NULL, worker_main, worker);
        pool->started += failure == 0;
    }
    pthread_sigmask(SIG_SETMASK, &kept, NULL);
    if (failure != 0) {
        return aft_fail(error, AFT_ERR_MEMORY, "start thread %d of %d: error %d", pool->started + 2,
                        pool->threads, failure);
    }
    return AFT_OK;
}

enum aft_code aft_thread_pool_create(struct aft_thread_pool **out, int threads,
                                     struct aft_error *error)
{
    *out = NULL;
    if (threads < 0 || threads > MAX_THREADS) {
        return aft_fail(error, AFT_ERR_USAGE, "create thread pool: %d threads, not 0…%d", threads,
                        MAX_THREADS);
    }
    int cores = usable_cores();
    if (threads == 0) {
        threads = cores < MAX_THREADS ? cores : MAX_THREADS;
    }
    size_t size = (sizeof(struct aft_thread_pool) + 63) / 64 * 64;
    struct aft_thread_pool *pool = aligned_alloc(64, size);
    struct worker *workers = calloc((size_t)threads, sizeof *workers);
    if (pool == NULL || workers == NULL) {
        free(pool);
        free(workers);
        return aft_fail(error, AFT_ERR_MEMORY, "create thread pool: out of memory");
    }
    *pool = (struct aft_thread_pool){
        .threads = threads, .spins = threads <= cores ? SPINS : 0, .workers = workers};
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    enum aft_code code = start_workers(pool, error);
    if (code != AFT_OK) {
        aft_thread_pool_destroy(pool);
        return code;
    }
    *out = pool;
    return AFT_OK;
}

void aft_thread_pool_destroy(struct aft_thread_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stop, true);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->started; i++) {
        pthread_join(pool->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}

int aft_thread_pool_threads(const struct aft_thread_pool *pool)
{
    return pool == NULL ? 1 : pool->threads;
}

int aft_thread_pool_spins(const struct aft_thread_pool *pool)
{
    return pool == NULL ? 0 : pool->spins;
}

static void publish(struct aft_thread_pool *pool, int n, aft_task task, void *context)
{
    uint64_t generation = (atomic_load(&pool->ticket) >> 32) + 1;
    atomic_store(&pool->count, 0); /* no late worker finds work before the ticket is new */
    atomic_store(&pool->task, task);
    atomic_store(&pool->context, context);
    atomic_store(&pool->remaining, n);
    atomic_store(&pool->ticket, generation << 32);
    atomic_store(&pool->count, n);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void wait_for_rest(struct aft_thread_pool *pool)
{
    for (int i = 0; i < pool->spins; i++) {
        if (atomic_load(&pool->remaining) == 0) {
            return;
        }
        aft_thread_relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->remaining) != 0) {
        pthread_cond_wait(&pool->done, &pool->mutex);
    }
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}

void aft_thread_pool_run(struct aft_thread_pool *pool, int n, aft_task task, void *context)
{
    if (pool == NULL || pool->threads == 1 || n <= 1) {
        for (int i = 0; i < n; i++) {
            task(context, i, 0);
        }
        return;
    }
    publish(pool, n, task, context);
    work(pool, 0);
    wait_for_rest(pool);
}
