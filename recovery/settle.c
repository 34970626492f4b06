/* The renames that keep archives out of the way without losing them. */
#include "base/file.h"
#include "base/path.h"
#include "recovery/scan.h"
#include "recovery/scan_name.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* To a free name of that stem and suffix. */
static enum aft_code set_aside(const char *path, const char *stem, const char *suffix,
                               const struct aft_set_aside_witness *witness, struct aft_error *error)
{
    char free_path[PATH_MAX];
    enum aft_code code = aft_scan_free_path(free_path, stem, suffix, error);
    if (code == AFT_OK) {
        code = aft_file_rename(path, free_path, error);
    }
    if (code == AFT_OK && witness != NULL) {
        witness->moved(witness->context, path, free_path);
    }
    return code;
}

static enum aft_code set_aside_corrupt(const char *path,
                                       const struct aft_set_aside_witness *witness,
                                       struct aft_error *error)
{
    return set_aside(path, path, AFT_CORRUPT_SUFFIX, witness, error);
}

/* "x.zip" to "x<suffix>", or numbered where that exists. */
static enum aft_code rename_zip(const char *path, const char *suffix,
                                const struct aft_set_aside_witness *witness,
                                struct aft_error *error)
{
    char stem[PATH_MAX];
    (void)snprintf(stem, sizeof stem, "%s", path);
    char *extension = strrchr(stem, '.');
    if (extension != NULL && strcmp(extension, ".zip") == 0) {
        *extension = '\0';
    }
    return set_aside(path, stem, suffix, witness, error);
}

enum aft_code aft_plan_settle(const struct aft_plan *plan, const struct aft_scan *scan,
                              const struct aft_set_aside_witness *witness, struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    if (plan->outcome == AFT_PLAN_REFUSE) {
        return code;
    }
    for (int i = 0; i < scan->n && code == AFT_OK; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (aft_scan_is_stage_archive(entry) && entry->damaged && entry->stage <= plan->n_stages) {
            code = set_aside_corrupt(entry->path, witness, error);
        }
    }
    return code;
}

/* Collects first and renames then: a folder that is changed while it is read
 * may show a file twice, or not at all. */
static enum aft_code find_stage_files(char ***names, size_t *n, const char *folder, int stage,
                                      struct aft_error *error)
{
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return errno == ENOENT ? AFT_OK : aft_fail_errno(error, "open folder '%s'", folder);
    }
    enum aft_code code = AFT_OK;
    const struct dirent *file;
    while (code == AFT_OK && (file = readdir(stream)) != NULL) {
        struct aft_scan_name parsed;
        if (!aft_scan_name_parse(&parsed, file->d_name) || parsed.set_aside ||
            parsed.kind != AFT_ARCHIVE_STAGE || parsed.stage != stage) {
            continue;
        }
        char **grown = realloc(*names, (*n + 1) * sizeof *grown);
        if (grown != NULL) {
            *names = grown;
            grown[*n] = strdup(file->d_name);
        }
        if (grown == NULL || grown[*n] == NULL) {
            code = aft_fail(error, AFT_ERR_MEMORY, "read folder '%s': no memory", folder);
        } else {
            (*n)++;
        }
    }
    (void)closedir(stream);
    return code;
}

enum aft_code aft_supersede_stage(const char *folder, int stage,
                                  const struct aft_set_aside_witness *witness,
                                  struct aft_error *error)
{
    char **names = NULL;
    size_t n = 0;
    enum aft_code code = find_stage_files(&names, &n, folder, stage, error);
    for (size_t i = 0; i < n; i++) {
        char path[PATH_MAX];
        if (code == AFT_OK) {
            code = aft_path_join(path, folder, names[i], error);
        }
        if (code == AFT_OK) {
            code = rename_zip(path, AFT_SUPERSEDED_SUFFIX, witness, error);
        }
        free(names[i]);
    }
    free(names);
    return code;
}

enum aft_code aft_supersede_other(const char *path, const char *state_hash,
                                  const struct aft_set_aside_witness *witness,
                                  struct aft_error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? AFT_OK : aft_fail_errno(error, "look at '%s'", path);
    }
    struct aft_archive *old = NULL;
    struct aft_error cause = {0};
    enum aft_code code = aft_archive_open(&old, path, &cause);
    bool same = code == AFT_OK && strcmp(aft_archive_state_hash(old), state_hash) == 0;
    aft_archive_close(old);
    if (same) {
        return AFT_OK;
    }
    return code == AFT_ERR_CORRUPT ? set_aside_corrupt(path, witness, error)
                                   : rename_zip(path, AFT_SUPERSEDED_SUFFIX, witness, error);
}

static bool same_text(const struct aft_json *a, const struct aft_json *b, const char *key)
{
    return strcmp(aft_json_get_string(a, key, ""), aft_json_get_string(b, key, "")) == 0;
}

static bool continues(const struct aft_archive *old, const struct aft_json *new_manifest,
                      const struct aft_archive_counters *counters)
{
    const struct aft_archive_counters *old_counters = aft_archive_counters(old);
    const struct aft_json *manifest = aft_archive_manifest(old);
    int64_t old_attempt = aft_json_get_integer(manifest, "attempt", 1);
    int64_t attempt = aft_json_get_integer(new_manifest, "attempt", 1);
    bool later =
        old_attempt < attempt || (old_attempt == attempt && old_counters->steps <= counters->steps);
    return later && same_text(manifest, new_manifest, "run_id") &&
           same_text(manifest, new_manifest, "parent") &&
           same_text(manifest, new_manifest, "fingerprint") &&
           old_counters->stage == counters->stage;
}

enum aft_code aft_keep_foreign_lineage(const char *path, const struct aft_json *new_manifest,
                                       const struct aft_archive_counters *counters,
                                       const struct aft_set_aside_witness *witness,
                                       struct aft_error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? AFT_OK : aft_fail_errno(error, "look at '%s'", path);
    }
    struct aft_archive *old = NULL;
    struct aft_error cause = {0};
    enum aft_code code = aft_archive_open(&old, path, &cause);
    bool overwrite = code == AFT_OK && continues(old, new_manifest, counters);
    aft_archive_close(old);
    if (overwrite) {
        return AFT_OK;
    }
    return code == AFT_ERR_CORRUPT ? set_aside_corrupt(path, witness, error)
                                   : rename_zip(path, ".zip", witness, error);
}
