#include "runner/output_file.h"

#include "base/file.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum aft_code aft_output_file_write(const char *path, const char *text, size_t size,
                                    struct aft_error *error)
{
    FILE *out = fopen(path, "we");
    if (!out) {
        return aft_fail_errno(error, "create '%s'", path);
    }
    bool failed = fwrite(text, 1, size, out) != size;
    if (fclose(out) != 0 || failed) {
        return aft_fail_errno(error, "write '%s'", path);
    }
    return AFT_OK;
}

enum aft_code aft_output_file_publish(const char *path, const char *bytes, size_t size,
                                      struct aft_error *error)
{
    struct stat status;
    if (strcmp(path, "-") == 0) {
        return fwrite(bytes, 1, size, stdout) == size && fflush(stdout) == 0
                   ? AFT_OK
                   : aft_fail_errno(error, "write standard output");
    }
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode)) { /* /dev/stdout is a link */
        return aft_output_file_write(path, bytes, size, error);
    }
    return aft_file_publish(path, bytes, size, error);
}
