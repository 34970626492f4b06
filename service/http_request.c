#include "service/http_request.h"

#include <string.h>
#include <strings.h>

const char *aft_http_head_field(const struct aft_http_head *head, const char *name)
{
    for (int i = 0; i < head->n_fields; i++) {
        if (strcasecmp(head->fields[i].name, name) == 0) {
            return head->fields[i].value;
        }
    }
    return NULL;
}

static void refuse(struct aft_http_ruling *ruling, int status, const char *detail)
{
    ruling->status = status;
    ruling->detail = detail;
}

static bool is_given_twice(const struct aft_http_head *head, const char *name)
{
    int count = 0;
    for (int i = 0; i < head->n_fields; i++) {
        count += strcasecmp(head->fields[i].name, name) == 0;
    }
    return count > 1;
}

/* RFC 9110, section 5.6.2. */
static bool is_token(const char *name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (const char *byte = name; *byte != '\0'; byte++) {
        bool letter = (*byte >= 'a' && *byte <= 'z') || (*byte >= 'A' && *byte <= 'Z');
        if (!letter && (*byte < '0' || *byte > '9') && strchr(others, *byte) == NULL) {
            return false;
        }
    }
    return *name != '\0';
}

/* Fields that could be read in two ways: by us and by a proxy in front. */
static bool fields_are_plain(struct aft_http_ruling *ruling, const struct aft_http_head *head)
{
    static const char *const single[] = {
        "Host",         "Origin",         "Authorization",    "Sec-Fetch-Site",
        "Content-Type", "Content-Length", "Transfer-Encoding"};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (is_given_twice(head, single[i])) {
            refuse(ruling, 400, "a header field that may be given once is given twice");
            return false;
        }
    }
    for (int i = 0; i < head->n_fields; i++) {
        if (!is_token(head->fields[i].name)) {
            refuse(ruling, 400, "the name of a header field is none");
            return false;
        }
        for (const char *byte = head->fields[i].value; *byte != '\0'; byte++) {
            if (((unsigned char)*byte < 0x20 && *byte != '\t') || *byte == 0x7f) {
                refuse(ruling, 400, "a header field holds a control character");
                return false;
            }
        }
    }
    return true;
}

/* Whether there is a body, and where it ends. Digits beyond any size that is allowed are cut. */
static bool body_is_framed(struct aft_http_ruling *ruling, const struct aft_http_head *head,
                           size_t max_body)
{
    const char *length = aft_http_head_field(head, "Content-Length");
    const char *coding = aft_http_head_field(head, "Transfer-Encoding");
    size_t bytes = 0;
    for (const char *digit = length; digit != NULL && *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9') {
            refuse(ruling, 400, "Content-Length is not a number");
            return false;
        }
        bytes = bytes > max_body ? bytes : bytes * 10 + (size_t)(*digit - '0');
    }
    ruling->has_body = coding != NULL || bytes > 0;
    if (coding != NULL && (length != NULL || strcasecmp(coding, "chunked") != 0)) {
        refuse(ruling, 400, "the body's length is not given in one way that is understood");
        return false;
    }
    if (bytes > max_body) {
        refuse(ruling, 413, "the body is too long");
        return false;
    }
    return true;
}

static void let_in(struct aft_http_ruling *ruling, const struct aft_http_head *head,
                   const struct aft_http_rules *rules)
{
    struct aft_http_claims claims = {
        .method = head->method,
        .host = aft_http_head_field(head, "Host"),
        .origin = aft_http_head_field(head, "Origin"),
        .fetch_site = aft_http_head_field(head, "Sec-Fetch-Site"),
        .authorization = aft_http_head_field(head, "Authorization"),
    };
    bool open = ruling->route != NULL && ruling->route->open;
    switch (aft_http_guard(&rules->guard, &claims, open)) {
    case AFT_HTTP_MISDIRECTED:
        refuse(ruling, 421, "the server is not known by the name in Host");
        break;
    case AFT_HTTP_CROSS_SITE:
        refuse(ruling, 403, "the request comes from another site's page");
        break;
    case AFT_HTTP_UNAUTHORIZED:
        refuse(ruling, 401, "the token is missing or wrong");
        break;
    case AFT_HTTP_LET_IN:
        break;
    }
}

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t length = sizeof json - 1;
    return type != NULL && strncasecmp(type, json, length) == 0 &&
           (type[length] == '\0' || strchr("; \t", type[length]) != NULL);
}

static void find_route(struct aft_http_ruling *ruling, const struct aft_http_match *match,
                       const char *bad_target, const struct aft_http_head *head)
{
    if (bad_target != NULL) {
        refuse(ruling, 400, bad_target);
    } else if (match->allow == NULL) {
        refuse(ruling, 404, "there is nothing at this path");
    } else if (match->route == NULL) {
        refuse(ruling, 405, "the path does not know this method");
        ruling->allow = match->allow;
    } else if (strcmp(match->route->method, "POST") != 0) {
        if (ruling->has_body) {
            refuse(ruling, 400, "the request has a body, and its method takes none");
        }
    } else if (!is_json(aft_http_head_field(head, "Content-Type"))) {
        refuse(ruling, 415, "Content-Type is not application/json");
    }
}

void aft_http_judge(struct aft_http_ruling *ruling, struct aft_http_target *target, char *text,
                    const struct aft_http_head *head, const struct aft_http_rules *rules)
{
    struct aft_http_match match = {0};
    *ruling = (struct aft_http_ruling){0};
    const char *bad_target = aft_http_target_parse(target, text);
    if (bad_target == NULL) {
        aft_http_routes_match(&match, rules->routes, head->method, target);
        ruling->route = match.route;
        memcpy(ruling->parameters, match.parameters, sizeof match.parameters);
    }
    bool framed = fields_are_plain(ruling, head) && body_is_framed(ruling, head, rules->max_body);
    if (framed) {
        let_in(ruling, head, rules);
    }
    if (ruling->status == 0) {
        find_route(ruling, &match, bad_target, head);
    }
    /* A client that waits for "100 Continue" gets its refusal in place of it. */
    ruling->at_once = !framed || (ruling->status != 0 && ruling->has_body &&
                                  aft_http_head_field(head, "Expect") != NULL);
}

enum aft_code aft_http_read_body(struct aft_json **object, const char *bytes, size_t size,
                                 struct aft_error *error)
{
    *object = NULL;
    enum aft_code code = aft_json_parse(object, bytes, size, "request body", error);
    if (code == AFT_OK && !aft_json_is_object(*object)) {
        aft_json_destroy(*object);
        *object = NULL;
        return aft_fail(error, AFT_ERR_USAGE, "the request's body is not a JSON object");
    }
    return code;
}
