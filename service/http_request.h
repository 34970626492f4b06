/*
 * What becomes of a request, judged by its head: who may come in (service/http_guard.h),
 * where it goes (service/http_routes.h), whether its body can be understood and is short
 * enough. And the body of a POST. Pure functions of bytes, so that they can be fuzzed.
 */
#ifndef AFT_SERVICE_HTTP_REQUEST_H
#define AFT_SERVICE_HTTP_REQUEST_H

#include "service/http_guard.h"
#include "service/http_routes.h"

struct aft_http_field { /* of the head */
    const char *name, *value;
};

struct aft_http_head {
    const char *method;
    const struct aft_http_field *fields;
    int n_fields;
};

struct aft_http_rules {
    struct aft_http_guard guard;
    const struct aft_http_route *routes; /* end in zeros */
    size_t max_body;                     /* bytes */
};

struct aft_http_ruling {
    int status;         /* of a refusal; 0: the request is let in */
    const char *detail; /* of a refusal */
    const char *allow;  /* of a 405, for the Allow field */
    const struct aft_http_route *route;
    const char *parameters[AFT_HTTP_MAX_PARAMETERS];
    bool has_body;
    bool at_once; /* refused without reading the body: the connection cannot be used again */
};

/* The value of a field, by its name in any case; NULL where it is missing. */
const char *aft_http_head_field(const struct aft_http_head *head, const char *name);

/* Takes text, the request's target, apart in place; target and ruling borrow from it. */
void aft_http_judge(struct aft_http_ruling *ruling, struct aft_http_target *target, char *text,
                    const struct aft_http_head *head, const struct aft_http_rules *rules);

/* Exactly one JSON object, which the caller owns. CORRUPT where it is not JSON, or has a key
 * twice; USAGE where it is another value than an object. */
enum aft_code aft_http_read_body(struct aft_json **object, const char *bytes, size_t size,
                                 struct aft_error *error);

#endif
