/*
 * A fixed pool of threads that runs numbered tasks. Which thread runs a task
 * varies; what a task computes must depend on its number only, and reductions
 * over tasks are done by the caller in the order of the numbers. That keeps
 * results free of the number of threads.
 */
#ifndef AFT_BASE_THREAD_POOL_H
#define AFT_BASE_THREAD_POOL_H

#include "base/error.h"

struct aft_thread_pool;

/* A task: its number, and the thread (0…threads-1) that runs it, for scratch. */
typedef void (*aft_task)(void *context, int task, int thread);

/* threads counts the caller, who works too; 0 means all cores that this process may use. */
enum aft_code aft_thread_pool_create(struct aft_thread_pool **pool, int threads,
                                     struct aft_error *error);
void aft_thread_pool_destroy(struct aft_thread_pool *pool);

int aft_thread_pool_threads(const struct aft_thread_pool *pool);

/* How often a thread should look for work before it goes to sleep: 0 where there
 * are more threads than cores. */
int aft_thread_pool_spins(const struct aft_thread_pool *pool);
/* Between two looks. */
void aft_thread_relax(void);

/* Runs tasks 0…n-1 and returns when all are done. Not reentrant; one caller at
 * a time. pool may be NULL: the caller then runs them all, as thread 0. */
void aft_thread_pool_run(struct aft_thread_pool *pool, int n, aft_task task, void *context);

#endif
