#include "recovery/scan.h"

#include "base/file.h"
#include "base/path.h"
#include "recovery/archive_parts.h"
#include "recovery/scan_name.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void set_reason(struct aft_scan_entry *entry, const char *reason)
{
    entry->valid = false;
    (void)snprintf(entry->reason, sizeof entry->reason, "%s", reason);
}

static void copy_text(char *out, size_t size, const struct aft_json *manifest, const char *key)
{
    (void)snprintf(out, size, "%s", aft_json_get_string(manifest, key, ""));
}

static void check_stage(struct aft_scan_entry *entry, const struct aft_json *manifest,
                        int64_t counted, int named)
{
    int64_t stated = aft_json_get_integer(manifest, "stage", counted);
    if (stated != counted || counted > INT32_MAX) {
        set_reason(entry, "its manifest contradicts itself about the stage");
    } else if (named > 0 && named != counted) {
        entry->stage = named;
        entry->valid = false;
        (void)snprintf(entry->reason, sizeof entry->reason,
                       "its name says stage %d, its manifest stage %" PRId64, named, counted);
    } else {
        entry->stage = (int)counted;
    }
}

static enum aft_code describe(struct aft_scan_entry *entry, const struct aft_archive *archive,
                              struct aft_error *error)
{
    const struct aft_json *manifest = aft_archive_manifest(archive);
    const struct aft_archive_counters *counters = aft_archive_counters(archive);
    entry->valid = true;
    entry->kind = aft_archive_kind(archive);
    entry->attempt = aft_json_get_integer(manifest, "attempt", 1);
    entry->steps = counters->steps;
    entry->total_steps = counters->total_steps;
    entry->score = aft_json_get_real(manifest, "score", (double)NAN);
    entry->order = aft_json_get_integer(manifest, "order", 0);
    copy_text(entry->fingerprint, sizeof entry->fingerprint, manifest, "fingerprint");
    copy_text(entry->parent, sizeof entry->parent, manifest, "parent");
    copy_text(entry->run_id, sizeof entry->run_id, manifest, "run_id");
    memcpy(entry->state_hash, aft_archive_state_hash(archive), sizeof entry->state_hash);
    if (entry->kind == AFT_ARCHIVE_SB3) {
        entry->stage = 0;
        entry->sb3 = *aft_archive_sb3_model(archive);
        return AFT_OK;
    }
    check_stage(entry, manifest, counters->stage, entry->stage);
    const struct aft_json *settings = aft_json_get(manifest, "settings");
    if (entry->valid && settings != NULL) {
        entry->settings = aft_json_copy(settings);
        if (entry->settings == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "scan '%s': no memory", entry->path);
        }
    }
    return AFT_OK;
}

typedef enum aft_code (*read_function)(struct aft_archive **archive, const void *bytes, size_t size,
                                       struct aft_error *error);

static enum aft_code read_entry(struct aft_scan_entry *entry, read_function read,
                                struct aft_error *error)
{
    char *bytes = NULL;
    size_t size;
    struct aft_error cause = {0};
    enum aft_code code = aft_file_read(&bytes, &size, entry->path, AFT_ARCHIVE_SIZE_LIMIT, &cause);
    if (code == AFT_ERR_MEMORY || code == AFT_ERR_MISSING) {
        return aft_fail(error, code, "%s", cause.message);
    }
    if (code != AFT_OK) {
        set_reason(entry, cause.message);
        return AFT_OK;
    }
    struct aft_archive *archive = NULL;
    code = read(&archive, bytes, size, &cause);
    free(bytes);
    if (code == AFT_ERR_MEMORY) {
        return aft_fail(error, code, "scan '%s': %.120s", entry->path, cause.message);
    }
    if (code != AFT_OK) {
        set_reason(entry, cause.message);
        entry->damaged = code == AFT_ERR_CORRUPT;
        return AFT_OK;
    }
    code = describe(entry, archive, error);
    aft_archive_close(archive);
    return code;
}

/* AFT_ERR_MISSING: the file went away while we looked, as checkpoints do. */
static enum aft_code look_at(struct aft_scan_entry *entry, read_function read,
                             struct aft_error *error)
{
    struct stat status;
    if (lstat(entry->path, &status) != 0) {
        if (errno == ENOENT) {
            return AFT_ERR_MISSING;
        }
        set_reason(entry, strerror(errno));
        return AFT_OK;
    }
    if (S_ISLNK(status.st_mode)) {
        set_reason(entry, "it is a symbolic link, where only a file is believed");
    } else if (S_ISDIR(status.st_mode)) {
        set_reason(entry, "it is a folder");
    } else if (!S_ISREG(status.st_mode)) {
        set_reason(entry, "it is not a regular file");
    } else {
        return read_entry(entry, read, error);
    }
    return AFT_OK;
}

enum aft_code aft_scan_archive(struct aft_scan_entry *entry, const char *path,
                               struct aft_error *error)
{
    struct aft_scan_name parsed = {.kind = AFT_ARCHIVE_UNKNOWN};
    memset(entry, 0, sizeof *entry);
    entry->score = (double)NAN;
    if (snprintf(entry->path, sizeof entry->path, "%s", path) >= (int)sizeof entry->path) {
        return aft_fail(error, AFT_ERR_USAGE, "look at '%.100s…': path too long", path);
    }
    (void)aft_scan_name_parse(&parsed, aft_path_name(path));
    entry->kind = parsed.kind;
    entry->stage = parsed.stage;
    enum aft_code code = look_at(entry, aft_archive_read_any_bytes, error);
    return code == AFT_ERR_MISSING ? aft_fail(error, code, "look at '%.200s': no such file", path)
                                   : code;
}

void aft_scan_entry_clear(struct aft_scan_entry *entry)
{
    aft_json_destroy(entry->settings);
    entry->settings = NULL;
}

static struct aft_scan_entry *new_entry(struct aft_scan *scan)
{
    /* grown at powers of two, so that the size need not be kept */
    if ((scan->n & (scan->n - 1)) == 0) {
        size_t capacity = scan->n == 0 ? 1 : 2 * (size_t)scan->n;
        struct aft_scan_entry *grown = realloc(scan->entries, capacity * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        scan->entries = grown;
    }
    struct aft_scan_entry *entry = &scan->entries[scan->n];
    memset(entry, 0, sizeof *entry);
    entry->score = (double)NAN;
    return entry;
}

static enum aft_code add_file(struct aft_scan *scan, const char *folder, const char *name,
                              bool in_checkpoints, struct aft_error *error)
{
    struct aft_scan_name parsed;
    if (!aft_scan_name_parse(&parsed, name)) {
        return AFT_OK;
    }
    struct aft_scan_entry *entry = new_entry(scan);
    if (entry == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "scan '%s': no memory", folder);
    }
    entry->kind = parsed.kind;
    entry->stage = parsed.stage;
    entry->set_aside = parsed.set_aside;
    entry->name_stage = in_checkpoints ? 0 : parsed.stage;
    enum aft_code code = aft_path_join(entry->path, folder, name, error);
    if (code == AFT_OK) {
        code = look_at(entry, aft_archive_read_bytes, error);
    }
    if (code == AFT_OK) {
        scan->n++;
    }
    return code == AFT_ERR_MISSING ? AFT_OK : code;
}

static enum aft_code add_folder(struct aft_scan *scan, const char *folder, bool in_checkpoints,
                                struct aft_error *error)
{
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return errno == ENOENT ? AFT_OK : aft_fail_errno(error, "open folder '%s'", folder);
    }
    enum aft_code code = AFT_OK;
    while (code == AFT_OK) {
        errno = 0;
        const struct dirent *file = readdir(stream);
        if (file == NULL) {
            code = errno == 0 ? AFT_OK : aft_fail_errno(error, "read folder '%s'", folder);
            break;
        }
        code = add_file(scan, folder, file->d_name, in_checkpoints, error);
    }
    (void)closedir(stream);
    return code;
}

static int compare_entries(const void *a, const void *b)
{
    const struct aft_scan_entry *left = a;
    const struct aft_scan_entry *right = b;
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    if (left->stage != right->stage) {
        return left->stage < right->stage ? -1 : 1;
    }
    if (left->attempt != right->attempt) {
        return left->attempt < right->attempt ? -1 : 1;
    }
    if (left->steps != right->steps) {
        return left->steps < right->steps ? -1 : 1;
    }
    return strcmp(left->path, right->path);
}

enum aft_code aft_scan_folder(struct aft_scan *scan, const char *folder, struct aft_error *error)
{
    memset(scan, 0, sizeof *scan);
    char checkpoints[PATH_MAX];
    enum aft_code code = aft_path_join(checkpoints, folder, AFT_CHECKPOINT_FOLDER, error);
    if (code != AFT_OK) {
        return code;
    }
    (void)snprintf(scan->folder, sizeof scan->folder, "%s", folder);
    code = add_folder(scan, folder, false, error);
    if (code == AFT_OK) {
        code = add_folder(scan, checkpoints, true, error);
    }
    if (code != AFT_OK) {
        aft_scan_clear(scan);
        return code;
    }
    if (scan->n > 0) {
        qsort(scan->entries, (size_t)scan->n, sizeof *scan->entries, compare_entries);
    }
    return AFT_OK;
}

void aft_scan_clear(struct aft_scan *scan)
{
    for (int i = 0; i < scan->n; i++) {
        aft_json_destroy(scan->entries[i].settings);
    }
    free(scan->entries);
    memset(scan, 0, sizeof *scan);
}

bool aft_scan_is_stage_archive(const struct aft_scan_entry *entry)
{
    return entry->kind == AFT_ARCHIVE_STAGE && entry->name_stage > 0 && !entry->set_aside;
}
