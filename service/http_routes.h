/* Which route a request takes. Pure. */
#ifndef AFT_SERVICE_HTTP_ROUTES_H
#define AFT_SERVICE_HTTP_ROUTES_H

#include "service/http_server.h"
#include "service/http_target.h"

struct aft_http_match {
    const struct aft_http_route *route;              /* NULL: nothing fits */
    const char *parameters[AFT_HTTP_MAX_PARAMETERS]; /* of {}, borrowed from the target */
    const char *allow; /* the methods that the path has; NULL: there is no such path */
};

/* The first route that fits. {} takes any one segment that is not empty. HEAD goes where GET
 * goes; methods are compared with their case, as RFC 9110 has it. */
void aft_http_routes_match(struct aft_http_match *match, const struct aft_http_route *routes,
                           const char *method, const struct aft_http_target *target);

#endif
