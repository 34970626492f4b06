/* Files that a user names for output. */
#ifndef AFT_RUNNER_OUTPUT_FILE_H
#define AFT_RUNNER_OUTPUT_FILE_H

#include "base/error.h"

#include <stddef.h>

/* As it comes: a pipe or a device will do, so nothing is published. */
enum aft_code aft_output_file_write(const char *path, const char *text, size_t size,
                                    struct aft_error *error);

/* Whole or not at all (aft_file_publish); "-" is standard output, and what is there and
 * is no regular file (a link, a pipe, a device) is written as it comes. */
enum aft_code aft_output_file_publish(const char *path, const char *bytes, size_t size,
                                      struct aft_error *error);

#endif
