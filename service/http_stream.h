/*
 * Server-sent events: messages, encoded once for all who listen, and the queue of each
 * listener. A queue is bounded: a listener that does not keep up loses its stream, not the
 * server its memory. Not for several threads at once: the caller holds a lock.
 */
#ifndef AFT_SERVICE_HTTP_STREAM_H
#define AFT_SERVICE_HTTP_STREAM_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    AFT_HTTP_QUEUE_MESSAGES = 512,
    AFT_HTTP_QUEUE_BYTES = 4 << 20, /* whatever is longer alone is not delivered */
};

struct aft_http_message; /* counted references */

/* "event: NAME\ndata: JSON on one line\n\n". NULL where memory is short, or event is NULL, empty
 * or holds a line break. */
struct aft_http_message *aft_http_message_create(const char *event, const struct aft_json *data);
/* The bytes as they are: a comment, a "retry:". */
struct aft_http_message *aft_http_message_raw(const char *text);
void aft_http_message_release(struct aft_http_message *message);

struct aft_http_queue {
    struct aft_http_message *ring[AFT_HTTP_QUEUE_MESSAGES];
    int first, count;
    size_t bytes;  /* that wait */
    size_t offset; /* of the first message, that are taken */
    bool overflowed;
};

void aft_http_queue_init(struct aft_http_queue *queue);
void aft_http_queue_clear(struct aft_http_queue *queue);
/* Takes a reference of its own. False where there is no room: the queue has overflowed. */
bool aft_http_queue_push(struct aft_http_queue *queue, struct aft_http_message *message);
/* Copies up to size bytes that wait, and forgets them; messages may be cut. Returns how many. */
size_t aft_http_queue_take(struct aft_http_queue *queue, char *bytes, size_t size);

#endif
