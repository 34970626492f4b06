/*
 * A thread for what takes longer than the server's own may be kept from its other connections:
 * questions whose answers are made from many rows or files. One after another, in the order in
 * which they were asked.
 */
#ifndef AFT_SERVICE_BACKGROUND_H
#define AFT_SERVICE_BACKGROUND_H

#include "base/error.h"
#include "service/http_server.h"

struct aft_background;

/* context: of the handlers that run in it; nothing of it may be used by another thread. The
 * thread blocks the signals that its creator blocks. */
enum aft_code aft_background_create(struct aft_background **background, void *context,
                                    struct aft_error *error);
/* Answers what is left with 503. The server must take no more requests. */
void aft_background_destroy(struct aft_background *background);

/* Defers the exchange, and has the handler answer it; 503 where too much waits already. */
void aft_background_run(struct aft_background *background, aft_http_handler handler,
                        struct aft_http_exchange *exchange);

#endif
