/* The server over real sockets: what it answers, deferred answers, events, its end. */
#include "http_fixture.h"

#include <sys/stat.h>

static int start(void **state)
{
    (void)state;
    start_server(256, 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    aft_http_stop(server);
    server = NULL;
    return 0;
}

static void server__answers_with_json_and_security_headers(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\n" HOST "\r\n",         "GET /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /nothing HTTP/1.1\r\n" HOST "\r\n",  "GET /hello HTTP/1.1\r\nHost: evil\r\n\r\n",
        "POST /hello HTTP/1.1\r\n" HOST "\r\n",   "HEAD /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /%2e%2e/x HTTP/1.1\r\n" HOST "\r\n",
    };
    static const char *const fields[] = {
        "Content-Security-Policy",      "X-Content-Type-Options",     "Referrer-Policy",
        "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy", "Cache-Control"};
    struct reply reply;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        ask(&reply, requests[i]);
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
            assert_non_null(reply_field(&reply, fields[k]));
        }
        assert_null(reply_field(&reply, "Access-Control-Allow-Origin"));
        assert_string_equal(reply_field(&reply, "X-Content-Type-Options"), "nosniff");
    }
    ask(&reply, requests[1]);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_field(&reply, "Content-Type"), "application/json");
    assert_string_equal(reply_field(&reply, "Cache-Control"), "no-store");
    assert_string_equal(reply.body, "{\"hello\":\"world\"}");
}

static void server__answers_errors_with_problem_documents(void **state)
{
    (void)state;
    struct reply reply;
    ask(&reply, "GET /nothing HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 404);
    assert_string_equal(reply_field(&reply, "Content-Type"), "application/problem+json");
    assert_string_equal(reply.body,
                        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                        "\"detail\":\"there is nothing at this path\"}");
    ask(&reply, "DELETE /later HTTP/1.1\r\n" HOST TOKEN "\r\n");
    assert_int_equal(reply.status, 405);
    assert_string_equal(reply_field(&reply, "Allow"), "GET, HEAD, POST");
    ask(&reply, "POST /refused HTTP/1.1\r\n" HOST TOKEN JSON "Content-Length: 2\r\n\r\n{}");
    assert_int_equal(reply.status, 409);
    assert_non_null(
        strstr(reply.body, "\"detail\":\"it \\\"is\\\" not\\r\\nso\",\"exit_code\":3}"));
}

static void server__keeps_connections_and_takes_requests_in_a_row(void **state)
{
    (void)state;
    struct reply reply;
    int fd = connect_to_server();
    for (int i = 0; i < 5; i++) {
        assert_true(send_text(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n"));
        receive(fd, &reply, false);
        assert_int_equal(reply.status, 200);
    }
    assert_true(send_text(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n"
                              "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON
                              "Content-Length: 7\r\n\r\n{\"a\":1}"
                              "HEAD /hello HTTP/1.1\r\n" HOST "\r\n"
                              "GET /nothing HTTP/1.1\r\n" HOST "\r\n"
                              "GET / HTTP/1.1\r\n" HOST "\r\n"));
    receive(fd, &reply, false);
    assert_string_equal(reply.body, "{\"hello\":\"world\"}");
    receive(fd, &reply, false);
    assert_string_equal(reply.body, "{\"a\":1}");
    receive(fd, &reply, true);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_field(&reply, "Content-Length"), "17");
    receive(fd, &reply, false);
    assert_int_equal(reply.status, 404);
    receive(fd, &reply, false);
    assert_string_equal(reply.body, "<p>page");
    assert_int_equal(close(fd), 0);
}

static void server__takes_json_bodies_whole_and_in_chunks(void **state)
{
    (void)state;
    struct reply reply;
    int fd = connect_to_server();
    assert_true(send_text(fd, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON
                              "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n"));
    wait_a_little();
    assert_true(send_text(fd, "4\r\n\":1}\r\n0\r\n\r\n"));
    receive(fd, &reply, false);
    assert_string_equal(reply.body, "{\"a\":1}");
    assert_true(send_text(fd, "POST /echo HTTP/1.1\r\n" HOST TOKEN JSON "Content-Length: 7\r\n"
                              "Expect: 100-continue\r\n\r\n"));
    receive(fd, &reply, true);
    assert_int_equal(reply.status, 100);
    assert_true(send_text(fd, "{\"b\":2}"));
    receive(fd, &reply, false);
    assert_string_equal(reply.body, "{\"b\":2}");
    assert_int_equal(close(fd), 0);
}

static void server__hands_on_what_the_request_says(void **state)
{
    (void)state;
    struct reply reply;
    ask(&reply, "GET /said/a%20%22b?q=%C3%A9+1&r=2 HTTP/1.1\r\n" HOST "X-Said: aha\r\n\r\n");
    assert_string_equal(reply.body,
                        "{\"parameter\":\"a \\\"b\",\"query\":\"\xc3\xa9 1\",\"header\":\"aha\"}");
    ask(&reply, "GET /said/x HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(reply.body, "{\"parameter\":\"x\",\"query\":null,\"header\":null}");
}

static void server__gives_static_content_with_a_validator(void **state)
{
    (void)state;
    struct reply reply;
    ask(&reply, "GET / HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "<p>page");
    assert_string_equal(reply_field(&reply, "ETag"), "\"abc123\"");
    assert_non_null(strstr(reply_field(&reply, "Content-Security-Policy"), "script-src 'self'"));
    assert_int_equal(status_of("GET / HTTP/1.1\r\n" HOST "If-None-Match: \"abc123\"\r\n\r\n"), 304);
    assert_int_equal(
        status_of("GET / HTTP/1.1\r\n" HOST "If-None-Match: \"x\", W/\"abc123\" , \"y\"\r\n\r\n"),
        304);
    assert_int_equal(status_of("GET / HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n"), 304);
    assert_int_equal(status_of("GET / HTTP/1.1\r\n" HOST "If-None-Match: \"abc12\"\r\n\r\n"), 200);
    assert_int_equal(status_of("GET / HTTP/1.1\r\n" HOST "If-None-Match: ,\r\n\r\n"), 200);
}

static void server__gives_regular_files_in_a_sandbox(void **state)
{
    (void)state;
    static const char request[] = "GET /file HTTP/1.1\r\n" HOST "\r\n";
    char folder[] = "/tmp/aft_http_XXXXXX", file[64], link_to_it[64], fifo[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/report.html", folder);
    (void)snprintf(link_to_it, sizeof link_to_it, "%s/link.html", folder);
    (void)snprintf(fifo, sizeof fifo, "%s/fifo.html", folder);
    FILE *stream = fopen(file, "w");
    assert_non_null(stream);
    assert_true(fputs("<svg/>", stream) >= 0);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(symlink(file, link_to_it), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);

    struct reply reply;
    file_path = file;
    ask(&reply, request);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "<svg/>");
    const char *policy = reply_field(&reply, "Content-Security-Policy");
    assert_int_equal(strncmp(policy, "sandbox;", 8), 0);
    assert_null(strstr(policy, "script-src"));
    const char *const others[] = {link_to_it, fifo, folder, "/tmp/aft_http_none/none"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        file_path = others[i];
        assert_int_equal(status_of(request), 404);
    }
    assert_int_equal(unlink(fifo) | unlink(link_to_it) | unlink(file) | rmdir(folder), 0);
}

static void *answer_pending(void *argument)
{
    struct aft_http_exchange **exchange = argument;
    struct aft_json *document = aft_json_object();
    aft_json_set_string(document, "query", aft_http_query(*exchange, "q"));
    aft_http_answer_json(*exchange, 200, document);
    aft_json_destroy(document);
    return NULL;
}

static void server__answers_later_from_another_thread(void **state)
{
    (void)state;
    enum { N = 32 };
    int fds[N];
    pthread_t threads[N];
    for (int i = 0; i < N; i++) {
        char request[128];
        fds[i] = connect_to_server();
        (void)snprintf(request, sizeof request, "GET /later?q=%d HTTP/1.1\r\n" HOST "\r\n", i);
        assert_true(send_text(fds[i], request));
    }
    wait_for_pending(N);
    assert_int_equal(status_of("GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200); /* nobody waits */
    for (int i = 0; i < N; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, answer_pending, &pending[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        struct reply reply;
        char expected[32];
        (void)snprintf(expected, sizeof expected, "{\"query\":\"%d\"}", i);
        receive(fds[i], &reply, false);
        assert_string_equal(reply.body, expected);
        assert_true(send_text(fds[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n"));
        receive(fds[i], &reply, false);
        assert_int_equal(reply.status, 200);
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(close(fds[i]), 0);
    }
}

static void server__answers_into_the_void_where_the_client_has_gone(void **state)
{
    (void)state;
    int fd = connect_to_server(), listener = connect_to_server();
    assert_true(send_text(fd, "POST /later HTTP/1.1\r\n" HOST TOKEN JSON
                              "Content-Length: 7\r\n\r\n{\"a\":1}"));
    assert_true(send_text(listener, "GET /later HTTP/1.1\r\n" HOST "\r\n"));
    wait_for_pending(2);
    assert_int_equal(close(fd) | close(listener), 0);
    assert_int_equal(aft_json_get_integer(aft_http_body(pending[0]), "a", 0), 1);
    aft_http_answer_problem(pending[0], 504, "too late");
    aft_http_answer_stream(pending[1], NULL);
    assert_int_equal(status_of("GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
}

static void server__stops_with_answers_outstanding_and_streams_open(void **state)
{
    (void)state;
    int waiting[4], stream = connect_to_server();
    for (int i = 0; i < 4; i++) {
        waiting[i] = connect_to_server();
        assert_true(send_text(waiting[i], "GET /later?q=7 HTTP/1.1\r\n" HOST "\r\n"));
        wait_for_pending(i + 1);
    }
    assert_true(send_text(stream, "GET /events HTTP/1.1\r\n" HOST "\r\n"));
    expect_text(stream, "retry: ");
    (void)stop(NULL);
    assert_true(is_closed(stream));
    for (int i = 0; i < 4; i++) {
        assert_true(is_closed(waiting[i]));
        assert_int_equal(close(waiting[i]), 0);
        assert_string_equal(aft_http_query(pending[i], "q"), "7");
    }
    (void)answer_pending(&pending[0]);
    aft_http_answer_stream(pending[1], "run");
    aft_http_answer_static(pending[2], "text/plain", "x", 1, "x");
    file_path = "/dev/null";
    aft_http_answer_file(pending[3], "text/plain", file_path);
    assert_int_equal(close(stream), 0);
    (void)start(NULL);
}

static void publish(const char *run, const char *event, const char *text)
{
    struct aft_json *data = aft_json_object();
    aft_json_set_string(data, "text", text);
    aft_http_publish(server, run, event, data);
    aft_json_destroy(data);
}

static void server__streams_events_to_those_who_listen(void **state)
{
    (void)state;
    int all = connect_to_server(), one = connect_to_server();
    assert_true(send_text(all, "GET /events HTTP/1.1\r\n" HOST "\r\n"));
    assert_true(send_text(one, "GET /events?run=b HTTP/1.1\r\n" HOST "\r\n"));
    wait_for_listeners(2);
    publish("a", "run", "for a");
    publish("b", "run", "for b\n\ndata: forged\r\n");
    publish(NULL, "removed", "for all");
    expect_text(all, "Content-Type: text/event-stream");
    expect_text(all, "retry: 2000\n\n");
    expect_text(all, "event: run\ndata: {\"text\":\"for a\"}\n\n");
    expect_text(all, "event: run\ndata: {\"text\":\"for b\\n\\ndata: forged\\r\\n\"}\n\n");
    expect_text(all, "event: removed\ndata: {\"text\":\"for all\"}\n\n");
    expect_text(one, "retry: 2000\n\n");
    char first[64] = {0};
    do { /* within the next chunk */
        assert_int_equal(recv(one, first, 1, 0), 1);
    } while (*first != 'e');
    expect_text(one, "for b");
    expect_text(one, "for all");
    assert_int_equal(close(all) | close(one), 0);
    for (int i = 0; i < 6000 && aft_http_listeners(server) > 0; i++) {
        publish(NULL, "run", "who is still there?");
        wait_a_little();
    }
    assert_int_equal(aft_http_listeners(server), 0);
}

static void server__has_room_for_hundreds_of_listeners(void **state)
{
    (void)state;
    enum { N = 200 };
    int fds[N];
    (void)stop(NULL);
    start_server(320, 20);
    for (int i = 0; i < N; i++) {
        fds[i] = connect_to_server();
        assert_true(send_text(fds[i], "GET /events HTTP/1.1\r\n" HOST "\r\n"));
    }
    wait_for_listeners(N);
    for (int round = 0; round < 3; round++) {
        char text[32];
        (void)snprintf(text, sizeof text, "round %d.", round);
        publish(NULL, "run", text);
        assert_int_equal(status_of("GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
        for (int i = 0; i < N; i++) {
            expect_text(fds[i], text);
        }
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(close(fds[i]), 0);
    }
}

static void server__says_why_it_cannot_start(void **state)
{
    (void)state;
    static const struct aft_http_route routes[] = {{0}};
    struct aft_http_server *second = NULL;
    struct aft_http_config config = {.address = "127.0.0.1",
                                     .port = aft_http_port(server),
                                     .routes = routes,
                                     .max_connections = 8,
                                     .timeout_s = 1};
    struct aft_error error = {0};
    assert_int_equal(aft_http_start(&second, &config, &error), AFT_ERR_IO);
    assert_null(second);
    assert_non_null(strstr(error.message, "Address already in use"));
    config.address = "no address at all";
    assert_int_equal(aft_http_start(&second, &config, &error), AFT_ERR_USAGE);
    assert_non_null(strstr(error.message, "no address at all"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(server__answers_with_json_and_security_headers),
        TEST(server__answers_errors_with_problem_documents),
        TEST(server__keeps_connections_and_takes_requests_in_a_row),
        TEST(server__takes_json_bodies_whole_and_in_chunks),
        TEST(server__hands_on_what_the_request_says),
        TEST(server__gives_static_content_with_a_validator),
        TEST(server__gives_regular_files_in_a_sandbox),
        TEST(server__answers_later_from_another_thread),
        TEST(server__answers_into_the_void_where_the_client_has_gone),
        TEST(server__stops_with_answers_outstanding_and_streams_open),
        TEST(server__streams_events_to_those_who_listen),
        TEST(server__has_room_for_hundreds_of_listeners),
        TEST(server__says_why_it_cannot_start),
    };
    return cmocka_run_group_tests_name("http server", tests, NULL, NULL);
}
