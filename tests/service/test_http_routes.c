/* Targets taken apart, routes, and what is made of a head and a body. */
#include "service/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void handler(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    (void)exchange;
}

static const struct aft_http_route routes[] = {
    {"GET", "/", handler, true},
    {"GET", "/api/runs", handler, false},
    {"GET", "/api/runs/special", handler, false},
    {"GET", "/api/runs/{}", handler, false},
    {"GET", "/api/runs/{}/reports/{}", handler, false},
    {"POST", "/api/start", handler, false},
    {"POST", "/api/both", handler, false},
    {"GET", "/api/both", handler, false},
    {0},
};

static const char *parse(struct aft_http_target *target, char text[256], const char *bytes)
{
    (void)snprintf(text, 256, "%s", bytes);
    return aft_http_target_parse(target, text);
}

static void target__is_decoded_by_segment_and_parameter(void **state)
{
    (void)state;
    struct aft_http_target target;
    char text[256];
    assert_null(parse(&target, text, "/runs/a%20b+c/%C3%A9?x=1%262&y+z=a+b&empty&=nameless&q=?/"));
    assert_int_equal(target.n_segments, 3);
    assert_string_equal(target.segments[1], "a b+c");
    assert_string_equal(target.segments[2], "\xc3\xa9");
    assert_string_equal(aft_http_target_query(&target, "x"), "1&2");
    assert_string_equal(aft_http_target_query(&target, "y z"), "a b");
    assert_string_equal(aft_http_target_query(&target, "empty"), "");
    assert_string_equal(aft_http_target_query(&target, ""), "nameless");
    assert_string_equal(aft_http_target_query(&target, "q"), "?/");
    assert_null(aft_http_target_query(&target, "X"));
    assert_null(parse(&target, text, "/"));
    assert_int_equal(target.n_segments, 1);
    assert_string_equal(target.segments[0], "");
    assert_null(parse(&target, text, "/a/?&&"));
    assert_int_equal(target.n_segments, 2);
    assert_int_equal(target.n_query, 0);
    assert_null(parse(&target, text, "/...%2e/..a"));
    assert_null(parse(&target, text, "/%252e%252e/x")); /* decoded once only */
    assert_string_equal(target.segments[0], "%2e%2e");
}

static void target__is_refused_where_it_can_be_read_in_two_ways(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "*",
        "runs",
        "http://localhost/",
        "//../x",
        "/..",
        "/../etc/passwd",
        "/a/./b",
        "/%2e%2e/etc",
        "/%2E./etc",
        "/a%2fb",
        "/a%2Fb",
        "/%",
        "/%2",
        "/%zz",
        "/%0",
        "/%00",
        "/a%00b",
        "/a%0d%0aSet-Cookie:x",
        "/a%7f",
        "/a b",
        "/a\tb",
        "/a#b",
        "/caf\xc3\xa9",
        "/%c0%af",       /* an overlong '/' */
        "/%c0%ae%c0%ae", /* overlong dots */
        "/%e0%80%af",
        "/%ed%a0%80", /* a surrogate */
        "/%f4%90%80%80",
        "/%ff",
        "/%c3",
        "/%c3/%a9",
        "/1/2/3/4/5/6/7/8/9/10/11/12/13",
        "/x?a=1&a=2",
        "/x?a&a",
        "/x?a=%",
        "/x?a=%00",
        "/x?%0a=1",
        "/x?a=%ff",
        "/x?a=%0d%0aX:y",
        "/x?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17&18&19&20&21&22&23&24&25",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct aft_http_target target;
        char text[256];
        if (parse(&target, text, bad[i]) == NULL) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
}

static void routes__are_matched_by_segments_and_method(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target;
        int route; /* -1: none */
        const char *allow, *first, *second;
    } rows[] = {
        {"GET", "/", 0, "GET, HEAD", NULL, NULL},
        {"HEAD", "/api/runs", 1, "GET, HEAD", NULL, NULL},
        {"GET", "/api/runs?x=1", 1, "GET, HEAD", NULL, NULL},
        {"GET", "/api/runs/special", 2, "GET, HEAD", NULL, NULL},
        {"GET", "/api/runs/nightly", 3, "GET, HEAD", "nightly", NULL},
        {"GET", "/api/runs/%7B%7D", 3, "GET, HEAD", "{}", NULL},
        {"GET", "/api/runs/a%20b/reports/x.html", 4, "GET, HEAD", "a b", "x.html"},
        {"GET", "/api/runs/", -1, NULL, NULL, NULL},
        {"GET", "/api/runs//reports/x", -1, NULL, NULL, NULL},
        {"GET", "/api/runs/a/reports", -1, NULL, NULL, NULL},
        {"GET", "/api/run", -1, NULL, NULL, NULL},
        {"GET", "/api/runss", -1, NULL, NULL, NULL},
        {"GET", "/API/runs", -1, NULL, NULL, NULL},
        {"GET", "/api", -1, NULL, NULL, NULL},
        {"GET", "//", -1, NULL, NULL, NULL},
        {"POST", "/api/runs", -1, "GET, HEAD", NULL, NULL},
        {"get", "/api/runs", -1, "GET, HEAD", NULL, NULL},
        {"GET", "/api/start", -1, "POST", NULL, NULL},
        {"HEAD", "/api/start", -1, "POST", NULL, NULL},
        {"POST", "/api/start", 5, "POST", NULL, NULL},
        {"GET", "/api/both", 7, "GET, HEAD, POST", NULL, NULL},
        {"DELETE", "/api/both", -1, "GET, HEAD, POST", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aft_http_target target;
        struct aft_http_match match;
        char text[256];
        assert_null(parse(&target, text, rows[i].target));
        aft_http_routes_match(&match, routes, rows[i].method, &target);
        assert_ptr_equal(match.route, rows[i].route < 0 ? NULL : &routes[rows[i].route]);
        const char *got[] = {match.allow, match.parameters[0], match.parameters[1]};
        const char *expected[] = {rows[i].allow, rows[i].first, rows[i].second};
        for (int k = 0; k < 3; k++) {
            assert_int_equal(got[k] == NULL, expected[k] == NULL);
            if (got[k] != NULL) {
                assert_string_equal(got[k], expected[k]);
            }
        }
    }
}

#define HOST                                                                                       \
    {                                                                                              \
        "Host", "localhost:8787"                                                                   \
    }
#define TOKEN                                                                                      \
    {                                                                                              \
        "authorization", "Bearer t"                                                                \
    }
#define JSON                                                                                       \
    {                                                                                              \
        "content-type", "application/json; charset=utf-8"                                          \
    }

static void request__is_judged_by_its_head(void **state)
{
    (void)state;
    static const struct aft_http_rules rules = {{"127.0.0.1", 8787, "t", NULL, 0}, routes, 1000};
    static const struct {
        const char *method, *target;
        struct aft_http_field fields[5];
        int status;
        bool at_once;
    } rows[] = {
        {"GET", "/api/runs", {HOST}, 0, false},
        {"GET", "/api/runs", {{"Host", "evil.example"}}, 421, false},
        {"GET", "/api/runs", {HOST, {"Origin", "http://evil.example"}}, 403, false},
        {"GET", "/api/runs", {HOST, {"Sec-Fetch-Site", "cross-site"}}, 403, false},
        {"GET", "/", {HOST, {"Sec-Fetch-Site", "cross-site"}}, 0, false},
        {"GET", "/nothing", {HOST}, 404, false},
        {"GET", "/%2e%2e/x", {HOST}, 400, false},
        {"DELETE", "/api/runs", {HOST}, 401, false},
        {"DELETE", "/api/runs", {HOST, TOKEN}, 405, false},
        {"GET", "/api/runs", {HOST, {"Content-Length", "0"}}, 0, false},
        {"GET", "/api/runs", {HOST, {"Content-Length", "5"}}, 400, false},
        {"GET", "/api/runs", {HOST, HOST}, 400, true},
        {"POST", "/api/start", {HOST, TOKEN, JSON, {"Content-Length", "1000"}}, 0, false},
        {"POST", "/api/start", {HOST, TOKEN, JSON, {"Content-Length", "1001"}}, 413, true},
        {"POST",
         "/api/start",
         {HOST, TOKEN, JSON, {"Content-Length", "99999999999999999999999999"}},
         413,
         true},
        {"POST", "/api/start", {HOST, TOKEN, JSON, {"Content-Length", "1e3"}}, 400, true},
        {"POST", "/api/start", {HOST, TOKEN, JSON, {"Content-Length", "-1"}}, 400, true},
        {"POST", "/api/start", {HOST, TOKEN, JSON, {"Transfer-Encoding", "chunked"}}, 0, false},
        {"POST", "/api/start", {HOST, TOKEN, JSON, {"Transfer-Encoding", "gzip"}}, 400, true},
        {"POST",
         "/api/start",
         {HOST, TOKEN, JSON, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}},
         400,
         true},
        {"POST", "/api/start", {HOST, TOKEN, {"Content-Length", "2"}}, 415, false},
        {"POST",
         "/api/start",
         {HOST, TOKEN, {"Content-Type", "text/plain"}, {"Content-Length", "2"}},
         415,
         false},
        {"POST", "/api/start", {HOST, TOKEN, {"Content-Type", "application/jsonp"}}, 415, false},
        {"POST", "/api/start", {HOST, JSON, {"Content-Length", "2"}}, 401, false},
        {"POST",
         "/api/start",
         {HOST, JSON, {"Content-Length", "2"}, {"Expect", "100-continue"}},
         401,
         true},
        {"POST", "/api/start", {HOST, TOKEN, TOKEN, JSON}, 400, true},
        {"GET", "/api/runs", {HOST, {"X-Odd", "a\rb"}}, 400, true},
        {"GET", "/api/runs", {HOST, {"Host ", "evil.example"}}, 400, true},
        {"GET", "/api/runs", {HOST, {"", "x"}}, 400, true},
        {"GET", "/api/runs", {HOST, {"X-Odd", "a\tb\xe9"}}, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aft_http_head head = {rows[i].method, rows[i].fields, 0};
        while (head.n_fields < 5 && rows[i].fields[head.n_fields].name != NULL) {
            head.n_fields++;
        }
        struct aft_http_target target;
        struct aft_http_ruling ruling;
        char text[256];
        (void)snprintf(text, sizeof text, "%s", rows[i].target);
        aft_http_judge(&ruling, &target, text, &head, &rules);
        if (ruling.status != rows[i].status || ruling.at_once != rows[i].at_once) {
            fail_msg("row %zu: %s %s gives %d (%s)", i, rows[i].method, rows[i].target,
                     ruling.status, ruling.detail ? ruling.detail : "let in");
        }
        assert_int_equal(ruling.status == 0, ruling.detail == NULL);
        assert_int_equal(ruling.status == 405, ruling.allow != NULL);
    }
}

static void body__is_one_json_object(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",  "[]",         "1",     "null",   "\"a\"", "{} {}",    "{}x",
        "{", "{\"a\":1,}", "{a:1}", "{}\xff", "nul",   "\xff\xfe", "{\"a\":1,\"a\":2}"};
    struct aft_json *object = NULL;
    struct aft_error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(aft_http_read_body(&object, bad[i], strlen(bad[i]), &error), AFT_OK);
        assert_null(object);
        assert_true(strlen(error.message) > 0);
    }
    assert_int_not_equal(aft_http_read_body(&object, NULL, 0, &error), AFT_OK);
    assert_int_not_equal(aft_http_read_body(&object, "{\"a\":1}\0", 8, &error), AFT_OK);
    assert_int_equal(aft_http_read_body(&object, " {\"a\":1}\n", 9, &error), AFT_OK);
    assert_int_equal(aft_json_get_integer(object, "a", 0), 1);
    aft_json_destroy(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target__is_decoded_by_segment_and_parameter),
        cmocka_unit_test(target__is_refused_where_it_can_be_read_in_two_ways),
        cmocka_unit_test(routes__are_matched_by_segments_and_method),
        cmocka_unit_test(request__is_judged_by_its_head),
        cmocka_unit_test(body__is_one_json_object),
    };
    return cmocka_run_group_tests_name("http routes", tests, NULL, NULL);
}
