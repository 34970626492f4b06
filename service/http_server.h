/*
 * An HTTP server for one page and one API, over libmicrohttpd: the one module that
 * includes it. It does what concerns every request alike: limits, Host, Origin and
 * token (service/http_guard.h), reading of JSON bodies, problem documents for errors,
 * security headers, compression by none. What is at which path is in a table of routes.
 *
 * One thread handles all connections, so a handler must be quick. What takes longer is
 * deferred: the exchange is answered later, from any thread.
 */
#ifndef AFT_SERVICE_HTTP_SERVER_H
#define AFT_SERVICE_HTTP_SERVER_H

#include "base/error.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

enum { AFT_HTTP_MAX_PARAMETERS = 3 };

struct aft_http_exchange; /* a request and its answer */

typedef void (*aft_http_handler)(void *context, struct aft_http_exchange *exchange);

struct aft_http_route {
    const char *method; /* "GET" (HEAD is answered too) or "POST", whose body is a JSON object */
    const char *path;   /* "/api/training-runs/{}/metrics": {} takes one segment */
    aft_http_handler handler;
    bool open; /* needs no token, wherever the server listens: the page itself */
};

struct aft_http_config {
    const char *address;      /* "127.0.0.1", "::1", "0.0.0.0" */
    int port;                 /* 0: any free one */
    const char *token;        /* needed to change state, and for everything but open routes where
                               * address is not of this machine alone */
    const char *const *hosts; /* further names that Host may have, beside address and localhost */
    int n_hosts;
    const struct aft_http_route *routes; /* end in zeros */
    void *context;                       /* of the handlers */
    size_t max_body;                     /* bytes */
    int max_connections, timeout_s;      /* a request must be complete, an answer taken, in time */
};

struct aft_http_server;

enum aft_code aft_http_start(struct aft_http_server **server, const struct aft_http_config *config,
                             struct aft_error *error);
int aft_http_port(const struct aft_http_server *server);
/* Ends all connections; deferred exchanges may still be answered, into the void. */
void aft_http_stop(struct aft_http_server *server);

/* Of a request; all borrowed until it is answered. */
const char *aft_http_parameter(const struct aft_http_exchange *exchange, int index);     /* of {} */
const char *aft_http_query(const struct aft_http_exchange *exchange, const char *name);  /* NULL */
const char *aft_http_header(const struct aft_http_exchange *exchange, const char *name); /* NULL */
const struct aft_json *aft_http_body(const struct aft_http_exchange *exchange); /* of a POST */

/* Every exchange is answered exactly once, by one of these. */
void aft_http_answer_json(struct aft_http_exchange *exchange, int status,
                          const struct aft_json *document);
/* The same of a document that is written already; the text is copied. */
void aft_http_answer_json_text(struct aft_http_exchange *exchange, int status, const char *text,
                               size_t size);
/* Problem details (RFC 9457): {"type": "about:blank", "title", "status", "detail"}. */
void aft_http_answer_problem(struct aft_http_exchange *exchange, int status, const char *detail);
/* The same with further members, which are taken over. */
void aft_http_answer_problem_with(struct aft_http_exchange *exchange, int status,
                                  const char *detail, struct aft_json *members);
/* By what a failure means: MISSING 404, USAGE 422, REFUSED 409, BUSY 409, else 500. */
void aft_http_answer_failure(struct aft_http_exchange *exchange, const struct aft_error *error);
/* Bytes that outlive the server, such as an embedded asset. etag is a validator for If-None-Match,
 * without its quotes: a digest. */
void aft_http_answer_static(struct aft_http_exchange *exchange, const char *content_type,
                            const void *bytes, size_t size, const char *etag);
/* A file made by someone else: it is sandboxed (no scripts, no requests). It is opened here. */
void aft_http_answer_file(struct aft_http_exchange *exchange, const char *content_type,
                          const char *path);
/* A stream of server-sent events: what is published from here on, and of one run only where run
 * is not NULL. A listener that does not keep up is ended. */
void aft_http_answer_stream(struct aft_http_exchange *exchange, const char *run);

/* The handler returns without an answer; one of the above follows, from any thread. */
void aft_http_defer(struct aft_http_exchange *exchange);

/* To all listeners of that run; run NULL: to all. From any thread. */
void aft_http_publish(struct aft_http_server *server, const char *run, const char *event,
                      const struct aft_json *data);
int aft_http_listeners(const struct aft_http_server *server);

#endif
