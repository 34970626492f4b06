/* Who is let in: tables of what a request says. */
#include "service/http_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const hosts[] = {"gpu1", "runs.example.org:8443"};

static const struct aft_http_guard here = {"127.0.0.1", 8787, "s3cret", NULL, 0};
static const struct aft_http_guard named = {"127.0.0.1", 8787, "s3cret", hosts, 2};
static const struct aft_http_guard lan = {"192.168.1.5", 8787, "s3cret", NULL, 0};
static const struct aft_http_guard all = {"0.0.0.0", 8787, "s3cret", hosts, 2};
static const struct aft_http_guard all6 = {"::", 8787, "s3cret", NULL, 0};
static const struct aft_http_guard web = {"127.0.0.1", 80, "s3cret", NULL, 0};

struct row {
    const struct aft_http_guard *guard;
    struct aft_http_claims claims; /* method, host, origin, fetch site, authorization */
    bool open;
    enum aft_http_verdict verdict;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum aft_http_verdict verdict =
            aft_http_guard(rows[i].guard, &rows[i].claims, rows[i].open);
        if (verdict != rows[i].verdict) {
            const struct aft_http_claims *claims = &rows[i].claims;
            fail_msg("row %zu: %s host %s origin %s: %d, not %d", i, claims->method,
                     claims->host ? claims->host : "-", claims->origin ? claims->origin : "-",
                     verdict, rows[i].verdict);
        }
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

#define RIGHT "Bearer s3cret"

static void guard__knows_the_server_by_its_names_only(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {&here, {.method = "GET", .host = "127.0.0.1:8787"}, false, AFT_HTTP_LET_IN},
        {&here, {.method = "GET", .host = "localhost:8787"}, false, AFT_HTTP_LET_IN},
        {&here, {.method = "GET", .host = "LocalHost:8787"}, false, AFT_HTTP_LET_IN},
        {&here, {.method = "GET", .host = "[::1]:8787"}, false, AFT_HTTP_LET_IN},
        {&here, {.method = "GET"}, true, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = ""}, true, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "evil.example:8787"}, true, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "localhost"}, false, AFT_HTTP_LET_IN},
        {&here, {.method = "GET", .host = "localhost:9000"}, false, AFT_HTTP_LET_IN}, /* a tunnel */
        {&here,
         {.method = "GET", .host = "localhost:08787"},
         false,
         AFT_HTTP_LET_IN}, /* the same number */
        {&here, {.method = "GET", .host = "localhost:8787:8787"}, false, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "localhost:"}, false, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "localhost:+8787"}, false, AFT_HTTP_MISDIRECTED},
        {&here,
         {.method = "GET", .host = "localhost:74323"},
         false,
         AFT_HTTP_MISDIRECTED}, /* 8787 + 65536 */
        {&here, {.method = "GET", .host = "localhost:42949681 83"}, false, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "localhost.:8787"}, false, AFT_HTTP_MISDIRECTED},
        {&here,
         {.method = "GET", .host = "localhost.evil.example:8787"},
         false,
         AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "user@localhost:8787"}, false, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "[::1:8787"}, false, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "[localhost]:8787"}, false, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "192.168.1.5:8787"}, false, AFT_HTTP_MISDIRECTED},
        {&here, {.method = "GET", .host = "gpu1:8787"}, false, AFT_HTTP_MISDIRECTED},
        {&named, {.method = "GET", .host = "gpu1:8787"}, false, AFT_HTTP_LET_IN},
        {&named, {.method = "GET", .host = "gpu1"}, false, AFT_HTTP_LET_IN},
        {&named,
         {.method = "GET", .host = "gpu1:9000"},
         false,
         AFT_HTTP_LET_IN}, /* a tunnel's port */
        {&named, {.method = "GET", .host = "runs.example.org:8443"}, false, AFT_HTTP_LET_IN},
        {&named, {.method = "GET", .host = "runs.example.org"}, false, AFT_HTTP_MISDIRECTED},
        {&web, {.method = "GET", .host = "localhost"}, false, AFT_HTTP_LET_IN},
        {&web, {.method = "GET", .host = "[::1]"}, false, AFT_HTTP_LET_IN},
        {&lan,
         {.method = "GET", .host = "192.168.1.5:8787", .authorization = RIGHT},
         false,
         AFT_HTTP_LET_IN},
        {&lan,
         {.method = "GET", .host = "192.168.1.6:8787", .authorization = RIGHT},
         false,
         AFT_HTTP_MISDIRECTED},
    };
    CHECK(rows);
}

static void guard__takes_any_literal_address_but_no_unknown_name_on_a_wildcard(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {&all, {.method = "GET", .host = "10.0.0.7:8787"}, true, AFT_HTTP_LET_IN},
        {&all, {.method = "GET", .host = "[fe80::1]:8787"}, true, AFT_HTTP_LET_IN},
        {&all6, {.method = "GET", .host = "10.0.0.7:8787"}, true, AFT_HTTP_LET_IN},
        {&all, {.method = "GET", .host = "localhost:8787"}, true, AFT_HTTP_LET_IN},
        {&all, {.method = "GET", .host = "gpu1:8787"}, true, AFT_HTTP_LET_IN},
        {&all, {.method = "GET", .host = "gpu2:8787"}, true, AFT_HTTP_MISDIRECTED},
        {&all, {.method = "GET", .host = "10.0.0.7.evil.example:8787"}, true, AFT_HTTP_MISDIRECTED},
        {&all, {.method = "GET", .host = "10.0.0:8787"}, true, AFT_HTTP_MISDIRECTED},
        {&all, {.method = "GET", .host = "0x7f.1:8787"}, true, AFT_HTTP_MISDIRECTED},
        {&all6, {.method = "GET", .host = "gpu1:8787"}, true, AFT_HTTP_MISDIRECTED},
    };
    CHECK(rows);
}

static void guard__refuses_other_sites_pages(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {&here,
         {.method = "POST",
          .host = "localhost:8787",
          .origin = "http://localhost:8787",
          .fetch_site = "same-origin",
          .authorization = RIGHT},
         false,
         AFT_HTTP_LET_IN},
        {&here,
         {.method = "POST",
          .host = "localhost:8787",
          .origin = "http://127.0.0.1:8787",
          .authorization = RIGHT},
         false,
         AFT_HTTP_LET_IN},
        {&here,
         {.method = "POST",
          .host = "localhost:8787",
          .origin = "http://evil.example",
          .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "GET", .host = "localhost:8787", .origin = "http://evil.example"},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "POST", .host = "localhost:8787", .origin = "null", .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "POST", .host = "localhost:8787", .origin = "", .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "POST", .host = "localhost:8787", .origin = "file://", .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "POST", .host = "localhost:8787", .origin = "http://", .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        /* another program's page on this machine */
        {&here,
         {.method = "POST",
          .host = "localhost:8787",
          .origin = "http://localhost:8888",
          .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "POST",
          .host = "localhost:8787",
          .origin = "http://localhost",
          .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "POST",
          .host = "localhost:8787",
          .origin = "http://localhost:8787.evil.example",
          .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "POST",
          .host = "localhost:8787",
          .origin = "http://localhost:8787/",
          .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&named,
         {.method = "POST",
          .host = "gpu1:8787",
          .origin = "http://gpu1:8888",
          .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&named,
         {.method = "POST",
          .host = "gpu1:9000",
          .origin = "http://gpu1:9000",
          .authorization = RIGHT},
         false,
         AFT_HTTP_LET_IN},
        /* a proxy in front that speaks TLS, and does not hand Host on */
        {&named,
         {.method = "POST",
          .host = "127.0.0.1:8787",
          .origin = "https://gpu1",
          .authorization = RIGHT},
         false,
         AFT_HTTP_LET_IN},
        {&named,
         {.method = "POST",
          .host = "127.0.0.1:8787",
          .origin = "https://runs.example.org:8443",
          .authorization = RIGHT},
         false,
         AFT_HTTP_LET_IN},
        {&named,
         {.method = "POST",
          .host = "127.0.0.1:8787",
          .origin = "https://runs.example.org",
          .authorization = RIGHT},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "GET", .host = "localhost:8787", .fetch_site = "cross-site"},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "GET", .host = "localhost:8787", .fetch_site = "same-site"},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "GET", .host = "localhost:8787", .fetch_site = "Same-Origin "},
         false,
         AFT_HTTP_CROSS_SITE},
        {&here,
         {.method = "GET", .host = "localhost:8787", .fetch_site = "none"},
         false,
         AFT_HTTP_LET_IN},
        {&here,
         {.method = "GET", .host = "localhost:8787", .fetch_site = "cross-site"},
         true,
         AFT_HTTP_LET_IN}, /* a link */
        {&here,
         {.method = "POST",
          .host = "localhost:8787",
          .fetch_site = "cross-site",
          .authorization = RIGHT},
         true,
         AFT_HTTP_CROSS_SITE},
    };
    CHECK(rows);
}

static void guard__asks_for_the_token(void **state)
{
    (void)state;
    static const struct aft_http_guard none = {"127.0.0.1", 8787, NULL, NULL, 0};
    static const struct aft_http_guard empty = {"127.0.0.1", 8787, "", NULL, 0};
    static const struct row rows[] = {
        {&here, {.method = "GET", .host = "localhost:8787"}, false, AFT_HTTP_LET_IN},
        {&here, {.method = "HEAD", .host = "localhost:8787"}, false, AFT_HTTP_LET_IN},
        {&here, {.method = "POST", .host = "localhost:8787"}, false, AFT_HTTP_UNAUTHORIZED},
        {&here, {.method = "POST", .host = "localhost:8787"}, true, AFT_HTTP_UNAUTHORIZED},
        {&here, {.method = "DELETE", .host = "localhost:8787"}, false, AFT_HTTP_UNAUTHORIZED},
        {&here, {.method = "get", .host = "localhost:8787"}, false, AFT_HTTP_UNAUTHORIZED},
        {&here,
         {.method = "POST", .host = "localhost:8787", .authorization = RIGHT},
         false,
         AFT_HTTP_LET_IN},
        {&here,
         {.method = "POST", .host = "localhost:8787", .authorization = "bearer  s3cret"},
         false,
         AFT_HTTP_LET_IN},
        {&here,
         {.method = "POST", .host = "localhost:8787", .authorization = "s3cret"},
         false,
         AFT_HTTP_UNAUTHORIZED},
        {&here,
         {.method = "POST", .host = "localhost:8787", .authorization = "Basic s3cret"},
         false,
         AFT_HTTP_UNAUTHORIZED},
        {&here,
         {.method = "POST", .host = "localhost:8787", .authorization = "Bearer "},
         false,
         AFT_HTTP_UNAUTHORIZED},
        {&here,
         {.method = "POST", .host = "localhost:8787", .authorization = "Bearer s3cre"},
         false,
         AFT_HTTP_UNAUTHORIZED},
        {&here,
         {.method = "POST", .host = "localhost:8787", .authorization = "Bearer s3crets"},
         false,
         AFT_HTTP_UNAUTHORIZED},
        {&here,
         {.method = "POST", .host = "localhost:8787", .authorization = "Bearer s3crets3cret"},
         false,
         AFT_HTTP_UNAUTHORIZED},
        {&here,
         {.method = "POST", .host = "localhost:8787", .authorization = "Bearer S3cret"},
         false,
         AFT_HTTP_UNAUTHORIZED},
        {&lan, {.method = "GET", .host = "192.168.1.5:8787"}, false, AFT_HTTP_UNAUTHORIZED},
        {&lan, {.method = "GET", .host = "192.168.1.5:8787"}, true, AFT_HTTP_LET_IN},
        {&lan, {.method = "POST", .host = "192.168.1.5:8787"}, true, AFT_HTTP_UNAUTHORIZED},
        {&all, {.method = "GET", .host = "localhost:8787"}, false, AFT_HTTP_UNAUTHORIZED},
        {&all,
         {.method = "GET", .host = "localhost:8787", .authorization = RIGHT},
         false,
         AFT_HTTP_LET_IN},
        {&none,
         {.method = "POST", .host = "localhost:8787", .authorization = "Bearer "},
         false,
         AFT_HTTP_UNAUTHORIZED},
        {&empty,
         {.method = "POST", .host = "localhost:8787", .authorization = "Bearer "},
         false,
         AFT_HTTP_UNAUTHORIZED},
    };
    CHECK(rows);
}

static void guard__tells_addresses_of_this_machine(void **state)
{
    (void)state;
    static const char *const loopback[] = {"127.0.0.1", "127.9.9.9", "::1", "localhost",
                                           "::ffff:127.0.0.1"};
    static const char *const elsewhere[] = {"0.0.0.0", "::", "192.168.1.5",    "128.0.0.1", "gpu1",
                                            "127.1",   "",   "::ffff:10.0.0.1"};
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++) {
        assert_true(aft_http_is_loopback(loopback[i]));
    }
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        assert_false(aft_http_is_loopback(elsewhere[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guard__knows_the_server_by_its_names_only),
        cmocka_unit_test(guard__takes_any_literal_address_but_no_unknown_name_on_a_wildcard),
        cmocka_unit_test(guard__refuses_other_sites_pages),
        cmocka_unit_test(guard__asks_for_the_token),
        cmocka_unit_test(guard__tells_addresses_of_this_machine),
    };
    return cmocka_run_group_tests_name("http guard", tests, NULL, NULL);
}
