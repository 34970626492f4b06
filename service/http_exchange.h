/* A request and its answer, from the inside: what http_server.c gathers and sends. */
#ifndef AFT_SERVICE_HTTP_EXCHANGE_H
#define AFT_SERVICE_HTTP_EXCHANGE_H

#include "service/http_request.h"
#include "service/http_server.h"

#include <stdint.h>

enum {
    AFT_HTTP_MAX_FIELDS = 64,
    AFT_HTTP_HEAD_BYTES = 16 << 10,
    AFT_HTTP_DRAINED_BYTES = 1 << 20, /* of a refused body, beyond the longest allowed */
};

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
    struct aft_http_listeners *listeners; /* the server's */
    char *target_text, *head_text;        /* that target and fields borrow from */
    size_t head_size;
    struct aft_http_target target;
    struct aft_http_field fields[AFT_HTTP_MAX_FIELDS];
    struct aft_http_head head; /* its method is set while the head is judged only */
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

/* NULL where memory is short. */
struct aft_http_exchange *aft_http_exchange_create(struct aft_http_server *server,
                                                   const char *target);
void aft_http_exchange_destroy(struct aft_http_exchange *exchange);

/* A field of the head; need not end in NUL. 0, or the status with which to refuse the request. */
int aft_http_exchange_add_field(struct aft_http_exchange *exchange, const char *name,
                                size_t name_size, const char *value, size_t value_size);
/* A piece of the body. What is refused is read to its end, within limits: where a connection is
 * closed with bytes unread, the refusal may be lost on its way. False: it has to be closed. */
bool aft_http_exchange_add_body(struct aft_http_exchange *exchange, const char *bytes, size_t size,
                                size_t max_body);

void aft_http_answer_drop(struct aft_http_answer *answer);

/* Takes the answer over. The exchange may be gone when it returns. From any thread. */
void aft_http_deliver(struct aft_http_exchange *exchange, const struct aft_http_answer *answer);

#endif
