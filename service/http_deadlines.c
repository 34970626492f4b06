#include "service/http_deadlines.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { TICK_MS = 500 };

struct aft_http_deadline {
    struct aft_http_deadline *next, *previous;
    int fd;
    _Atomic int64_t at_ms; /* 0: none */
};

struct aft_http_deadlines {
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t ended;
    bool end;
    int count;
    struct aft_http_deadline *first;
    void (*tick)(void *context);
    void *context;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void end_those_overdue(struct aft_http_deadlines *deadlines)
{
    int64_t now = now_ms();
    for (struct aft_http_deadline *one = deadlines->first; one != NULL; one = one->next) {
        int64_t at = atomic_load(&one->at_ms);
        if (at != 0 && at <= now) {
            (void)shutdown(one->fd, SHUT_RDWR);
            atomic_store(&one->at_ms, 0);
        }
    }
}

static void *run(void *argument)
{
    struct aft_http_deadlines *deadlines = argument;
    (void)pthread_mutex_lock(&deadlines->mutex);
    while (!deadlines->end) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        if (pthread_cond_timedwait(&deadlines->ended, &deadlines->mutex, &until) != ETIMEDOUT) {
            continue;
        }
        end_those_overdue(deadlines);
        (void)pthread_mutex_unlock(&deadlines->mutex);
        deadlines->tick(deadlines->context);
        (void)pthread_mutex_lock(&deadlines->mutex);
    }
    (void)pthread_mutex_unlock(&deadlines->mutex);
    return NULL;
}

enum aft_code aft_http_deadlines_create(struct aft_http_deadlines **out,
                                        void (*tick)(void *context), void *context,
                                        struct aft_error *error)
{
    struct aft_http_deadlines *deadlines = calloc(1, sizeof *deadlines);
    if (deadlines == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "watch over connections: out of memory");
    }
    deadlines->tick = tick;
    deadlines->context = context;
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&deadlines->ended, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&deadlines->mutex, NULL);
    errno = pthread_create(&deadlines->thread, NULL, run, deadlines);
    if (errno != 0) {
        (void)aft_fail_errno(error, "start a thread for deadlines");
        (void)pthread_mutex_destroy(&deadlines->mutex);
        (void)pthread_cond_destroy(&deadlines->ended);
        free(deadlines);
        return AFT_ERR_IO;
    }
    *out = deadlines;
    return AFT_OK;
}

void aft_http_deadlines_destroy(struct aft_http_deadlines *deadlines)
{
    if (deadlines == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&deadlines->mutex);
    deadlines->end = true;
    (void)pthread_cond_signal(&deadlines->ended);
    (void)pthread_mutex_unlock(&deadlines->mutex);
    (void)pthread_join(deadlines->thread, NULL);
    (void)pthread_mutex_destroy(&deadlines->mutex);
    (void)pthread_cond_destroy(&deadlines->ended);
    free(deadlines);
}

struct aft_http_deadline *aft_http_deadlines_add(struct aft_http_deadlines *deadlines, int fd)
{
    struct aft_http_deadline *one = calloc(1, sizeof *one);
    if (one == NULL) {
        return NULL;
    }
    one->fd = fd;
    (void)pthread_mutex_lock(&deadlines->mutex);
    one->next = deadlines->first;
    if (one->next != NULL) {
        one->next->previous = one;
    }
    deadlines->first = one;
    deadlines->count++;
    (void)pthread_mutex_unlock(&deadlines->mutex);
    return one;
}

void aft_http_deadlines_remove(struct aft_http_deadlines *deadlines, struct aft_http_deadline *one)
{
    if (one == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&deadlines->mutex);
    *(one->previous != NULL ? &one->previous->next : &deadlines->first) = one->next;
    if (one->next != NULL) {
        one->next->previous = one->previous;
    }
    deadlines->count--;
    (void)pthread_mutex_unlock(&deadlines->mutex);
    free(one);
}

int aft_http_deadlines_count(struct aft_http_deadlines *deadlines)
{
    (void)pthread_mutex_lock(&deadlines->mutex);
    int count = deadlines->count;
    (void)pthread_mutex_unlock(&deadlines->mutex);
    return count;
}

void aft_http_deadline_set(struct aft_http_deadline *deadline, double seconds)
{
    if (deadline != NULL) {
        atomic_store(&deadline->at_ms, seconds > 0 ? now_ms() + (int64_t)(seconds * 1e3) : 0);
    }
}
