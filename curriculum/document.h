/*
 * What stands in an INI and in the overrides, key by key, before it is applied:
 * every section, key and value is known to be good by itself, and every one
 * knows where it came from.
 */
#ifndef AFT_CURRICULUM_DOCUMENT_H
#define AFT_CURRICULUM_DOCUMENT_H

#include "base/error.h"
#include "curriculum/keys.h"

enum { AFT_OF_RUN = -1 }; /* instead of a stage's index */

struct aft_assignment {
    const struct aft_key *key;
    int stage;            /* index of the stage in whose section it stands, or AFT_OF_RUN */
    int line;             /* 0: an override */
    const char *override; /* borrowed; NULL: from the file */
    char *value;
};

struct aft_stage_heading {
    int line;
    struct aft_stage named; /* only what the name says is set */
};

struct aft_document {
    const char *path; /* borrowed */
    char shown[56];   /* the path as messages have it: its end, where it is long */
    struct aft_assignment *assignments;
    size_t n_assignments;
    size_t capacity;
    struct aft_stage_heading *stages;
    int n_stages;
    int section_line[AFT_SECTION_COUNT]; /* 0: not there */
    int current_stage;                   /* while reading */
};

void aft_document_init(struct aft_document *document, const char *path);
void aft_document_clear(struct aft_document *document);

enum aft_code aft_document_read(struct aft_document *document, const char *text, size_t size,
                                struct aft_error *error);

/* text is "SECTION.KEY=VALUE" and must outlive the document. Read the file first. */
enum aft_code aft_document_override(struct aft_document *document, const char *text,
                                    struct aft_error *error);

/* "FILE:LINE: [section] key: …", or "--set TEXT: …"; assignment NULL stands for
 * a default: "FILE: [section] key (by default VALUE): …". */
enum aft_code aft_document_fail(const struct aft_document *document,
                                const struct aft_assignment *assignment, const struct aft_key *key,
                                struct aft_error *error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* "FILE:LINE: [section] key: …" for what has no assignment; key may be NULL. */
enum aft_code aft_document_fail_at(const struct aft_document *document, int line,
                                   const char *section, const char *key, struct aft_error *error,
                                   const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
