#include "service/http_listeners.h"

#include "service/http_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEEP_ALIVE_S = 15, GRACE_S = 1 };

struct aft_http_listener {
    struct aft_http_listeners *set;
    struct aft_http_listener *next, *previous;
    char *run;
    struct aft_http_queue queue;
    void *connection;
    struct aft_http_deadline *deadline;
    bool paused, ended;
    time_t busy; /* when something was queued last */
};

struct aft_http_listeners {
    pthread_mutex_t mutex;
    struct aft_http_valve valve;
    struct aft_http_listener *first;
    int count, most;
    bool ended;
    struct aft_http_message *greeting, *comment;
};

static time_t now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

struct aft_http_listeners *aft_http_listeners_create(int most, struct aft_http_valve valve)
{
    struct aft_http_listeners *set = calloc(1, sizeof *set);
    if (set == NULL) {
        return NULL;
    }
    set->most = most;
    set->valve = valve;
    set->greeting = aft_http_message_raw("retry: 2000\n\n");
    set->comment = aft_http_message_raw(":\n\n");
    (void)pthread_mutex_init(&set->mutex, NULL);
    if (set->greeting == NULL || set->comment == NULL) {
        aft_http_listeners_destroy(set);
        return NULL;
    }
    return set;
}

void aft_http_listeners_destroy(struct aft_http_listeners *set)
{
    if (set == NULL) {
        return;
    }
    aft_http_message_release(set->greeting);
    aft_http_message_release(set->comment);
    (void)pthread_mutex_destroy(&set->mutex);
    free(set);
}

/* What follows up to "of the set" is called with the lock held. */

static void resume(struct aft_http_listener *listener)
{
    if (listener->paused) {
        listener->paused = false;
        listener->set->valve.resume(listener->connection);
    }
}

/* One that is stuck in sending is not asked again for bytes: its connection is ended. */
static void end(struct aft_http_listener *listener)
{
    listener->ended = true;
    aft_http_queue_clear(&listener->queue);
    aft_http_deadline_set(listener->deadline, GRACE_S);
    resume(listener);
}

static void push(struct aft_http_listener *listener, struct aft_http_message *message)
{
    if (listener->ended) {
        return;
    }
    if (!aft_http_queue_push(&listener->queue, message)) {
        end(listener);
        return;
    }
    listener->busy = now_s();
    resume(listener);
}

static bool listens_to(const struct aft_http_listener *listener, const char *run)
{
    return run == NULL || listener->run == NULL || strcmp(listener->run, run) == 0;
}

static void insert(struct aft_http_listeners *set, struct aft_http_listener *listener)
{
    listener->next = set->first;
    if (listener->next != NULL) {
        listener->next->previous = listener;
    }
    set->first = listener;
    set->count++;
}

/* Of the set. */

struct aft_http_listener *aft_http_listeners_add(struct aft_http_listeners *set, const char *run)
{
    struct aft_http_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL || (run != NULL && (listener->run = strdup(run)) == NULL)) {
        free(listener);
        return NULL;
    }
    listener->set = set;
    aft_http_queue_init(&listener->queue);
    (void)pthread_mutex_lock(&set->mutex);
    bool full = set->count == set->most;
    if (!full) {
        insert(set, listener);
        push(listener, set->greeting);
        listener->ended = set->ended;
    }
    (void)pthread_mutex_unlock(&set->mutex);
    if (full) {
        free(listener->run);
        free(listener);
        return NULL;
    }
    return listener;
}

void aft_http_listener_remove(struct aft_http_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    struct aft_http_listeners *set = listener->set;
    (void)pthread_mutex_lock(&set->mutex);
    *(listener->previous != NULL ? &listener->previous->next : &set->first) = listener->next;
    if (listener->next != NULL) {
        listener->next->previous = listener->previous;
    }
    set->count--;
    aft_http_queue_clear(&listener->queue);
    (void)pthread_mutex_unlock(&set->mutex);
    free(listener->run);
    free(listener);
}

void aft_http_listener_connect(struct aft_http_listener *listener, void *connection,
                               struct aft_http_deadline *deadline)
{
    (void)pthread_mutex_lock(&listener->set->mutex);
    listener->connection = connection;
    listener->deadline = deadline;
    aft_http_deadline_set(deadline, 0);
    (void)pthread_mutex_unlock(&listener->set->mutex);
}

ssize_t aft_http_listener_read(struct aft_http_listener *listener, char *bytes, size_t size)
{
    struct aft_http_listeners *set = listener->set;
    (void)pthread_mutex_lock(&set->mutex);
    ssize_t taken = -1;
    if (!listener->ended) {
        taken = (ssize_t)aft_http_queue_take(&listener->queue, bytes, size);
        if (taken == 0) {
            listener->paused = true;
            set->valve.pause(listener->connection);
        }
    }
    (void)pthread_mutex_unlock(&set->mutex);
    return taken;
}

void aft_http_listeners_publish(struct aft_http_listeners *set, const char *run, const char *event,
                                const struct aft_json *data)
{
    struct aft_http_message *message = aft_http_message_create(event, data);
    (void)pthread_mutex_lock(&set->mutex);
    for (struct aft_http_listener *one = set->first; one != NULL; one = one->next) {
        if (!listens_to(one, run)) {
            continue;
        }
        if (message != NULL) {
            push(one, message);
        } else {
            end(one); /* it reads the lists anew when it comes back, and has missed nothing */
        }
    }
    aft_http_message_release(message);
    (void)pthread_mutex_unlock(&set->mutex);
}

void aft_http_listeners_keep_alive(struct aft_http_listeners *set)
{
    time_t now = now_s();
    (void)pthread_mutex_lock(&set->mutex);
    for (struct aft_http_listener *one = set->first; one != NULL; one = one->next) {
        if (one->queue.count == 0 && now - one->busy >= KEEP_ALIVE_S) {
            push(one, set->comment);
        }
    }
    (void)pthread_mutex_unlock(&set->mutex);
}

void aft_http_listeners_end(struct aft_http_listeners *set)
{
    (void)pthread_mutex_lock(&set->mutex);
    set->ended = true;
    for (struct aft_http_listener *one = set->first; one != NULL; one = one->next) {
        end(one);
    }
    (void)pthread_mutex_unlock(&set->mutex);
}

int aft_http_listeners_count(struct aft_http_listeners *set)
{
    (void)pthread_mutex_lock(&set->mutex);
    int count = set->count;
    (void)pthread_mutex_unlock(&set->mutex);
    return count;
}
