#include "service/background.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MOST_WAITING = 64 };

struct question {
    aft_http_handler handler;
    struct aft_http_exchange *exchange;
};

struct aft_background {
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t asked;
    struct question waiting[MOST_WAITING]; /* a ring, from `first` on */
    int first, n_waiting;
    bool ends;
};

/* False once the background ends. */
static bool take(struct question *question, struct aft_background *background)
{
    (void)pthread_mutex_lock(&background->mutex);
    while (background->n_waiting == 0 && !background->ends) {
        (void)pthread_cond_wait(&background->asked, &background->mutex);
    }
    bool taken = !background->ends;
    if (taken) {
        *question = background->waiting[background->first];
        background->first = (background->first + 1) % MOST_WAITING;
        background->n_waiting--;
    }
    (void)pthread_mutex_unlock(&background->mutex);
    return taken;
}

static void *work(void *self)
{
    struct aft_background *background = self;
    struct question question;
    while (take(&question, background)) {
        question.handler(background->context, question.exchange);
    }
    return NULL;
}

enum aft_code aft_background_create(struct aft_background **background, void *context,
                                    struct aft_error *error)
{
    struct aft_background *made = calloc(1, sizeof *made);
    *background = NULL;
    if (made != NULL) {
        made->context = context;
        (void)pthread_mutex_init(&made->mutex, NULL);
        (void)pthread_cond_init(&made->asked, NULL);
    }
    if (made == NULL || pthread_create(&made->thread, NULL, work, made) != 0) {
        free(made);
        return aft_fail(error, AFT_ERR_MEMORY, "start a thread of the server: out of resources");
    }
    *background = made;
    return AFT_OK;
}

void aft_background_destroy(struct aft_background *background)
{
    if (background == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&background->mutex);
    background->ends = true;
    (void)pthread_cond_signal(&background->asked);
    (void)pthread_mutex_unlock(&background->mutex);
    (void)pthread_join(background->thread, NULL);
    for (int i = 0; i < background->n_waiting; i++) {
        aft_http_answer_problem(
            background->waiting[(background->first + i) % MOST_WAITING].exchange, 503,
            "the server ends");
    }
    (void)pthread_cond_destroy(&background->asked);
    (void)pthread_mutex_destroy(&background->mutex);
    free(background);
}

void aft_background_run(struct aft_background *background, aft_http_handler handler,
                        struct aft_http_exchange *exchange)
{
    (void)pthread_mutex_lock(&background->mutex);
    bool taken = background->n_waiting < MOST_WAITING;
    if (taken) {
        int place = (background->first + background->n_waiting++) % MOST_WAITING;
        background->waiting[place] = (struct question){handler, exchange};
        aft_http_defer(exchange);
        (void)pthread_cond_signal(&background->asked);
    }
    (void)pthread_mutex_unlock(&background->mutex);
    if (!taken) {
        aft_http_answer_problem(exchange, 503, "too many questions wait; ask again later");
    }
}
