/*
 * Reads INI text by inih, behind a line reader that is stricter than it: inih
 * splits overlong lines, takes indented lines for continuations and ':' for a
 * separator, and cuts section names, all silently. Here only '=' separates,
 * indentation means nothing, and whatever would be misread is an error with
 * its line.
 */
#ifndef AFT_CURRICULUM_INI_READER_H
#define AFT_CURRICULUM_INI_READER_H

#include "base/error.h"

#include <stddef.h>

enum {
    AFT_INI_MAX_LINE = 199,   /* bytes, without the line's end: inih's buffer less the NUL */
    AFT_INI_MAX_SECTION = 49, /* bytes of a section's name that inih keeps */
};

/* Called for every section's heading (key and value NULL) and every key, in
 * the order of the file; the texts live until the call returns. What it returns
 * other than AFT_OK ends the reading. section is "" before the first heading. */
typedef enum aft_code (*aft_ini_handler)(void *context, const char *section, const char *key,
                                         const char *value, int line, struct aft_error *error);

/* name stands for the file in messages ("NAME:LINE: …"). */
enum aft_code aft_ini_read(const char *text, size_t size, const char *name, aft_ini_handler handler,
                           void *context, struct aft_error *error);

#endif
