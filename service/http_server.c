/*
 * libmicrohttpd's side of the server. Its thread calls on_request several times for each
 * request: with the head, with each piece of the body, at its end, and once more when a
 * connection that was suspended is resumed.
 *
 * An exchange is freed by whoever comes last: libmicrohttpd, when it is done with the request,
 * or the one who answers a deferred exchange. Where the connection has gone, or the server
 * has stopped, the answer is dropped.
 */
#include "service/http_deadlines.h"
#include "service/http_exchange.h"
#include "service/http_listeners.h"
#include "service/http_socket.h"

#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CONNECTION_BYTES = 32 << 10, /* for a head, its cookies once more, and an answer's head */
    SPARE_CONNECTIONS = 16,      /* in which too many are told so */
    SLOWEST_RATE = 16 << 10,     /* bytes a second in which an answer must be taken */
    STREAM_BLOCK = 4096,
};

struct aft_http_server {
    struct MHD_Daemon *daemon;
    struct aft_http_config config;
    struct aft_http_rules rules;
    struct aft_http_deadlines *deadlines;
    struct aft_http_listeners *listeners;
    pthread_mutex_t mutex; /* of what follows, and of the exchanges' part */
    int references;        /* the owner's, and one for each exchange */
    bool stopping;
    struct aft_http_exchange *suspended;
};

static void release(struct aft_http_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    bool last = --server->references == 0;
    (void)pthread_mutex_unlock(&server->mutex);
    if (last) {
        aft_http_listeners_destroy(server->listeners);
        (void)pthread_mutex_destroy(&server->mutex);
        free(server);
    }
}

static void destroy_exchange(struct aft_http_exchange *exchange)
{
    struct aft_http_server *server = exchange->server;
    aft_http_exchange_destroy(exchange);
    release(server);
}

/* Suspended exchanges; the lock is held. */

static void suspend(struct aft_http_exchange *exchange)
{
    struct aft_http_server *server = exchange->server;
    exchange->suspended = true;
    exchange->previous = NULL;
    exchange->next = server->suspended;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange;
    }
    server->suspended = exchange;
    aft_http_deadline_set(exchange->deadline, 0);
    (void)MHD_suspend_connection(exchange->connection);
}

static void resume(struct aft_http_exchange *exchange)
{
    exchange->suspended = false;
    *(exchange->previous != NULL ? &exchange->previous->next : &exchange->server->suspended) =
        exchange->next;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    }
    MHD_resume_connection(exchange->connection);
}

void aft_http_defer(struct aft_http_exchange *exchange)
{
    (void)pthread_mutex_lock(&exchange->server->mutex);
    exchange->deferred = true;
    (void)pthread_mutex_unlock(&exchange->server->mutex);
}

void aft_http_deliver(struct aft_http_exchange *exchange, const struct aft_http_answer *answer)
{
    pthread_mutex_t *mutex = &exchange->server->mutex;
    (void)pthread_mutex_lock(mutex);
    exchange->answer = *answer;
    exchange->answered = true;
    bool alone = exchange->connection == NULL;
    if (exchange->suspended) {
        resume(exchange);
    }
    (void)pthread_mutex_unlock(mutex);
    if (alone) {
        destroy_exchange(exchange);
    }
}

static void pause_connection(void *connection)
{
    (void)MHD_suspend_connection(connection);
}

static void resume_connection(void *connection)
{
    MHD_resume_connection(connection);
}

static ssize_t read_stream(void *listener, uint64_t position, char *bytes, size_t size)
{
    (void)position;
    ssize_t taken = aft_http_listener_read(listener, bytes, size);
    return taken < 0 ? MHD_CONTENT_READER_END_OF_STREAM : taken;
}

static void end_stream(void *listener)
{
    aft_http_listener_remove(listener);
}

/* The response takes over what the answer holds. */
static struct MHD_Response *make_response(struct aft_http_answer *answer)
{
    struct MHD_Response *response = NULL;
    switch (answer->kind) {
    case AFT_HTTP_BYTES:
        response =
            MHD_create_response_from_buffer(answer->size, answer->bytes, MHD_RESPMEM_MUST_FREE);
        break;
    case AFT_HTTP_STATIC:
        response = MHD_create_response_from_buffer(answer->size, (void *)answer->borrowed,
                                                   MHD_RESPMEM_PERSISTENT);
        break;
    case AFT_HTTP_FILE:
        response = MHD_create_response_from_fd64(answer->size, answer->fd);
        break;
    case AFT_HTTP_STREAM:
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream,
                                                     answer->listener, end_stream);
        break;
    case AFT_HTTP_NO_ANSWER:
        break;
    }
    if (response != NULL) {
        answer->kind = AFT_HTTP_NO_ANSWER;
    }
    return response;
}

static bool add_fields(struct MHD_Response *response, const struct aft_http_answer *answer,
                       const struct aft_http_ruling *ruling)
{
    const struct aft_http_field fields[] = {
        {"Content-Type", answer->content_type},
        {"Cache-Control", answer->caching},
        {"Content-Security-Policy", answer->policy},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"ETag", *answer->etag != '\0' ? answer->etag : NULL},
        {"Allow", answer->status == 405 ? ruling->allow : NULL},
        {"WWW-Authenticate", answer->status == 401 ? "Bearer" : NULL},
        {"Connection", ruling->at_once ? "close" : NULL},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].value != NULL &&
            MHD_add_response_header(response, fields[i].name, fields[i].value) != MHD_YES) {
            return false;
        }
    }
    return true;
}

static enum MHD_Result send_answer(struct aft_http_exchange *exchange)
{
    struct aft_http_answer *answer = &exchange->answer;
    double seconds = exchange->server->config.timeout_s + (double)answer->size / SLOWEST_RATE;
    aft_http_deadline_set(exchange->deadline, seconds);
    if (answer->kind == AFT_HTTP_STREAM) {
        aft_http_listener_connect(answer->listener, exchange->connection, exchange->deadline);
    }
    struct MHD_Response *response = make_response(answer);
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result result = MHD_NO;
    if (add_fields(response, answer, &exchange->ruling)) {
        result = MHD_queue_response(exchange->connection, (unsigned)answer->status, response);
    }
    MHD_destroy_response(response);
    return result;
}

/* Sends the answer, or waits for it. */
static enum MHD_Result settle(struct aft_http_exchange *exchange)
{
    struct aft_http_server *server = exchange->server;
    (void)pthread_mutex_lock(&server->mutex);
    bool answered = exchange->answered;
    if (!answered && exchange->deferred && !server->stopping) {
        suspend(exchange);
    }
    bool suspended = exchange->suspended; /* another thread may change it from here on */
    (void)pthread_mutex_unlock(&server->mutex);
    if (suspended) {
        return MHD_YES;
    }
    return answered ? send_answer(exchange) : MHD_NO;
}

static enum MHD_Result dispatch(struct aft_http_exchange *exchange)
{
    const struct aft_http_ruling *ruling = &exchange->ruling;
    exchange->dispatched = true;
    if (ruling->status != 0) {
        aft_http_answer_problem(exchange, ruling->status, ruling->detail);
        return settle(exchange);
    }
    struct aft_error error = {0};
    if (strcmp(ruling->route->method, "POST") == 0 &&
        aft_http_read_body(&exchange->body, exchange->body_text, exchange->body_size, &error) !=
            AFT_OK) {
        aft_http_answer_problem(exchange, 400, error.message);
    } else {
        ruling->route->handler(exchange->server->config.context, exchange);
    }
    return settle(exchange);
}

struct copying {
    struct aft_http_exchange *exchange;
    int status; /* of a refusal, or 0 */
};

static enum MHD_Result copy_field(void *closure, enum MHD_ValueKind kind, const char *name,
                                  size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    struct copying *copying = closure;
    copying->status = aft_http_exchange_add_field(copying->exchange, name, name_size,
                                                  value != NULL ? value : "", value_size);
    return copying->status == 0 ? MHD_YES : MHD_NO;
}

static enum MHD_Result judge(struct aft_http_exchange *exchange, const char *method)
{
    struct aft_http_server *server = exchange->server;
    struct aft_http_ruling *ruling = &exchange->ruling;
    exchange->judged = true;
    exchange->head.method = method;
    struct copying copying = {.exchange = exchange};
    (void)MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, copy_field, &copying);
    bool many = aft_http_deadlines_count(server->deadlines) > server->config.max_connections;
    if (copying.status != 0 || many) {
        *ruling =
            (struct aft_http_ruling){.status = many ? 503 : copying.status,
                                     .detail = many ? "there are too many connections"
                                                    : "the request's head cannot be understood",
                                     .at_once = true};
    } else {
        aft_http_judge(ruling, &exchange->target, exchange->target_text, &exchange->head,
                       &server->rules);
    }
    exchange->head.method = NULL; /* it is the connection's */
    return ruling->at_once ? dispatch(exchange) : MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): parameters are the library's */
static enum MHD_Result on_request(void *closure, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_size, void **request)
{
    (void)closure;
    (void)connection;
    (void)url;
    (void)version;
    struct aft_http_exchange *exchange = *request;
    if (exchange == NULL) {
        return MHD_NO;
    }
    if (!exchange->judged) {
        return judge(exchange, method);
    }
    if (*body_size > 0) {
        size_t size = *body_size;
        *body_size = 0;
        return aft_http_exchange_add_body(exchange, body, size, exchange->server->config.max_body)
                   ? MHD_YES
                   : MHD_NO;
    }
    return exchange->dispatched ? settle(exchange) : dispatch(exchange);
}

static void *on_request_line(void *closure, const char *target, struct MHD_Connection *connection)
{
    struct aft_http_server *server = closure;
    struct aft_http_exchange *exchange =
        aft_http_exchange_create(server, target != NULL ? target : "");
    if (exchange == NULL) {
        return NULL;
    }
    exchange->connection = connection;
    exchange->listeners = server->listeners;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    exchange->deadline = info != NULL ? info->socket_context : NULL;
    aft_http_deadline_set(exchange->deadline, server->config.timeout_s);
    (void)pthread_mutex_lock(&server->mutex);
    server->references++;
    (void)pthread_mutex_unlock(&server->mutex);
    return exchange;
}

static void on_completed(void *closure, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode why)
{
    (void)connection;
    (void)why;
    struct aft_http_server *server = closure;
    struct aft_http_exchange *exchange = *request;
    *request = NULL;
    if (exchange == NULL) {
        return;
    }
    aft_http_deadline_set(exchange->deadline, server->config.timeout_s);
    (void)pthread_mutex_lock(&server->mutex);
    exchange->connection = NULL;
    bool awaited = exchange->deferred && !exchange->answered;
    (void)pthread_mutex_unlock(&server->mutex);
    if (!awaited) {
        destroy_exchange(exchange);
    }
}

static void on_connection(void *closure, struct MHD_Connection *connection, void **deadline,
                          enum MHD_ConnectionNotificationCode what)
{
    struct aft_http_server *server = closure;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        aft_http_deadlines_remove(server->deadlines, *deadline);
        *deadline = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL) {
        *deadline = aft_http_deadlines_add(server->deadlines, info->connect_fd);
        aft_http_deadline_set(*deadline, server->config.timeout_s);
    }
}

static void on_tick(void *closure)
{
    struct aft_http_server *server = closure;
    aft_http_listeners_keep_alive(server->listeners);
}

static struct MHD_Daemon *start_daemon(struct aft_http_server *server, int fd)
{
    const struct aft_http_config *config = &server->config;
    bool epoll = MHD_is_feature_supported(MHD_FEATURE_EPOLL) == MHD_YES;
    unsigned flags =
        (unsigned)MHD_ALLOW_SUSPEND_RESUME |
        (unsigned)(epoll ? MHD_USE_EPOLL_INTERNAL_THREAD : MHD_USE_POLL_INTERNAL_THREAD);
    /* Behind a proxy on this machine everyone has one address. */
    unsigned per_address =
        aft_http_is_loopback(config->address) ? 0 : (unsigned)config->max_connections / 2 + 1;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, server, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)config->max_connections + SPARE_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        per_address, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)config->timeout_s,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

/* Threads that are started here leave signals to the program's own. */
static enum aft_code start_threads(struct aft_http_server *server, int fd, struct aft_error *error)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    enum aft_code code = aft_http_deadlines_create(&server->deadlines, on_tick, server, error);
    if (code == AFT_OK) {
        server->daemon = start_daemon(server, fd);
        if (server->daemon == NULL) {
            code = aft_fail(error, AFT_ERR_IO, "start the HTTP server: libmicrohttpd refuses");
            aft_http_deadlines_destroy(server->deadlines);
        }
    } else {
        (void)close(fd);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static struct aft_http_server *create_server(const struct aft_http_config *config)
{
    static const struct aft_http_valve valve = {pause_connection, resume_connection};
    struct aft_http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return NULL;
    }
    server->listeners = aft_http_listeners_create(config->max_connections / 4 * 3 + 1, valve);
    if (server->listeners == NULL) {
        free(server);
        return NULL;
    }
    server->config = *config;
    server->references = 1;
    (void)pthread_mutex_init(&server->mutex, NULL);
    return server;
}

enum aft_code aft_http_start(struct aft_http_server **out, const struct aft_http_config *config,
                             struct aft_error *error)
{
    *out = NULL;
    struct aft_http_server *server = create_server(config);
    if (server == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "start the HTTP server: out of memory");
    }
    int fd = -1;
    enum aft_code code = aft_http_listen(&fd, &server->config.port, config->address, error);
    if (code == AFT_OK) {
        server->rules = (struct aft_http_rules){.guard = {.address = config->address,
                                                          .port = server->config.port,
                                                          .token = config->token,
                                                          .hosts = config->hosts,
                                                          .n_hosts = config->n_hosts},
                                                .routes = config->routes,
                                                .max_body = config->max_body};
        code = start_threads(server, fd, error);
    }
    if (code != AFT_OK) {
        release(server);
        return code;
    }
    *out = server;
    return AFT_OK;
}

int aft_http_port(const struct aft_http_server *server)
{
    return server->config.port;
}

void aft_http_stop(struct aft_http_server *server)
{
    if (server == NULL) {
        return;
    }
    /* libmicrohttpd cannot stop while a connection is suspended. */
    (void)pthread_mutex_lock(&server->mutex);
    server->stopping = true;
    while (server->suspended != NULL) {
        resume(server->suspended);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    aft_http_listeners_end(server->listeners);
    MHD_stop_daemon(server->daemon);
    aft_http_deadlines_destroy(server->deadlines);
    release(server);
}

void aft_http_publish(struct aft_http_server *server, const char *run, const char *event,
                      const struct aft_json *data)
{
    aft_http_listeners_publish(server->listeners, run, event, data);
}

int aft_http_listeners(const struct aft_http_server *server)
{
    return aft_http_listeners_count(server->listeners);
}
