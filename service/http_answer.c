/* The answers that a handler can give; http_server.c sends them. */
#include "service/http_exchange.h"
#include "service/http_listeners.h"

#include "base/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NO_CONTENT_POLICY "default-src 'none'; frame-ancestors 'none'"

static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/* The page cannot be told from one of another site's: it reaches nothing of this server. */
static const char foreign_policy[] =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

void aft_http_answer_drop(struct aft_http_answer *answer)
{
    switch (answer->kind) {
    case AFT_HTTP_BYTES:
        free(answer->bytes);
        break;
    case AFT_HTTP_FILE:
        (void)close(answer->fd);
        break;
    case AFT_HTTP_STREAM:
        aft_http_listener_remove(answer->listener);
        break;
    case AFT_HTTP_STATIC:
    case AFT_HTTP_NO_ANSWER:
        break;
    }
    answer->kind = AFT_HTTP_NO_ANSWER;
}

static const char *title_of(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return status < 500 ? "Request Refused" : "Server Error";
}

static bool write_document(struct aft_http_answer *answer, const struct aft_json *document)
{
    size_t size = 0;
    if (aft_json_write(&answer->bytes, &size, document, false, NULL) != AFT_OK) {
        return false;
    }
    answer->kind = AFT_HTTP_BYTES;
    answer->size = size;
    return true;
}

/* members are taken over. */
static void fill_problem(struct aft_http_answer *answer, int status, const char *detail,
                         struct aft_json *members)
{
    static const char bare[] =
        "{\"type\":\"about:blank\",\"title\":\"Internal Server Error\",\"status\":500,"
        "\"detail\":\"the answer could not be written\"}";
    struct aft_json *document = aft_json_object();
    aft_json_set_string(document, "type", "about:blank");
    aft_json_set_string(document, "title", title_of(status));
    aft_json_set_integer(document, "status", status);
    aft_json_set_string(document, "detail", detail);
    for (size_t i = 0; i < aft_json_length(members); i++) {
        const struct aft_json *value = NULL;
        const char *key = aft_json_key_at(members, i, &value);
        aft_json_set(document, key, aft_json_copy(value));
    }
    *answer = (struct aft_http_answer){.status = status,
                                       .content_type = "application/problem+json",
                                       .policy = NO_CONTENT_POLICY,
                                       .caching = "no-store"};
    if (!write_document(answer, document)) {
        answer->status = 500;
        answer->kind = AFT_HTTP_STATIC;
        answer->borrowed = bare;
        answer->size = sizeof bare - 1;
    }
    aft_json_destroy(document);
    aft_json_destroy(members);
}

void aft_http_answer_problem_with(struct aft_http_exchange *exchange, int status,
                                  const char *detail, struct aft_json *members)
{
    struct aft_http_answer answer;
    fill_problem(&answer, status, detail, members);
    aft_http_deliver(exchange, &answer);
}

void aft_http_answer_problem(struct aft_http_exchange *exchange, int status, const char *detail)
{
    aft_http_answer_problem_with(exchange, status, detail, NULL);
}

void aft_http_answer_failure(struct aft_http_exchange *exchange, const struct aft_error *error)
{
    int status = 500;
    switch (error->code) {
    case AFT_ERR_MISSING:
        status = 404;
        break;
    case AFT_ERR_USAGE:
        status = 422;
        break;
    case AFT_ERR_REFUSED:
    case AFT_ERR_BUSY:
        status = 409;
        break;
    default:
        break;
    }
    aft_http_answer_problem(exchange, status, error->message);
}

static struct aft_http_answer json_answer(int status)
{
    return (struct aft_http_answer){.status = status,
                                    .content_type = "application/json",
                                    .policy = NO_CONTENT_POLICY,
                                    .caching = "no-store"};
}

void aft_http_answer_json_text(struct aft_http_exchange *exchange, int status, const char *text,
                               size_t size)
{
    struct aft_http_answer answer = json_answer(status);
    answer.kind = AFT_HTTP_BYTES;
    answer.size = size;
    answer.bytes = malloc(size + 1);
    if (answer.bytes == NULL) {
        aft_http_answer_problem(exchange, 503, "there is no memory for the answer");
        return;
    }
    memcpy(answer.bytes, text, size);
    aft_http_deliver(exchange, &answer);
}

void aft_http_answer_json(struct aft_http_exchange *exchange, int status,
                          const struct aft_json *document)
{
    struct aft_http_answer answer = json_answer(status);
    if (write_document(&answer, document)) {
        aft_http_deliver(exchange, &answer);
    } else {
        aft_http_answer_problem(exchange, 500, "the answer could not be written");
    }
}

/* A list of validators, of which one may be ours; a weak one is as good for a GET. */
static bool is_held(const char *if_none_match, const char *etag)
{
    size_t length = strlen(etag);
    for (const char *one = if_none_match; one != NULL && *one != '\0';) {
        one += strspn(one, " \t,");
        if (*one == '*') {
            return true;
        }
        one += strncmp(one, "W/", 2) == 0 ? 2 : 0;
        size_t size = strcspn(one, ",");
        while (size > 0 && (one[size - 1] == ' ' || one[size - 1] == '\t')) {
            size--;
        }
        if (size == length && strncmp(one, etag, length) == 0) {
            return true;
        }
        one += strcspn(one, ",");
    }
    return false;
}

void aft_http_answer_static(struct aft_http_exchange *exchange, const char *content_type,
                            const void *bytes, size_t size, const char *etag)
{
    struct aft_http_answer answer = {.kind = AFT_HTTP_STATIC,
                                     .status = 200,
                                     .content_type = content_type,
                                     .policy = page_policy,
                                     .caching = "no-cache",
                                     .borrowed = bytes,
                                     .size = size};
    (void)snprintf(answer.etag, sizeof answer.etag, "\"%s\"", etag);
    if (is_held(aft_http_header(exchange, "If-None-Match"), answer.etag)) {
        answer.status = 304;
        answer.size = 0;
    }
    aft_http_deliver(exchange, &answer);
}

void aft_http_answer_file(struct aft_http_exchange *exchange, const char *content_type,
                          const char *path)
{
    struct stat status;
    /* Without O_NONBLOCK the opening of a FIFO waits for someone to write. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        if (fd >= 0) {
            (void)close(fd);
        }
        aft_http_answer_problem(exchange, 404, "there is no such file, or it cannot be read");
        return;
    }
    struct aft_http_answer answer = {.kind = AFT_HTTP_FILE,
                                     .status = 200,
                                     .content_type = content_type,
                                     .policy = foreign_policy,
                                     .caching = "no-store",
                                     .size = (uint64_t)status.st_size,
                                     .fd = fd};
    aft_http_deliver(exchange, &answer);
}

void aft_http_answer_stream(struct aft_http_exchange *exchange, const char *run)
{
    struct aft_http_listener *listener = aft_http_listeners_add(exchange->listeners, run);
    if (listener == NULL) {
        aft_http_answer_problem(exchange, 503, "there are too many listeners");
        return;
    }
    struct aft_http_answer answer = {.kind = AFT_HTTP_STREAM,
                                     .status = 200,
                                     .content_type = "text/event-stream",
                                     .policy = NO_CONTENT_POLICY,
                                     .caching = "no-store",
                                     .listener = listener};
    aft_http_deliver(exchange, &answer);
}
