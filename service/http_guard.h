/*
 * Which requests are let in: by Host (against DNS rebinding), Origin and
 * Sec-Fetch-Site (against other sites' pages) and token. Pure functions of what
 * the request says.
 */
#ifndef AFT_SERVICE_HTTP_GUARD_H
#define AFT_SERVICE_HTTP_GUARD_H

#include <stdbool.h>

struct aft_http_guard {
    const char *address; /* that is listened on */
    int port;
    const char *token;
    const char *const *hosts; /* further names for Host */
    int n_hosts;
};

struct aft_http_claims { /* what a request says; NULL where it does not */
    const char *method, *host, *origin, *fetch_site, *authorization;
};

enum aft_http_verdict {
    AFT_HTTP_LET_IN,
    AFT_HTTP_MISDIRECTED,  /* 421: Host is none of ours */
    AFT_HTTP_CROSS_SITE,   /* 403: another site's page asks */
    AFT_HTTP_UNAUTHORIZED, /* 401: the token is missing or wrong */
};

/* open: of a route that needs no token. */
enum aft_http_verdict aft_http_guard(const struct aft_http_guard *guard,
                                     const struct aft_http_claims *claims, bool open);

/* True for an address that only this machine can reach. */
bool aft_http_is_loopback(const char *address);

#endif
