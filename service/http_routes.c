#include "service/http_routes.h"

#include <string.h>

static bool fits(const char *path, const struct aft_http_target *target,
                 const char *parameters[AFT_HTTP_MAX_PARAMETERS])
{
    int n_parameters = 0;
    for (int i = 0; i < target->n_segments; i++) {
        if (*path++ != '/') {
            return false;
        }
        const char *segment = target->segments[i];
        size_t length = strcspn(path, "/");
        if (length == 2 && strncmp(path, "{}", 2) == 0) {
            if (*segment == '\0' || n_parameters == AFT_HTTP_MAX_PARAMETERS) {
                return false;
            }
            parameters[n_parameters++] = segment;
        } else if (strncmp(path, segment, length) != 0 || segment[length] != '\0') {
            return false;
        }
        path += length;
    }
    return *path == '\0';
}

void aft_http_routes_match(struct aft_http_match *match, const struct aft_http_route *routes,
                           const char *method, const struct aft_http_target *target)
{
    *match = (struct aft_http_match){0};
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    bool get = false, post = false;
    for (const struct aft_http_route *route = routes; route->path != NULL; route++) {
        const char *parameters[AFT_HTTP_MAX_PARAMETERS] = {0};
        if (!fits(route->path, target, parameters)) {
            continue;
        }
        get = get || strcmp(route->method, "GET") == 0;
        post = post || strcmp(route->method, "POST") == 0;
        if (match->route == NULL && strcmp(route->method, wanted) == 0) {
            match->route = route;
            memcpy(match->parameters, parameters, sizeof parameters);
        }
    }
    match->allow = get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : post ? "POST" : NULL;
}
