/* A server with a few routes, and a client that writes the bytes it is told to write. */
#ifndef AFT_TESTS_SERVICE_HTTP_FIXTURE_H
#define AFT_TESTS_SERVICE_HTTP_FIXTURE_H

#include "service/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST "Host: localhost\r\n"
#define TOKEN "Authorization: Bearer right\r\n"
#define JSON "Content-Type: application/json\r\n"

enum { MAX_BODY = 4096, BIG = 16 << 20, MAX_PENDING = 256 };

static struct aft_http_server *server;
static char *big;                                      /* a JSON string of BIG bytes */
static const char *file_path;                          /* that /file answers with */
static atomic_int n_handled;                           /* calls of any handler */
static struct aft_http_exchange *pending[MAX_PENDING]; /* deferred ones */
static atomic_int n_pending;

static inline void get_hello(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    n_handled++;
    struct aft_json *document = aft_json_object();
    aft_json_set_string(document, "hello", "world");
    aft_http_answer_json(exchange, 200, document);
    aft_json_destroy(document);
}

static inline void get_said(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    n_handled++;
    struct aft_json *document = aft_json_object();
    aft_json_set_string(document, "parameter", aft_http_parameter(exchange, 0));
    aft_json_set_string(document, "query", aft_http_query(exchange, "q"));
    aft_json_set_string(document, "header", aft_http_header(exchange, "x-said"));
    aft_http_answer_json(exchange, 200, document);
    aft_json_destroy(document);
}

static inline void post_echo(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    n_handled++;
    aft_http_answer_json(exchange, 200, aft_http_body(exchange));
}

static inline void post_refused(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    struct aft_json *members = aft_json_object();
    aft_json_set_integer(members, "exit_code", 3);
    aft_http_answer_problem_with(exchange, 409, "it \"is\" not\r\nso", members);
}

static inline void get_later(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    aft_http_defer(exchange);
    pending[n_pending] = exchange;
    n_pending++;
}

static inline void get_page(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    n_handled++;
    aft_http_answer_static(exchange, "text/html; charset=utf-8", "<p>page", 7, "abc123");
}

static inline void get_file(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    aft_http_answer_file(exchange, "text/html; charset=utf-8", file_path);
}

static inline void get_big(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    aft_http_answer_json_text(exchange, 200, big, BIG);
}

static inline void get_events(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    aft_http_answer_stream(exchange, aft_http_query(exchange, "run"));
}

static inline void start_server(int max_connections, int timeout_s)
{
    static const struct aft_http_route routes[] = {
        {"GET", "/", get_page, true},
        {"GET", "/hello", get_hello, false},
        {"GET", "/said/{}", get_said, false},
        {"POST", "/echo", post_echo, false},
        {"POST", "/refused", post_refused, false},
        {"GET", "/later", get_later, false},
        {"POST", "/later", get_later, false},
        {"GET", "/file", get_file, false},
        {"GET", "/big", get_big, false},
        {"GET", "/events", get_events, false},
        {0},
    };
    static const char *const hosts[] = {"localhost"}; /* with any port: the tests need not say it */
    const struct aft_http_config config = {.address = "127.0.0.1",
                                           .token = "right",
                                           .hosts = hosts,
                                           .n_hosts = 1,
                                           .routes = routes,
                                           .max_body = MAX_BODY,
                                           .max_connections = max_connections,
                                           .timeout_s = timeout_s};
    struct aft_error error = {0};
    n_handled = 0;
    n_pending = 0;
    if (aft_http_start(&server, &config, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(aft_http_port(server) > 0);
}

static inline int connect_to_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)aft_http_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 60};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* False where the server has closed the connection. */
static inline bool send_bytes(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static inline bool send_text(int fd, const char *text)
{
    return send_bytes(fd, text, strlen(text));
}

struct reply {
    int status; /* 0: the connection was closed before there was one */
    char head[4096], body[8192];
    bool closes; /* it says so */
};

static inline const char *reply_field(const struct reply *reply, const char *name)
{
    static char value[1024];
    size_t length = strlen(name);
    for (const char *line = strstr(reply->head, "\r\n"); line != NULL;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
            const char *from = line + 2 + length + 1 + strspn(line + 2 + length + 1, " ");
            (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(from, "\r"), from);
            return value;
        }
    }
    return NULL;
}

/* One answer, not a byte more. bodiless: it answers a HEAD. */
static inline void receive(int fd, struct reply *reply, bool bodiless)
{
    size_t size = 0;
    *reply = (struct reply){0};
    while (size < sizeof reply->head - 1 && recv(fd, reply->head + size, 1, 0) == 1) {
        size++;
        if (size >= 4 && memcmp(reply->head + size - 4, "\r\n\r\n", 4) == 0) {
            break;
        }
    }
    if (sscanf(reply->head, "HTTP/1.1 %d", &reply->status) != 1) {
        reply->status = 0;
        return;
    }
    const char *connection = reply_field(reply, "Connection");
    reply->closes = connection != NULL && strcasecmp(connection, "close") == 0;
    const char *length = reply_field(reply, "Content-Length");
    size_t left = length == NULL || bodiless ? 0 : strtoul(length, NULL, 10);
    assert_true(left < sizeof reply->body);
    for (size_t used = 0; left > 0;) {
        ssize_t got = recv(fd, reply->body + used, left, 0);
        assert_true(got > 0);
        used += (size_t)got;
        left -= (size_t)got;
    }
}

/* Nothing more comes: the server has closed, or reset, the connection. */
static inline bool is_closed(int fd)
{
    char bytes[256];
    ssize_t got;
    do {
        got = recv(fd, bytes, sizeof bytes, 0);
    } while (got > 0);
    return got == 0 || errno == ECONNRESET;
}

/* On a connection of its own. */
static inline void ask(struct reply *reply, const char *request)
{
    int fd = connect_to_server();
    assert_true(send_text(fd, request));
    receive(fd, reply, strncmp(request, "HEAD", 4) == 0);
    assert_int_equal(close(fd), 0);
}

static inline int status_of(const char *request)
{
    struct reply reply;
    ask(&reply, request);
    return reply.status;
}

/* Reads on until the text has come. */
static inline void expect_text(int fd, const char *text)
{
    static char seen[1 << 16];
    size_t size = 0;
    seen[0] = '\0';
    while (strstr(seen, text) == NULL) {
        assert_true(size < sizeof seen - 1);
        ssize_t got = recv(fd, seen + size, 1, 0);
        if (got != 1) {
            fail_msg("the connection ended before '%s' came, after: %s", text, seen);
        }
        seen[++size] = '\0';
    }
}

static inline void wait_a_little(void)
{
    (void)usleep(10000);
}

static inline void wait_for_pending(int count)
{
    for (int i = 0; i < 6000 && n_pending < count; i++) {
        wait_a_little();
    }
    assert_int_equal(n_pending, count);
}

static inline void wait_for_listeners(int count)
{
    for (int i = 0; i < 6000 && aft_http_listeners(server) != count; i++) {
        wait_a_little();
    }
    assert_int_equal(aft_http_listeners(server), count);
}

#endif
