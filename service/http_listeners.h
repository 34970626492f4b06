/*
 * Those who listen to server-sent events, each with a queue (service/http_stream.h). A
 * listener whose queue is empty is paused, and resumed when something is published. For
 * several threads at once.
 */
#ifndef AFT_SERVICE_HTTP_LISTENERS_H
#define AFT_SERVICE_HTTP_LISTENERS_H

#include "service/http_deadlines.h"

#include "base/json.h"

#include <stdbool.h>
#include <sys/types.h>

struct aft_http_valve { /* of a connection; called with a lock held that nothing else takes */
    void (*pause)(void *connection);
    void (*resume)(void *connection);
};

struct aft_http_listeners;
struct aft_http_listener;

/* NULL where memory is short. */
struct aft_http_listeners *aft_http_listeners_create(int most, struct aft_http_valve valve);
void aft_http_listeners_destroy(struct aft_http_listeners *listeners); /* all are removed */

/* run NULL: to all runs. NULL where there are too many, or memory is short. */
struct aft_http_listener *aft_http_listeners_add(struct aft_http_listeners *listeners,
                                                 const char *run);
void aft_http_listener_remove(struct aft_http_listener *listener); /* takes NULL */

/* Before the first read. The deadline is that of the connection. */
void aft_http_listener_connect(struct aft_http_listener *listener, void *connection,
                               struct aft_http_deadline *deadline);
/* Bytes to send; 0: none, and the connection is paused; -1: the stream has ended. */
ssize_t aft_http_listener_read(struct aft_http_listener *listener, char *bytes, size_t size);

/* To those who listen to that run, or to all runs; run NULL: to all. */
void aft_http_listeners_publish(struct aft_http_listeners *listeners, const char *run,
                                const char *event, const struct aft_json *data);
/* A comment to those who were sent nothing for long, so that proxies keep the connection and
 * dead ones are noticed. To be called about every second. */
void aft_http_listeners_keep_alive(struct aft_http_listeners *listeners);
/* Ends all streams; those added later end at once. */
void aft_http_listeners_end(struct aft_http_listeners *listeners);
int aft_http_listeners_count(struct aft_http_listeners *listeners);

#endif
