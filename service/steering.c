#include "service/steering.h"

#include "base/path.h"
#include "report/heartbeat.h"
#include "service/training_process.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

enum { MOST_UNANSWERED = 64 };
static const double patience_s = 60;

enum order_kind { ORDER_START, ORDER_STOP, ORDER_CHECKPOINT };

struct order {
    enum order_kind kind;
    struct aft_http_exchange *exchange; /* NULL once it is answered */
    char run[NAME_MAX + 1];
    char **arguments; /* of a start */
    bool under_way;
    bool gone;            /* a stop's: the process has ended, and the index may not know yet */
    bool heard;           /* a checkpoint's: the run has seen the request */
    char saved[PATH_MAX]; /* a checkpoint's: its path, as the event names it; "": not yet */
    double deadline;
    struct aft_process process;          /* of a stop or a checkpoint */
    struct aft_training_process started; /* of a start; pid 0: none */
    struct order *next;
};

struct aft_steering {
    char models_folder[PATH_MAX];
    struct aft_index_view *view;
    int wake_fd;
    pthread_mutex_t mutex; /* over incoming */
    struct order *incoming;
    int n_unanswered; /* incoming and under way */
    struct order *orders;
};

enum aft_code aft_steering_create(struct aft_steering **steering, const char *models_folder,
                                  struct aft_index_view *view, int wake_fd, struct aft_error *error)
{
    struct aft_steering *made = calloc(1, sizeof *made);
    if (!made || pthread_mutex_init(&made->mutex, NULL) != 0) {
        free(made);
        return aft_fail(error, AFT_ERR_MEMORY, "steer runs: out of memory");
    }
    (void)snprintf(made->models_folder, sizeof made->models_folder, "%s", models_folder);
    made->view = view;
    made->wake_fd = wake_fd;
    *steering = made;
    return AFT_OK;
}

static void destroy_arguments(char **arguments)
{
    for (size_t i = 0; arguments && arguments[i]; i++) {
        free(arguments[i]);
    }
    free(arguments);
}

static void destroy_order(struct order *order)
{
    destroy_arguments(order->arguments);
    aft_training_forget(&order->started);
    free(order);
}

static void destroy_orders(struct order *order)
{
    while (order) {
        struct order *next = order->next;
        if (order->exchange) {
            aft_http_answer_problem(order->exchange, 503,
                                    "the server ends; what was asked for may "
                                    "still happen");
        }
        destroy_order(order);
        order = next;
    }
}

void aft_steering_destroy(struct aft_steering *steering)
{
    if (!steering) {
        return;
    }
    destroy_orders(steering->incoming);
    destroy_orders(steering->orders);
    (void)pthread_mutex_destroy(&steering->mutex);
    free(steering);
}

static void submit(struct aft_steering *steering, enum order_kind kind,
                   struct aft_http_exchange *exchange, const char *run, char **arguments)
{
    struct order *order = calloc(1, sizeof *order);
    (void)pthread_mutex_lock(&steering->mutex);
    bool accepted = order && steering->n_unanswered < MOST_UNANSWERED;
    if (accepted) {
        *order = (struct order){
            .kind = kind, .exchange = exchange, .arguments = arguments, .started = {.output = -1}};
        (void)snprintf(order->run, sizeof order->run, "%s", run);
        aft_http_defer(exchange);
        struct order **last = &steering->incoming;
        while (*last) {
            last = &(*last)->next;
        }
        *last = order;
        steering->n_unanswered++;
    }
    (void)pthread_mutex_unlock(&steering->mutex);
    if (accepted) {
        (void)eventfd_write(steering->wake_fd, 1);
        return;
    }
    aft_http_answer_problem(exchange, 503, "too much is under way; ask again later");
    destroy_arguments(arguments);
    free(order);
}

void aft_steering_start(struct aft_steering *steering, struct aft_http_exchange *exchange,
                        const char *run, char **arguments)
{
    submit(steering, ORDER_START, exchange, run, arguments);
}

void aft_steering_stop(struct aft_steering *steering, struct aft_http_exchange *exchange,
                       const char *run)
{
    submit(steering, ORDER_STOP, exchange, run, NULL);
}

void aft_steering_checkpoint(struct aft_steering *steering, struct aft_http_exchange *exchange,
                             const char *run)
{
    submit(steering, ORDER_CHECKPOINT, exchange, run, NULL);
}

static void fail(struct order *order, int status, const char *detail)
{
    aft_http_answer_problem(order->exchange, status, detail);
    order->exchange = NULL;
}

static enum aft_code read_heartbeat(struct aft_json **beat, const struct aft_steering *steering,
                                    const struct order *order, struct aft_error *error)
{
    char folder[PATH_MAX];
    enum aft_code code = aft_path_join(folder, steering->models_folder, order->run, error);
    return code == AFT_OK ? aft_heartbeat_read(beat, folder, error) : code;
}

/* { "run": its summary }, and *summary within it; NULL where the index does not know it. */
static struct aft_json *answer_about(const struct aft_steering *steering, const struct order *order,
                                     const struct aft_json **summary)
{
    struct aft_json *run = NULL;
    if (aft_index_run_summary(&run, steering->view, order->run, NULL) != AFT_OK) {
        return NULL;
    }
    struct aft_json *answer = aft_json_object();
    aft_json_set(answer, "run", run);
    *summary = aft_json_get(answer, "run");
    return answer;
}

static void answer(struct order *order, int status, struct aft_json *document)
{
    aft_http_answer_json(order->exchange, status, document);
    aft_json_destroy(document);
    order->exchange = NULL;
}

/* The archive that the run's folder has under that path, as the index has it once it is verified;
 * NULL until then. */
static struct aft_json *find_archive(const struct aft_steering *steering, const struct order *order,
                                     const char *path)
{
    struct aft_json *models = NULL, *found = NULL;
    char whole[2 * PATH_MAX];
    (void)snprintf(whole, sizeof whole, "%s/%s", order->run, path);
    if (aft_index_models(&models, steering->view, order->run, NULL) != AFT_OK) {
        return NULL;
    }
    const struct aft_json *list = aft_json_get(models, "checkpoints");
    for (size_t i = 0; i < aft_json_length(list) && !found; i++) {
        const struct aft_json *item = aft_json_at(list, i);
        if (strcmp(aft_json_get_string(item, "path", ""), whole) == 0 &&
            !aft_json_is_null(aft_json_get(item, "time"))) { /* which only looking at it tells */
            found = aft_json_copy(item);
        }
    }
    aft_json_destroy(models);
    return found;
}

/* What train said when it ended before it trained, as the answer. */
static void answer_early_end(const struct aft_steering *steering, struct order *order, int status)
{
    static const int statuses[] = {[0] = 201, [1] = 500, [2] = 422, [3] = 409, [4] = 409};
    enum { KNOWN = sizeof statuses / sizeof *statuses };
    const struct aft_json *summary;
    char said[4096];
    aft_training_said(said, sizeof said, &order->started);
    struct aft_json *about = status == 0 ? answer_about(steering, order, &summary) : NULL;
    if (about) {
        aft_json_set(about, "pid", aft_json_null());
        aft_json_set_string(about, "said", said);
        answer(order, 201, about);
        return;
    }
    struct aft_json *members = aft_json_object();
    aft_json_set_integer(members, "exit_code", status);
    aft_http_answer_problem_with(order->exchange,
                                 status > 0 && status < KNOWN ? statuses[status] : 500,
                                 *said ? said : "it ended at once", members);
    order->exchange = NULL;
}

static void begin_start(struct order *order)
{
    struct aft_error error;
    enum aft_code code = aft_training_start(&order->started, order->arguments, &error);
    if (code != AFT_OK) {
        aft_http_answer_failure(order->exchange, &error);
        order->exchange = NULL;
    }
}

/* True once there is nothing left to do, the process to wait for included. */
static bool go_on_start(const struct aft_steering *steering, struct order *order, double now)
{
    int status = 0;
    bool ended = order->started.pid == 0 || aft_training_ended(&order->started, &status);
    if (!order->exchange) {
        return ended;
    }
    const struct aft_json *summary = NULL;
    struct aft_json *about = answer_about(steering, order, &summary);
    /* The last word of a container that is no more may have the same pid. */
    if (aft_json_get_integer(summary, "pid", 0) == order->started.pid &&
        aft_json_get_boolean(summary, "here", false)) {
        aft_json_set_integer(about, "pid", order->started.pid);
        aft_training_forget(&order->started);
        answer(order, 201, about);
        return ended;
    }
    aft_json_destroy(about);
    if (ended) {
        answer_early_end(steering, order, status);
    } else if (now > order->deadline) {
        fail(order, 504, "it was started, but does not say that it trains");
    }
    return ended;
}

/* Finds the process of a stop or a checkpoint, and signals it. */
static void begin_signal(const struct aft_steering *steering, struct order *order)
{
    struct aft_error error;
    struct aft_json *beat = NULL;
    if (read_heartbeat(&beat, steering, order, &error) != AFT_OK) {
        aft_http_answer_failure(order->exchange, &error);
        order->exchange = NULL;
        return;
    }
    bool has_ended = !aft_json_is_null(aft_json_get(beat, "exit_code")) ||
                     !aft_heartbeat_is_of(beat, order->run);
    aft_process_get(&order->process, aft_json_get(beat, "process"));
    aft_json_destroy(beat);
    if (has_ended) {
        fail(order, 409, "this run is not being trained");
        return;
    }
    enum aft_code code =
        aft_training_signal(&order->process, order->kind == ORDER_STOP ? SIGINT : SIGUSR1, &error);
    if (code == AFT_OK) { /* one that was stopped with Ctrl+Z is to hear it too */
        code = aft_training_signal(&order->process, SIGCONT, &error);
    }
    if (code != AFT_OK) {
        fail(order, 409, error.message);
    }
}

static void answer_stopped(const struct aft_steering *steering, struct order *order)
{
    struct aft_error error;
    struct aft_json *beat = NULL, *archive = NULL;
    const struct aft_json *summary = NULL;
    enum aft_code code = read_heartbeat(&beat, steering, order, &error);
    const struct aft_json *last = code == AFT_OK ? aft_json_get(beat, "last_archive") : NULL;
    bool interrupted = strcmp(aft_json_get_string(beat, "state", ""), "interrupted") == 0 &&
                       strcmp(aft_json_get_string(last, "kind", ""), "interrupted") == 0;
    if (interrupted) {
        archive = find_archive(steering, order, aft_json_get_string(last, "path", ""));
    }
    aft_json_destroy(beat);
    if (interrupted && !archive) {
        return; /* the index has yet to look at it */
    }
    struct aft_json *about = answer_about(steering, order, &summary);
    if (!about) {
        aft_json_destroy(archive);
        fail(order, 404, "it has ended, and its folder is not there any more");
        return;
    }
    aft_json_set(about, "archive", archive ? archive : aft_json_null());
    answer(order, 200, about);
}

static bool go_on_stop(const struct aft_steering *steering, struct order *order, double now)
{
    if (order->gone) { /* and the index was refreshed since */
        answer_stopped(steering, order);
    }
    order->gone = aft_process_presence(&order->process) != AFT_PROCESS_RUNS;
    if (order->exchange && now > order->deadline) {
        fail(order, 504,
             order->gone ? "it has ended; its archive has not been verified yet"
                         : "it was asked to stop, and has not ended yet");
    }
    return !order->exchange;
}

static bool go_on_checkpoint(const struct aft_steering *steering, struct order *order, double now)
{
    struct aft_json *archive =
        *order->saved != '\0' ? find_archive(steering, order, order->saved) : NULL;
    if (archive) {
        const struct aft_json *summary = NULL;
        struct aft_json *about = answer_about(steering, order, &summary);
        aft_json_set(about, "archive", archive);
        answer(order, 200, about);
    } else if (*order->saved == '\0' && aft_process_presence(&order->process) != AFT_PROCESS_RUNS) {
        fail(order, 409, "it ended before it wrote a checkpoint");
    } else if (now > order->deadline) {
        fail(order, 504, "it was asked for a checkpoint, and has not written it yet");
    }
    return !order->exchange;
}

void aft_steering_note_event(struct aft_steering *steering, const char *run,
                             const struct aft_json *event)
{
    const char *what = aft_json_get_string(event, "event", "");
    const char *kind = aft_json_get_string(event, "kind", "");
    for (struct order *order = steering->orders; order; order = order->next) {
        if (order->kind != ORDER_CHECKPOINT || strcmp(order->run, run) != 0) {
            continue;
        }
        if (strcmp(what, "checkpoint_requested") == 0) {
            order->heard = true;
        } else if (order->heard && *order->saved == '\0' && strcmp(what, "archive_saved") == 0 &&
                   strcmp(kind, "checkpoint") == 0) {
            (void)snprintf(order->saved, sizeof order->saved, "%s",
                           aft_json_get_string(event, "path", ""));
        }
    }
}

static void begin(const struct aft_steering *steering, struct order *order, double now)
{
    order->under_way = true;
    order->deadline = now + patience_s;
    if (order->kind == ORDER_START) {
        begin_start(order);
    } else {
        begin_signal(steering, order);
    }
}

/* True once it may be forgotten. */
static bool go_on(const struct aft_steering *steering, struct order *order, double now)
{
    if (!order->under_way) {
        begin(steering, order, now);
        return !order->exchange && order->started.pid == 0;
    }
    switch (order->kind) {
    case ORDER_START:
        return go_on_start(steering, order, now);
    case ORDER_STOP:
        return go_on_stop(steering, order, now);
    case ORDER_CHECKPOINT:
        break;
    }
    return go_on_checkpoint(steering, order, now);
}

static void take_incoming(struct aft_steering *steering)
{
    struct order **last = &steering->orders;
    while (*last) {
        last = &(*last)->next;
    }
    (void)pthread_mutex_lock(&steering->mutex);
    *last = steering->incoming;
    steering->incoming = NULL;
    (void)pthread_mutex_unlock(&steering->mutex);
}

bool aft_steering_step(struct aft_steering *steering, double now)
{
    int answered = 0, waiting = 0;
    take_incoming(steering);
    struct order **place = &steering->orders;
    while (*place) {
        struct order *order = *place;
        bool waited = order->exchange != NULL;
        bool done = go_on(steering, order, now);
        answered += waited && !order->exchange;
        waiting += order->exchange != NULL;
        if (done) {
            *place = order->next;
            destroy_order(order);
        } else {
            place = &order->next;
        }
    }
    (void)pthread_mutex_lock(&steering->mutex);
    steering->n_unanswered -= answered;
    (void)pthread_mutex_unlock(&steering->mutex);
    return waiting > 0;
}
