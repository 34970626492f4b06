/*
 * Deadlines of open connections, on a thread of their own. libmicrohttpd ends a connection
 * on which nothing happens; a client that sends or takes a byte now and then is ended here.
 * The socket is shut down, not closed: whoever owns it notices and closes it.
 */
#ifndef AFT_SERVICE_HTTP_DEADLINES_H
#define AFT_SERVICE_HTTP_DEADLINES_H

#include "base/error.h"

struct aft_http_deadlines;
struct aft_http_deadline; /* of one connection */

/* tick is called about twice a second, on that thread. */
enum aft_code aft_http_deadlines_create(struct aft_http_deadlines **deadlines,
                                        void (*tick)(void *context), void *context,
                                        struct aft_error *error);
/* Ends the thread. No connection may be left that is removed later. */
void aft_http_deadlines_destroy(struct aft_http_deadlines *deadlines);

/* NULL where memory is short. The descriptor stays open until it is removed. */
struct aft_http_deadline *aft_http_deadlines_add(struct aft_http_deadlines *deadlines, int fd);
void aft_http_deadlines_remove(struct aft_http_deadlines *deadlines,
                               struct aft_http_deadline *deadline); /* takes NULL */
int aft_http_deadlines_count(struct aft_http_deadlines *deadlines);

/* From now on; 0: there is none. From any thread. Takes NULL. */
void aft_http_deadline_set(struct aft_http_deadline *deadline, double seconds);

#endif
