#include "runner/output_file.h"

#include <stdbool.h>
#include <stdio.h>

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
