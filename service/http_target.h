/*
 * The target of a request ("/api/training-runs/nightly?against=other"), taken apart:
 * percent-decoded segments of the path and parameters of the query. Pure.
 *
 * Refused is what could be read in two ways by us and by someone else: an absolute form or
 * a fragment, bytes that belong percent-encoded, bad percent-encoding, encoded slashes,
 * control characters, "." and ".." as segments, text that is not UTF-8, and a parameter
 * that is given twice. And what is longer than AFT_HTTP_MAX_TARGET bytes.
 */
#ifndef AFT_SERVICE_HTTP_TARGET_H
#define AFT_SERVICE_HTTP_TARGET_H

#include <stdbool.h>

enum { AFT_HTTP_MAX_TARGET = 4096, AFT_HTTP_MAX_SEGMENTS = 12, AFT_HTTP_MAX_QUERY = 24 };

struct aft_http_target {
    const char *segments[AFT_HTTP_MAX_SEGMENTS]; /* "/a/" has two: "a" and "" */
    int n_segments;
    struct aft_http_query {
        const char *name, *value;
    } query[AFT_HTTP_MAX_QUERY];
    int n_query;
};

/* Decodes text in place; the target borrows from it. NULL, or why it is refused. */
const char *aft_http_target_parse(struct aft_http_target *target, char *text);

/* NULL where it is not given. */
const char *aft_http_target_query(const struct aft_http_target *target, const char *name);

bool aft_http_is_utf8(const char *text);

#endif
