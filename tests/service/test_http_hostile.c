/* Clients that mean harm, or know no better: over real sockets, byte by byte. */
#include "http_fixture.h"

static int start(void **state)
{
    (void)state;
    start_server(64, 20);
    return 0;
}

static int start_impatient(void **state)
{
    (void)state;
    start_server(64, 1);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    aft_http_stop(server);
    server = NULL;
    return 0;
}

/* An impatient server may end a client that a busy machine has made slow. */
static void assert_still_serves(void)
{
    int status = 0;
    for (int i = 0; i < 20 && status == 0; i++) {
        status = status_of("GET /hello HTTP/1.1\r\n" HOST "\r\n");
    }
    assert_int_equal(status, 200);
}

static void hostile__other_names_sites_and_tokens_are_refused(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *request;
    } rows[] = {
        {421, "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n"},
        {421, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"},
        {421, "GET /hello HTTP/1.0\r\n\r\n"},
        {403, "GET /hello HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n"},
        {403, "GET /events HTTP/1.1\r\n" HOST "Sec-Fetch-Site: cross-site\r\n\r\n"},
        {403,
         "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Origin: null\r\nContent-Length: 2\r\n\r\n{}"},
        {401, "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n\r\n{}"},
        {401, "POST /echo HTTP/1.1\r\n" HOST JSON
              "Authorization: Bearer wrong\r\nContent-Length: 2\r\n\r\n{}"},
        {401, "POST /echo?token=right HTTP/1.1\r\n" HOST JSON
              "Cookie: token=right\r\nContent-Length: 2\r\n\r\n{}"},
        {401, "OPTIONS /echo HTTP/1.1\r\n" HOST "Origin: http://localhost\r\n\r\n"},
        {405, "TRACE /hello HTTP/1.1\r\n" HOST TOKEN "\r\n"},
        {405, "PUT /hello HTTP/1.1\r\n" HOST TOKEN "\r\n"},
        {400, "POST /echo HTTP/1.1\r\n" HOST TOKEN TOKEN JSON "Content-Length: 2\r\n\r\n{}"},
        {400, "GET /hello HTTP/1.1\r\n" HOST "Host: evil.example\r\n\r\n"},
        {415, "POST /echo HTTP/1.1\r\n" HOST TOKEN
              "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"},
        {415, "POST /echo HTTP/1.1\r\n" HOST TOKEN "Content-Length: 2\r\n\r\n{}"},
        {400, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Content-Length: 0\r\n\r\n"},
        {400, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Content-Length: 2\r\n\r\n[]"},
        {400,
         "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Content-Length: 13\r\n\r\n{\"a\":1,\"a\":2}"},
        {400, "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}"},
    };
    struct reply reply;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ask(&reply, rows[i].request);
        if (reply.status != rows[i].status) {
            fail_msg("%d, not %d: %s", reply.status, rows[i].status, rows[i].request);
        }
        assert_string_equal(reply_field(&reply, "Content-Type"), "application/problem+json");
        assert_null(reply_field(&reply, "Access-Control-Allow-Origin"));
        assert_int_equal(reply.status == 401, reply_field(&reply, "WWW-Authenticate") != NULL);
    }
    assert_int_equal(n_handled, 0);
    ask(&reply, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Content-Length: 2\r\n\r\n{}");
    assert_int_equal(reply.status, 200);
}

static void hostile__paths_that_lead_elsewhere_reach_no_handler(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/../../etc/passwd",
        "/said/../../etc/passwd",
        "/said/..",
        "/said/%2e%2e",
        "/said/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/said/..%2f..%2fetc%2fpasswd",
        "/said/..%5c..",
        "/said/%252e%252e%252fetc/x",
        "/said/%c0%ae%c0%ae%c0%af",
        "/said/x%00.html",
        "/said/",
        "//said/x",
        "/said//x",
        "/said/./x",
        "http://localhost/hello",
        "hello",
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct reply reply;
        char request[256];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
        ask(&reply, request);
        /* What is left are segments that no path can be made of: one name, "..\.." */
        if (strcmp(targets[i], "/said/..%5c..") == 0) {
            assert_string_equal(reply.body,
                                "{\"parameter\":\"..\\\\..\",\"query\":null,\"header\":null}");
            continue;
        }
        if (reply.status != 400 && reply.status != 404) {
            fail_msg("'%s' gives %d", targets[i], reply.status);
        }
    }
    assert_int_equal(n_handled, 1);
}

static void hostile__line_breaks_are_not_carried_into_answers(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /said/a%0d%0aX-Injected:%20yes HTTP/1.1\r\n" HOST "\r\n",
        "GET /said/a?q=%0d%0aX-Injected:%20yes HTTP/1.1\r\n" HOST "\r\n",
        "GET /said/a HTTP/1.1\r\n" HOST "X-Said: a\rX-Injected: yes\r\n\r\n",
        "GET /said/a HTTP/1.1\r\n" HOST "X-Said: a\n X-Injected: yes\r\n\r\n",
        "GET /nothing%0d%0aX-Injected:%20yes HTTP/1.1\r\n" HOST "\r\n",
        "GET /said/a HTTP/1.1\r\nHost: localhost%0d%0aX-Injected: yes\r\n\r\n",
        "GET /said/a HTTP/1.1\r\n" HOST "Origin: http://evil\r\n X-Injected: yes\r\n\r\n",
        "G\x01T /hello HTTP/1.1\r\n" HOST TOKEN "\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct reply reply;
        ask(&reply, requests[i]);
        assert_null(reply_field(&reply, "X-Injected"));
        assert_null(strchr(reply.body, '\n'));
        assert_null(strchr(reply.body, '\r'));
    }
    assert_still_serves();
}

static void hostile__bodies_that_are_too_long_are_refused(void **state)
{
    (void)state;
    struct reply reply;
    char chunk[1024 + 9], request[512];
    ask(&reply, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Content-Length: 4097\r\n\r\n");
    assert_int_equal(reply.status, 413);
    assert_true(reply.closes);
    assert_string_equal(reply_field(&reply, "Content-Type"), "application/problem+json");
    ask(&reply,
        "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Content-Length: 18446744073709551615\r\n\r\n{}");
    assert_int_equal(reply.status, 413);
    ask(&reply, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON
                "Content-Length: 18446744073709551618\r\n\r\n{}"); /* 2 modulo 2^64 */
    assert_int_equal(reply.status, 413);
    (void)snprintf(request, sizeof request,
                   "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON
                   "Content-Length: %d\r\n"
                   "Expect: 100-continue\r\n\r\n",
                   1 << 30);
    ask(&reply, request);
    assert_int_equal(reply.status, 413); /* and no "100 Continue" before it */

    (void)memset(chunk, ' ', sizeof chunk);
    memcpy(chunk, "400\r\n", 5);
    memcpy(chunk + 5 + 1024, "\r\n", 3);
    int fd = connect_to_server();
    assert_true(send_text(fd, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON
                              "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 5; i++) {
        assert_true(send_text(fd, chunk));
    }
    assert_true(send_text(fd, "0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n"));
    receive(fd, &reply, false);
    assert_int_equal(reply.status, 413);
    receive(fd, &reply, false);
    assert_int_equal(reply.status, 200);
    assert_int_equal(close(fd), 0);

    fd = connect_to_server(); /* one that never ends */
    assert_true(send_text(fd, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON
                              "Transfer-Encoding: chunked\r\n\r\n"));
    int sent = 0;
    while (sent < 100000 && send_text(fd, chunk)) {
        sent++;
    }
    assert_true(sent < 100000);
    assert_int_equal(close(fd), 0);
    assert_int_equal(n_handled, 1);
}

static void hostile__bodies_that_are_cut_reach_no_handler(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "Content-Length: 10\r\n\r\n{\"a\":1}",
        "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"a\":1}",
        "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n",
        "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\nX-Trailer: ",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        int fd = connect_to_server();
        assert_true(send_text(fd, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON));
        assert_true(send_text(fd, bodies[i]));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        assert_true(is_closed(fd));
        assert_int_equal(close(fd), 0);
    }
    assert_int_equal(n_handled, 0);
}

static void hostile__lengths_that_lie_reach_no_handler(void **state)
{
    (void)state;
    struct reply reply;
    int fd = connect_to_server(); /* more: the rest is the next request, and none */
    assert_true(send_text(fd, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON
                              "Content-Length: 2\r\n\r\n{}{\"a\":1}\r\n\r\n"));
    receive(fd, &reply, false);
    assert_string_equal(reply.body, "{}");
    receive(fd, &reply, false);
    assert_true(reply.status == 0 || reply.status >= 400);
    assert_int_equal(close(fd), 0);
    assert_int_equal(n_handled, 1);

    static const char *const framings[] = {
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 30\r\n",
        "Content-Length: 2, 30\r\n",
        "Content-Length: -2\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length: two\r\n",
        "Content-Length:\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
    };
    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        char request[512];
        (void)snprintf(request, sizeof request,
                       "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "%s\r\n{}", framings[i]);
        int status = status_of(request);
        if (status != 400) {
            fail_msg("'%s' gives %d", framings[i], status);
        }
    }
    static const char *const chunks[] = {"-1\r\n{}\r\n0\r\n\r\n", "zz\r\n{}\r\n0\r\n\r\n",
                                         "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
                                         "\r\n{}\r\n0\r\n\r\n", "2 \r\n{}xx\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        char request[512];
        (void)snprintf(request, sizeof request,
                       "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON
                       "Transfer-Encoding: chunked\r\n\r\n%s",
                       chunks[i]);
        int status = status_of(request);
        if (status != 0 && status < 400) {
            fail_msg("chunks %zu give %d", i, status);
        }
    }
    assert_int_equal(n_handled, 1);
    assert_still_serves();
}

/* A request with a field, or a target, of that many bytes. */
static int status_of_long(const char *before, size_t size, const char *after)
{
    struct reply reply;
    char *filler = malloc(size);
    assert_non_null(filler);
    (void)memset(filler, 'a', size);
    int fd = connect_to_server();
    bool sent = send_text(fd, before) && send_bytes(fd, filler, size) && send_text(fd, after);
    receive(fd, &reply, false);
    assert_true(sent || reply.status == 0 || reply.status >= 400);
    assert_int_equal(close(fd), 0);
    free(filler);
    return reply.status;
}

static void hostile__heads_that_are_too_long_are_refused(void **state)
{
    (void)state;
    static const char field[] = "GET /hello HTTP/1.1\r\n" HOST "X-Long: ";
    assert_int_equal(status_of_long(field, 4000, "\r\n\r\n"), 200);
    assert_int_equal(n_handled, 1);
    static const size_t sizes[] = {20000, 200000, 5000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int status = status_of_long(field, sizes[i], "\r\n\r\n");
        assert_true(status == 0 || status == 431);
        status = status_of_long("GET /", sizes[i], " HTTP/1.1\r\n" HOST "\r\n");
        assert_true(status == 0 || status == 400 || status == 414 || status == 431);
        status = status_of_long("", sizes[i], "\r\n\r\n");
        assert_true(status == 0 || status >= 400);
    }
    char many[8192] = "GET /hello HTTP/1.1\r\n" HOST;
    for (int i = 0; i < 200; i++) {
        (void)strcat(many, "X-Many: y\r\n");
    }
    (void)strcat(many, "\r\n");
    assert_int_equal(status_of(many), 431);
    assert_int_equal(n_handled, 1);
    assert_still_serves();
}

static void hostile__what_is_no_request_ends_its_connection_only(void **state)
{
    (void)state;
    static const char *const bytes[] = {
        "\r\n\r\n\r\nxx\r\n\r\n",
        "GET\r\n\r\n",
        "GET /hello\r\n\r\n",
        "GET /hello HTTP/9.9\r\n" HOST "\r\n",
        "GET  HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /hello HTTP/1.1\r\n: no name\r\nHost: localhost\r\n\r\n",
        "GET /hello HTTP/1.1\r\n folded: from nothing\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", /* TLS */
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /\xff\xfe HTTP/1.1\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        struct reply reply;
        int fd = connect_to_server();
        (void)send_text(fd, bytes[i]);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        receive(fd, &reply, false);
        if (reply.status != 0 && reply.status < 400) {
            fail_msg("bytes %zu give %d", i, reply.status);
        }
        assert_int_equal(close(fd), 0);
    }
    int fd = connect_to_server(); /* a NUL within a field */
    assert_true(send_bytes(fd, "GET /hello HTTP/1.1\r\nHost: localhost\0evil\r\n\r\n", 43));
    struct reply reply;
    receive(fd, &reply, false);
    assert_true(reply.status == 0 || reply.status >= 400);
    assert_int_equal(close(fd), 0);
    assert_int_equal(n_handled, 0);
    assert_still_serves();
}

/* A byte now and then, forever: there is always something going on. */
static void drip(const char *beginning, const char *drop)
{
    int fd = connect_to_server(), sent = 0;
    assert_true(send_text(fd, beginning));
    while (sent < 600 && send_text(fd, drop)) { /* for a minute */
        sent++;
        (void)usleep(100000);
    }
    assert_true(sent < 600);
    assert_int_equal(close(fd), 0);
}

static void hostile__slow_clients_are_ended(void **state)
{
    (void)state;
    drip("", "G");
    drip("GET /hello HTTP/1.1\r\n" HOST "X-Slow: ", "a");
    drip("GET /hello HTTP/1.1\r\n" HOST, "X: y\r\n");
    drip("POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Content-Length: 4000\r\n\r\n", " ");
    drip("POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Transfer-Encoding: chunked\r\n\r\n",
         "1\r\n \r\n");
    drip("GET /hello HTTP/1.1\r\n" HOST "\r\n", "\r\n"); /* after an answer */
    assert_true(n_handled <= 1);
    assert_still_serves();
}

static void hostile__idle_connections_are_ended(void **state)
{
    (void)state;
    int silent = connect_to_server(), kept = connect_to_server();
    struct reply reply;
    assert_true(send_text(kept, "GET /hello HTTP/1.1\r\n" HOST "\r\n"));
    receive(kept, &reply, false);
    assert_true(reply.status == 200 || reply.status == 0); /* a busy machine */
    assert_true(is_closed(silent));
    assert_true(is_closed(kept));
    assert_int_equal(close(silent) | close(kept), 0);
}

static void hostile__answers_that_are_not_taken_are_cut(void **state)
{
    (void)state;
    static char bytes[1 << 16];
    size_t taken = BIG;
    for (unsigned seconds = 2; seconds < 60 && taken >= BIG; seconds *= 2) {
        int fd = connect_to_server();
        assert_true(send_text(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n"));
        (void)sleep(seconds);
        taken = 0;
        for (ssize_t got; taken < BIG && (got = recv(fd, bytes, sizeof bytes, 0)) > 0;) {
            taken += (size_t)got;
        }
        assert_int_equal(close(fd), 0);
    }
    assert_true(taken < BIG);
    assert_still_serves();
}

static void hostile__listeners_that_do_not_read_are_ended(void **state)
{
    (void)state;
    int fd = connect_to_server();
    assert_true(send_text(fd, "GET /events HTTP/1.1\r\n" HOST "\r\n"));
    wait_for_listeners(1);
    struct aft_json *data = aft_json_object();
    char text[8192];
    (void)memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    aft_json_set_string(data, "text", text);
    for (int i = 0; i < 100000 && aft_http_listeners(server) > 0; i++) {
        aft_http_publish(server, NULL, "run", data);
        if (i % 100 == 0) {
            wait_a_little();
        }
    }
    assert_int_equal(aft_http_listeners(server), 0);
    aft_json_destroy(data);
    assert_int_equal(close(fd), 0);
    assert_still_serves();
}

static void hostile__an_event_with_a_line_break_ends_the_stream_instead(void **state)
{
    (void)state;
    int fd = connect_to_server();
    assert_true(send_text(fd, "GET /events HTTP/1.1\r\n" HOST "\r\n"));
    expect_text(fd, "retry: 2000\n\n");
    struct aft_json *data = aft_json_object();
    aft_http_publish(server, NULL, "run\ndata: forged", data);
    aft_json_destroy(data);
    expect_text(fd, "0\r\n\r\n"); /* the last chunk */
    assert_int_equal(close(fd), 0);
    wait_for_listeners(0);
}

static void hostile__too_many_connections_are_told_so(void **state)
{
    (void)state;
    enum { N = 65 };
    int fds[N];
    struct reply reply;
    for (int i = 0; i < N; i++) {
        fds[i] = connect_to_server();
    }
    assert_true(send_text(fds[N - 1], "GET /hello HTTP/1.1\r\n" HOST "\r\n"));
    receive(fds[N - 1], &reply, false);
    assert_int_equal(reply.status, 503);
    assert_true(reply.closes);
    assert_true(is_closed(fds[N - 1]));
    for (int i = 0; i < N; i++) {
        assert_int_equal(close(fds[i]), 0);
    }
    int status = 503;
    for (int i = 0; i < 6000 && status == 503; i++) {
        wait_a_little();
        status = status_of("GET /hello HTTP/1.1\r\n" HOST "\r\n");
    }
    assert_int_equal(status, 200);
}

static void hostile__too_many_listeners_leave_room_for_requests(void **state)
{
    (void)state;
    int fds[56], refused = 0;
    for (int i = 0; i < 56; i++) {
        struct reply reply;
        fds[i] = connect_to_server();
        assert_true(send_text(fds[i], "GET /events HTTP/1.1\r\n" HOST "\r\n"));
        receive(fds[i], &reply, true);
        assert_true(reply.status == 200 || reply.status == 503);
        refused += reply.status == 503;
    }
    assert_true(refused > 0);
    assert_still_serves();
    for (int i = 0; i < 56; i++) {
        assert_int_equal(close(fds[i]), 0);
    }
}

static int set_up_big(void **state)
{
    (void)state;
    big = malloc(BIG);
    if (big == NULL) {
        return -1;
    }
    (void)memset(big, 'x', BIG);
    big[0] = big[BIG - 1] = '"';
    return 0;
}

static int tear_down_big(void **state)
{
    (void)state;
    free(big);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, start_impatient, stop)
    const struct CMUnitTest tests[] = {
        TEST(hostile__other_names_sites_and_tokens_are_refused),
        TEST(hostile__paths_that_lead_elsewhere_reach_no_handler),
        TEST(hostile__line_breaks_are_not_carried_into_answers),
        TEST(hostile__bodies_that_are_too_long_are_refused),
        TEST(hostile__lengths_that_lie_reach_no_handler),
        TEST(hostile__heads_that_are_too_long_are_refused),
        IMPATIENT(hostile__what_is_no_request_ends_its_connection_only),
        IMPATIENT(hostile__bodies_that_are_cut_reach_no_handler),
        IMPATIENT(hostile__slow_clients_are_ended),
        IMPATIENT(hostile__idle_connections_are_ended),
        IMPATIENT(hostile__answers_that_are_not_taken_are_cut),
        TEST(hostile__listeners_that_do_not_read_are_ended),
        TEST(hostile__an_event_with_a_line_break_ends_the_stream_instead),
        TEST(hostile__too_many_connections_are_told_so),
        TEST(hostile__too_many_listeners_leave_room_for_requests),
    };
    return cmocka_run_group_tests_name("http hostile", tests, set_up_big, tear_down_big);
}
