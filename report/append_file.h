/* A text file that grows by whole lines, and never stops the run: a line that
 * cannot be written is counted, mentioned once on standard error, and leaves no
 * part of itself behind. */
#ifndef AFT_REPORT_APPEND_FILE_H
#define AFT_REPORT_APPEND_FILE_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aft_append_file {
    int fd; /* -1: not open */
    int64_t lines_lost;
    char path[PATH_MAX];
};

enum aft_code aft_append_file_open(struct aft_append_file *file, const char *folder,
                                   const char *name, struct aft_error *error);
/* Opens the same path again, after it has been replaced. */
enum aft_code aft_append_file_reopen(struct aft_append_file *file, struct aft_error *error);
/* One write(); the text ends in a newline. */
void aft_append_file_write(struct aft_append_file *file, const char *text, size_t size);
bool aft_append_file_is_regular(const struct aft_append_file *file);
void aft_append_file_close(struct aft_append_file *file);

#endif
