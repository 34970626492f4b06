/* The socket that is listened on. */
#ifndef AFT_SERVICE_HTTP_SOCKET_H
#define AFT_SERVICE_HTTP_SOCKET_H

#include "base/error.h"

/* address: a numeric one, or a name of this machine; "::" takes IPv4 too. port 0: any free one,
 * which *port then says. The socket is not inherited by programs that are started. */
enum aft_code aft_http_listen(int *fd, int *port, const char *address, struct aft_error *error);

#endif
