#include "recovery/scan_name.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_STAGE = 9999, MAX_COPIES = 10000 };

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t ending = strlen(end);
    return length > ending && strcmp(text + length - ending, end) == 0;
}

/* "stage12_…": 12, and what follows the underscore; otherwise 0. */
static int parse_stage(const char *name, const char **rest)
{
    if (!starts_with(name, "stage")) {
        return 0;
    }
    int stage = 0;
    const char *c = name + strlen("stage");
    if (*c == '0') {
        return 0;
    }
    for (; *c >= '0' && *c <= '9' && stage <= MAX_STAGE; c++) {
        stage = 10 * stage + (*c - '0');
    }
    *rest = c + 1;
    return *c == '_' && stage <= MAX_STAGE ? stage : 0;
}

static bool is_step(const char *rest)
{
    size_t digits = starts_with(rest, "step") ? strspn(rest + 4, "0123456789") : 0;
    return digits > 0 && (rest[4 + digits] == '.');
}

static enum aft_archive_kind kind_of(const char *name, int *stage)
{
    const char *rest;
    *stage = parse_stage(name, &rest);
    if (*stage > 0) {
        if (starts_with(rest, "INTERRUPTED_")) {
            return AFT_ARCHIVE_INTERRUPTED;
        }
        if (starts_with(rest, "ERROR_")) {
            return AFT_ARCHIVE_ERROR;
        }
        return is_step(rest) ? AFT_ARCHIVE_CHECKPOINT : AFT_ARCHIVE_STAGE;
    }
    if (starts_with(name, "final_")) {
        return AFT_ARCHIVE_FINAL;
    }
    return starts_with(name, "best_model.") ? AFT_ARCHIVE_BEST : AFT_ARCHIVE_UNKNOWN;
}

bool aft_scan_name_parse(struct aft_scan_name *parsed, const char *name)
{
    bool corrupt = ends_with(name, AFT_CORRUPT_SUFFIX);
    if (aft_file_is_temporary(name) || name[0] == '.' || (!corrupt && !ends_with(name, ".zip"))) {
        return false;
    }
    parsed->set_aside = corrupt || ends_with(name, AFT_SUPERSEDED_SUFFIX);
    parsed->kind = kind_of(name, &parsed->stage);
    return true;
}

enum aft_code aft_scan_free_path(char out[PATH_MAX], const char *stem, const char *suffix,
                                 struct aft_error *error)
{
    for (int copy = 1; copy < MAX_COPIES; copy++) {
        char path[PATH_MAX];
        int length = copy == 1 ? snprintf(path, sizeof path, "%s%s", stem, suffix)
                               : snprintf(path, sizeof path, "%s.%d%s", stem, copy, suffix);
        if (length < 0 || (size_t)length >= sizeof path) {
            return aft_fail(error, AFT_ERR_IO, "rename '%.100s…': path too long", stem);
        }
        struct stat status;
        if (lstat(path, &status) == 0) {
            continue;
        }
        if (errno != ENOENT) {
            return aft_fail_errno(error, "look at '%s'", path);
        }
        memcpy(out, path, (size_t)length + 1);
        return AFT_OK;
    }
    return aft_fail(error, AFT_ERR_IO, "rename '%.100s': no free name is left", stem);
}
