/* What judges a request and reads its body, behind the line-reading of libmicrohttpd. */
#include "fuzz.h"

#include "service/http_exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_BODY = 512 };

static void handler(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    (void)exchange;
}

static const struct aft_http_route routes[] = {
    {"GET", "/", handler, true},
    {"GET", "/api/training-runs", handler, false},
    {"GET", "/api/training-runs/{}/reports/{}", handler, false},
    {"POST", "/api/training/start", handler, false},
    {0},
};

static const char *const hosts[] = {"gpu1", "runs.example.org:8443"};

/* The next line without its end, as a string; NULL at the end. */
static char *next_line(char **rest)
{
    char *line = *rest;
    if (line == NULL) {
        return NULL;
    }
    char *end = strchr(line, '\n');
    *rest = end == NULL ? NULL : end + 1;
    if (end != NULL) {
        *end = '\0';
        if (end > line && end[-1] == '\r') {
            end[-1] = '\0';
        }
    }
    return line;
}

static void check_segment(const char *segment)
{
    FUZZ_CHECK(aft_http_is_utf8(segment));
    FUZZ_CHECK(strchr(segment, '/') == NULL);
    FUZZ_CHECK(strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0);
    for (const char *byte = segment; *byte != '\0'; byte++) {
        FUZZ_CHECK((unsigned char)*byte >= 0x20 && *byte != 0x7f);
    }
}

/* Encoded again, the target says the same. */
static void check_target(const struct aft_http_target *target)
{
    char text[3 * 4096 + 64], *out = text;
    for (int i = 0; i < target->n_segments; i++) {
        check_segment(target->segments[i]);
        *out++ = '/';
        for (const char *byte = target->segments[i]; *byte != '\0'; byte++) {
            static const char digits[] = "0123456789abcdef";
            FUZZ_CHECK(out + 4 < text + sizeof text);
            *out++ = '%';
            *out++ = digits[(unsigned char)*byte >> 4];
            *out++ = digits[(unsigned char)*byte & 15];
        }
    }
    *out = '\0';
    struct aft_http_target again;
    FUZZ_CHECK(aft_http_target_parse(&again, text) == NULL);
    FUZZ_CHECK(again.n_segments == target->n_segments);
    for (int i = 0; i < target->n_segments; i++) {
        FUZZ_CHECK(strcmp(again.segments[i], target->segments[i]) == 0);
    }
    for (int i = 0; i < target->n_query; i++) {
        FUZZ_CHECK(aft_http_target_query(target, target->query[i].name) == target->query[i].value);
        FUZZ_CHECK(aft_http_is_utf8(target->query[i].value));
    }
}

static void check_refusal(const struct aft_http_ruling *ruling)
{
    static const int known[] = {400, 401, 403, 404, 405, 413, 415, 421};
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        is_known = is_known || ruling->status == known[i];
    }
    FUZZ_CHECK(is_known);
    FUZZ_CHECK(ruling->detail != NULL);
    FUZZ_CHECK((ruling->status == 405) == (ruling->allow != NULL));
}

static void check_let_in(const struct aft_http_exchange *exchange, const char *method,
                         const struct aft_http_guard *guard)
{
    const struct aft_http_ruling *ruling = &exchange->ruling;
    const char *token = aft_http_header(exchange, "authorization");
    const char *origin = aft_http_header(exchange, "origin");
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    FUZZ_CHECK(ruling->detail == NULL && ruling->route != NULL && !ruling->at_once);
    FUZZ_CHECK(aft_http_header(exchange, "host") != NULL);
    FUZZ_CHECK(origin == NULL || strncasecmp(origin, "http", 4) == 0);
    FUZZ_CHECK(reads || strcmp(method, "POST") == 0);
    FUZZ_CHECK(!reads || !ruling->has_body);
    bool needed = !reads || (!ruling->route->open && !aft_http_is_loopback(guard->address));
    FUZZ_CHECK(!needed || (token != NULL && strstr(token, guard->token) != NULL));
    for (int i = 0; i < AFT_HTTP_MAX_PARAMETERS && ruling->parameters[i] != NULL; i++) {
        FUZZ_CHECK(*ruling->parameters[i] != '\0');
        check_segment(ruling->parameters[i]);
    }
    check_target(&exchange->target);
}

/* In two pieces, as from a network. */
static void read_body(struct aft_http_exchange *exchange, const char *body, size_t size)
{
    struct aft_error error = {0};
    size_t half = size / 2;
    if (!aft_http_exchange_add_body(exchange, body, half, MAX_BODY) ||
        !aft_http_exchange_add_body(exchange, body + half, size - half, MAX_BODY)) {
        return;
    }
    FUZZ_CHECK((size > MAX_BODY) == (exchange->ruling.status == 413));
    if (size > MAX_BODY) {
        return;
    }
    enum aft_code code =
        aft_http_read_body(&exchange->body, exchange->body_text, exchange->body_size, &error);
    FUZZ_CHECK((code == AFT_OK) == aft_json_is_object(exchange->body));
    if (code != AFT_OK) {
        FUZZ_CHECK(exchange->body == NULL);
        fuzz_check_failure(code, &error, AFT_ERR_CORRUPT, AFT_ERR_USAGE);
    }
}

static void add_fields(struct aft_http_exchange *exchange, char **rest)
{
    for (char *line = next_line(rest); line != NULL && *line != '\0'; line = next_line(rest)) {
        char *value = strchr(line, ':');
        size_t length = value == NULL ? strlen(line) : (size_t)(value - line);
        value = value == NULL ? line + length : value + 1 + strspn(value + 1, " \t");
        int count = exchange->head.n_fields;
        int status = aft_http_exchange_add_field(exchange, line, length, value, strlen(value));
        FUZZ_CHECK(status == 0 || status == 431);
        FUZZ_CHECK(exchange->head.n_fields == count + (status == 0));
    }
}

static void ask(char *request, const char *end, const char *address)
{
    const struct aft_http_rules rules = {
        .guard = {.address = address, .port = 8787, .token = "right", .hosts = hosts, .n_hosts = 2},
        .routes = routes,
        .max_body = MAX_BODY};
    char *rest = request;
    char *method = next_line(&rest);
    char *target = strchr(method, ' ');
    if (target == NULL) {
        return;
    }
    *target++ = '\0';
    char *version = strrchr(target, ' ');
    if (version != NULL) {
        *version = '\0';
    }
    struct aft_http_exchange *exchange = aft_http_exchange_create(NULL, target);
    FUZZ_CHECK(exchange != NULL);
    add_fields(exchange, &rest);
    exchange->head.method = method;
    aft_http_judge(&exchange->ruling, &exchange->target, exchange->target_text, &exchange->head,
                   &rules);
    if (exchange->ruling.status != 0) {
        check_refusal(&exchange->ruling);
    } else {
        check_let_in(exchange, method, &rules.guard);
        if (strcmp(method, "POST") == 0) {
            read_body(exchange, rest != NULL ? rest : "", rest != NULL ? (size_t)(end - rest) : 0);
        }
    }
    aft_http_exchange_destroy(exchange);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const addresses[] = {"127.0.0.1", "0.0.0.0", "192.168.1.5"};
    if (size > 4096) {
        return 0;
    }
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        char *request = malloc(size + 1); /* it is written into */
        FUZZ_CHECK(request != NULL);
        memcpy(request, data, size);
        request[size] = '\0';
        ask(request, request + size, addresses[i]);
        free(request);
    }
    return 0;
}
