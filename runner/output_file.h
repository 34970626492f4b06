/* Files that a user names for output: a pipe or a device will do, so nothing is published. */
#ifndef AFT_RUNNER_OUTPUT_FILE_H
#define AFT_RUNNER_OUTPUT_FILE_H

#include "base/error.h"

#include <stddef.h>

enum aft_code aft_output_file_write(const char *path, const char *text, size_t size,
                                    struct aft_error *error);

#endif
