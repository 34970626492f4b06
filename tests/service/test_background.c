/* Questions that take long, and the others that meanwhile are answered. */
#include "service/background.h"

#include <arpa/inet.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct aft_background *background;
static struct aft_http_server *server;
static sem_t begun, may_end;

static void answer(struct aft_http_exchange *exchange)
{
    struct aft_json *document = aft_json_object();
    aft_json_set_string(document, "asked", aft_http_query(exchange, "q"));
    aft_http_answer_json(exchange, 200, document);
    aft_json_destroy(document);
}

static void think(void *context, struct aft_http_exchange *exchange)
{
    assert_ptr_equal(context, &begun);
    (void)sem_post(&begun);
    (void)sem_wait(&may_end);
    answer(exchange);
}

static void slow(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    aft_background_run(background, think, exchange);
}

static void quick(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    answer(exchange);
}

static const struct aft_http_route routes[] = {
    {"GET", "/slow", slow, true}, {"GET", "/quick", quick, true}, {0}};

static int start(void **state)
{
    const struct aft_http_config config = {.address = "127.0.0.1",
                                           .token = "0123456789abcdef",
                                           .routes = routes,
                                           .max_body = 1024,
                                           .max_connections = 200,
                                           .timeout_s = 60};
    (void)state;
    (void)sem_init(&begun, 0, 0);
    (void)sem_init(&may_end, 0, 0);
    assert_int_equal(aft_background_create(&background, &begun, NULL), AFT_OK);
    assert_int_equal(aft_http_start(&server, &config, NULL), AFT_OK);
    return 0;
}

/* Nobody is left to answer: what waits is answered with 503, into the void. */
static int stop(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)sem_post(&may_end);
    }
    aft_http_stop(server);
    aft_background_destroy(background);
    return 0;
}

static int ask(const char *target)
{
    char text[128];
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)aft_http_port(server)),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_sec = 60};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", target);
    assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
    return fd;
}

static void expect_answer(int fd, const char *status, const char *asked)
{
    char text[4096];
    size_t used = 0;
    ssize_t n;
    while ((n = recv(fd, text + used, sizeof text - 1 - used, 0)) > 0) {
        used += (size_t)n;
    }
    text[used] = '\0';
    (void)close(fd);
    assert_non_null(strstr(text, status));
    assert_non_null(strstr(text, asked));
}

static void background__keeps_nobody_else_waiting(void **state)
{
    (void)state;
    int first = ask("/slow?q=first");
    (void)sem_wait(&begun);
    int second = ask("/slow?q=second");
    for (int i = 0; i < 20; i++) {
        expect_answer(ask("/quick?q=meanwhile"), "200", "meanwhile");
    }
    (void)sem_post(&may_end);
    expect_answer(first, "200", "first");
    (void)sem_post(&may_end);
    expect_answer(second, "200", "second");
}

static void background__refuses_what_is_too_much(void **state)
{
    enum { MANY = 100 };
    int asked[MANY];
    int refused = 0, answered = 0;
    (void)state;
    asked[0] = ask("/slow?q=0");
    (void)sem_wait(&begun); /* from here on 64 may wait */
    for (int i = 1; i < MANY; i++) {
        asked[i] = ask("/slow?q=more");
        expect_answer(ask("/quick?q=x"), "200", "x"); /* so it has, most likely, arrived */
    }
    for (int i = 0; i < MANY; i++) {
        (void)sem_post(&may_end);
    }
    for (int i = 0; i < MANY; i++) {
        char head[16] = "";
        assert_true(recv(asked[i], head, sizeof head - 1, MSG_WAITALL) > 0);
        refused += strstr(head, "503") != NULL;
        answered += strstr(head, "200") != NULL;
        (void)close(asked[i]);
    }
    assert_true(answered >= 65); /* one may come late, when there is room again */
    assert_true(refused > 0);
    assert_int_equal(answered + refused, MANY);
}

static void background__lets_clients_go(void **state)
{
    (void)state;
    int first = ask("/slow?q=first");
    (void)sem_wait(&begun);
    for (int i = 0; i < 10; i++) {
        (void)close(ask("/slow?q=gone"));
    }
    (void)close(first);
    expect_answer(ask("/quick?q=here"), "200", "here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(background__keeps_nobody_else_waiting, start, stop),
        cmocka_unit_test_setup_teardown(background__refuses_what_is_too_much, start, stop),
        cmocka_unit_test_setup_teardown(background__lets_clients_go, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
