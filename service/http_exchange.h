/* A request and its answer, as the server (http_server.c) and the functions that answer
 * (http_exchange.c) see it. */
#ifndef AFT_SERVICE_HTTP_EXCHANGE_H
#define AFT_SERVICE_HTTP_EXCHANGE_H

#include "service/http_request.h"
#include "service/http_server.h"

#include <stdint.h>

enum aft_http_answer_kind {
    AFT_HTTP_NO_ANSWER,
    AFT_HTTP_BYTES,  /* freed with the answer */
    AFT_HTTP_STATIC, /* borrowed */
    AFT_HTTP_FILE,   /* closed with the answer */
    AFT_HTTP_STREAM,
};

struct aft_http_answer {
    enum aft_http_answer_kind kind;
    int status;
    const char *content_type, *policy, *caching; /* header fields; static strings */
    char etag[80];                               /* with quotes; empty: none */
    char *bytes;
    const void *borrowed;
    uint64_t size;
    int fd;
    struct aft_http_listener *listener;
};

struct aft_http_exchange {
    struct aft_http_server *server;    /* holds a reference */
    struct MHD_Connection *connection; /* NULL: it has gone */
    struct aft_http_deadline *deadline;
    char *target_text, *head_text; /* that target and head borrow from */
    struct aft_http_target target;
    struct aft_http_head head;
    struct aft_http_ruling ruling;
    char *body_text;
    size_t body_size, body_capacity, received;
    struct aft_json *body;
    struct aft_http_answer answer;
    bool judged, dispatched; /* the handler was called, or need not be */
    /* With the server's lock held: */
    bool deferred, suspended, answered;
    struct aft_http_exchange *next, *previous; /* among the suspended ones */
};

/* Takes the answer over. The exchange may be gone when it returns. From any thread. */
void aft_http_deliver(struct aft_http_exchange *exchange, const struct aft_http_answer *answer);

/* A problem document. members (may be NULL) are taken over. */
void aft_http_problem(struct aft_http_answer *answer, int status, const char *detail,
                      struct aft_json *members);

#endif
