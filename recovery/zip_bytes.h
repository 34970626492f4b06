/*
 * Zips in memory, by libzip: zip_bytes.c is the one place that includes zip.h.
 * Written zips have the same bytes for the same entries: times are fixed.
 * Reading believes nothing: names, sizes, methods and CRCs are checked, and
 * memory is bounded by the limits that the caller sets.
 *
 * Messages of the functions below are bare causes ("two members
 * have one name"); callers put the object before them.
 */
#ifndef AFT_RECOVERY_ZIP_BYTES_H
#define AFT_RECOVERY_ZIP_BYTES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct aft_zip_entry { /* to be written; all borrowed */
    const char *name;
    const void *bytes;
    size_t size;
    bool deflate; /* otherwise stored */
};

/* The zip, without a comment; the caller frees *bytes. */
enum aft_code aft_zip_write(char **bytes, size_t *size, const struct aft_zip_entry *entries,
                            size_t n, struct aft_error *error);

struct aft_zip_member {
    char *name;
    char *bytes; /* a NUL follows */
    size_t size;
};

struct aft_zip { /* every member, unpacked */
    size_t n;
    struct aft_zip_member *members;
};

struct aft_zip_limits {
    size_t members;
    size_t total; /* unpacked bytes of all members together */
    bool folders; /* whether a name may contain '/' */
};

/* AFT_ERR_CORRUPT for everything that is not a sound zip of distinct, plainly
 * named, stored or deflated members within the limits. */
enum aft_code aft_zip_read(struct aft_zip *zip, const void *bytes, size_t size,
                           const struct aft_zip_limits *limits, struct aft_error *error);
void aft_zip_clear(struct aft_zip *zip);

/* NULL when there is none of that name. */
const struct aft_zip_member *aft_zip_find(const struct aft_zip *zip, const char *name);

#endif
