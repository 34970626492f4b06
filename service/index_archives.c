/* Archives of a run's folder into the tables archives and settings. Each is read and verified
 * once, as long as it stays the same file. */
#include "base/path.h"
#include "recovery/scan.h"
#include "recovery/scan_name.h"
#include "service/index_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A folder's time may stay the same for changes within one tick of the clock; and a file that is
 * changed in place does not change its folder's. */
static const int64_t settled_after_s = 2, list_again_after_s = 30;
enum { MAX_SETTINGS = 1000 }; /* of a stage */
static const char unverified[] = "not verified yet";

struct listing { /* a look at a run's archives */
    struct aft_database *database;
    struct aft_index_run *run;
    struct aft_index_budget *budget;
    bool changed, unfinished;
};

/* The digest in the archive's comment, which is its end; "" where it has none. */
static void read_digest(char hex[AFT_SHA256_HEX_SIZE], const char *path, int64_t size)
{
    static const char prefix[] = "sha256:";
    enum { PREFIX = sizeof prefix - 1, COMMENT = PREFIX + AFT_SHA256_HEX_SIZE - 1 };
    char comment[COMMENT];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    hex[0] = '\0';
    if (fd < 0) {
        return;
    }
    if (size >= COMMENT && pread(fd, comment, COMMENT, (off_t)(size - COMMENT)) == COMMENT &&
        memcmp(comment, prefix, PREFIX) == 0) {
        memcpy(hex, comment + PREFIX, AFT_SHA256_HEX_SIZE - 1);
        hex[AFT_SHA256_HEX_SIZE - 1] = '\0';
    }
    (void)close(fd);
}

static void put_key(struct aft_query *query, const struct listing *listing, const char *path)
{
    aft_query_put_integer(query, listing->run->key);
    aft_query_put_text(query, path);
}

static bool is_known(const struct listing *listing, const char *path, const struct stat *status)
{
    struct aft_query *query = aft_query(listing->database,
                                        "SELECT inode, size, mtime_ns FROM archives "
                                        "WHERE run = ?1 AND path = ?2");
    put_key(query, listing, path);
    bool known = aft_query_next(query) && aft_query_integer(query, 0) == (int64_t)status->st_ino &&
                 aft_query_integer(query, 1) == (int64_t)status->st_size &&
                 aft_query_integer(query, 2) == aft_file_mtime_ns(status);
    aft_query_done(query);
    return known;
}

static void put_text_or_null(struct aft_query *query, const char *text)
{
    aft_query_put_text(query, text[0] != '\0' ? text : NULL);
}

static void write_row(const struct listing *listing, const char *path, const struct stat *status,
                      const struct aft_scan_entry *entry)
{
    char digest[AFT_SHA256_HEX_SIZE] = "";
    if (entry->valid) {
        read_digest(digest, entry->path, (int64_t)status->st_size);
    }
    struct aft_query *query = aft_query(
        listing->database,
        "INSERT OR REPLACE INTO archives(run, path, size, mtime_ns, inode, kind, stage, attempt, "
        "timestep, total_steps, score, valid, reason, set_aside, run_id, sha256, state_sha256, "
        "settings) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
        "?17, ?18)");
    put_key(query, listing, path);
    aft_query_put_integer(query, (int64_t)status->st_size);
    aft_query_put_integer(query, aft_file_mtime_ns(status));
    aft_query_put_integer(query, (int64_t)status->st_ino);
    aft_query_put_text(query, aft_archive_kind_name(entry->kind));
    aft_query_put_integer(query, entry->stage);
    aft_query_put_integer(query, entry->attempt);
    aft_query_put_integer(query, entry->steps);
    aft_query_put_integer(query, entry->total_steps);
    aft_query_put_real(query, entry->score);
    aft_query_put_integer(query, entry->valid);
    put_text_or_null(query, entry->reason);
    aft_query_put_integer(query, entry->set_aside);
    put_text_or_null(query, entry->run_id);
    put_text_or_null(query, digest);
    put_text_or_null(query, entry->state_hash);
    char *settings = aft_index_put_json(query, entry->settings);
    (void)aft_query_run(query);
    free(settings);
}

/* A row without a file of its size: it is verified next time. */
static void write_unverified(struct listing *listing, const char *path,
                             const struct aft_scan_name *name)
{
    struct aft_scan_entry *entry = calloc(1, sizeof *entry);
    const struct stat none = {.st_size = 0};
    if (entry != NULL) {
        entry->kind = name->kind;
        entry->stage = name->stage;
        entry->set_aside = name->set_aside;
        entry->score = strtod("nan", NULL);
        (void)snprintf(entry->reason, sizeof entry->reason, "%s", unverified);
        write_row(listing, path, &none, entry);
    }
    free(entry);
    listing->unfinished = true;
}

/* The entry is large, so it does not stand on the stack. */
static enum aft_code verify(struct listing *listing, const char *path, const char *whole,
                            const struct aft_scan_name *name, const struct stat *status)
{
    struct aft_error error;
    struct aft_scan_entry *entry = calloc(1, sizeof *entry);
    enum aft_code code = AFT_ERR_MEMORY;
    if (entry != NULL) {
        code = aft_scan_archive(entry, whole, &error);
    }
    if (code == AFT_OK) {
        entry->set_aside = name->set_aside;
        write_row(listing, path, status, entry);
        listing->changed = true;
    }
    if (entry != NULL) {
        aft_scan_entry_clear(entry);
    }
    free(entry);
    return code == AFT_ERR_MISSING ? AFT_OK : code; /* it went while we looked */
}

static void note_seen(const struct listing *listing, const char *path)
{
    struct aft_query *query = aft_query(listing->database,
                                        "INSERT OR IGNORE INTO temp.seen(path) "
                                        "VALUES(?)");
    aft_query_put_text(query, path);
    (void)aft_query_run(query);
}

/* path is relative to the run's folder. */
static enum aft_code look_at(struct listing *listing, const char *path)
{
    struct aft_scan_name name = {.kind = AFT_ARCHIVE_UNKNOWN};
    struct stat status;
    char whole[PATH_MAX];
    struct aft_json *text = aft_json_string(path);
    bool is_text = strcmp(aft_json_string_value(text, ""), path) == 0; /* valid UTF-8 */
    aft_json_destroy(text);
    if (!is_text || !aft_scan_name_parse(&name, aft_path_name(path)) ||
        aft_path_join(whole, listing->run->folder, path, NULL) != AFT_OK ||
        lstat(whole, &status) != 0) {
        return AFT_OK;
    }
    note_seen(listing, path);
    if (is_known(listing, path, &status)) {
        return AFT_OK;
    }
    if (listing->budget->archives == 0) {
        write_unverified(listing, path, &name);
        return AFT_OK;
    }
    listing->budget->archives--;
    return verify(listing, path, whole, &name, &status);
}

/* within: "" or "checkpoints/". A folder that is missing is empty. */
static enum aft_code look_into(struct listing *listing, const char *folder, const char *within,
                               struct aft_error *error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (stream == NULL) {
        enum aft_code code =
            errno == ENOENT ? AFT_OK : aft_fail_errno(error, "open folder '%s'", folder);
        if (fd >= 0) {
            (void)close(fd);
        }
        return code;
    }
    enum aft_code code = AFT_OK;
    const struct dirent *file;
    while (errno = 0, code == AFT_OK && (file = readdir(stream)) != NULL) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s%s", within, file->d_name) < (int)sizeof path) {
            code = look_at(listing, path);
        }
    }
    if (code == AFT_OK && errno != 0) { /* what was not listed is not gone */
        code = aft_fail_errno(error, "read folder '%s'", folder);
    }
    (void)closedir(stream);
    return code;
}

static void delete_gone(struct listing *listing)
{
    struct aft_query *query = aft_query(
        listing->database,
        "DELETE FROM archives WHERE run = ? AND path NOT IN (SELECT path FROM temp.seen)");
    aft_query_put_integer(query, listing->run->key);
    listing->changed = aft_query_run(query) > 0 || listing->changed;
}

static void put_setting(const struct listing *listing, int64_t number, const char *key,
                        const struct aft_json *value)
{
    struct aft_query *query = aft_query(
        listing->database, "INSERT INTO settings(run, number, key, value) VALUES(?1, ?2, ?3, ?4)");
    aft_query_put_integer(query, listing->run->key);
    aft_query_put_integer(query, number);
    aft_query_put_text(query, key);
    char *text = aft_index_put_json(query, value);
    (void)aft_query_run(query);
    free(text);
}

/* The settings of one stage: those of the run where it is the first, then what differs. What only
 * a stage has (section "stage") is named by its stage. */
static void take_settings(const struct listing *listing, int64_t *number, struct aft_json *of_run,
                          int stage, const struct aft_json *settings)
{
    static const char own[] = "stage.";
    size_t n = aft_json_is_object(settings) ? aft_json_length(settings) : 0;
    n = n < MAX_SETTINGS ? n : MAX_SETTINGS;
    for (size_t i = 0; i < n; i++) {
        const struct aft_json *value;
        char named[256];
        const char *key = aft_json_key_at(settings, i, &value);
        const struct aft_json *common = aft_json_get(of_run, key);
        bool is_own = strncmp(key, own, sizeof own - 1) == 0;
        if (common != NULL && aft_json_equal(common, value)) {
            continue;
        }
        if (!is_own && common == NULL) {
            aft_json_set(of_run, key, aft_json_copy(value));
            put_setting(listing, ++*number, key, value);
            continue;
        }
        (void)snprintf(named, sizeof named, "stage %d.%s", stage,
                       is_own ? key + sizeof own - 1 : key);
        put_setting(listing, ++*number, named, value);
    }
}

/* From the archive of each stage that was written last. */
static void write_settings(const struct listing *listing)
{
    struct aft_json *of_run = aft_json_object();
    int64_t number = 0;
    struct aft_query *query = aft_query(listing->database, "DELETE FROM settings WHERE run = ?");
    aft_query_put_integer(query, listing->run->key);
    (void)aft_query_run(query);
    query = aft_query(listing->database,
                      "SELECT stage, settings, MAX(mtime_ns) FROM archives WHERE run = ? AND valid "
                      "AND NOT set_aside AND settings IS NOT NULL GROUP BY stage ORDER BY stage");
    aft_query_put_integer(query, listing->run->key);
    while (aft_query_next(query)) {
        struct aft_json *settings = aft_index_get_json(query, 1);
        take_settings(listing, &number, of_run, (int)aft_query_integer(query, 0), settings);
        aft_json_destroy(settings);
    }
    aft_json_destroy(of_run);
}

static void read_times(int64_t times[2], const struct aft_index_run *run)
{
    char path[PATH_MAX];
    struct stat status;
    times[0] = stat(run->folder, &status) == 0 ? aft_file_mtime_ns(&status) : 0;
    times[1] = aft_path_join(path, run->folder, AFT_CHECKPOINT_FOLDER, NULL) == AFT_OK &&
                       stat(path, &status) == 0
                   ? aft_file_mtime_ns(&status)
                   : 0;
}

static int64_t seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

bool aft_index_archives_may_have_changed(const struct aft_index_run *run)
{
    int64_t times[2], age = seconds_now() - run->listed_at;
    read_times(times, run);
    return times[0] != run->folder_mtime_ns[0] || times[1] != run->folder_mtime_ns[1] || age < 0 ||
           age >= list_again_after_s + run->key % list_again_after_s; /* not all at once */
}

/* Two seconds after a change the folders' times are believed. */
static void remember_times(struct aft_index_run *run, const int64_t times[2], int64_t now,
                           bool unfinished)
{
    for (int i = 0; i < 2; i++) {
        bool settled = times[i] / 1000000000 + settled_after_s < now;
        run->folder_mtime_ns[i] = settled && !unfinished ? times[i] : -1;
    }
    run->listed_at = now;
}

enum aft_code aft_index_take_archives(struct aft_database *database, struct aft_index_run *run,
                                      struct aft_index_budget *budget, struct aft_error *error)
{
    struct listing listing = {.database = database, .run = run, .budget = budget};
    struct aft_error cause = {.code = AFT_OK};
    char checkpoints[PATH_MAX];
    int64_t times[2], now = seconds_now();
    read_times(times, run);
    aft_database_execute(database,
                         "CREATE TEMP TABLE IF NOT EXISTS seen(path TEXT PRIMARY KEY);"
                         "DELETE FROM temp.seen");
    enum aft_code code = look_into(&listing, run->folder, "", &cause);
    if (code == AFT_OK) {
        code = aft_path_join(checkpoints, run->folder, AFT_CHECKPOINT_FOLDER, &cause);
    }
    if (code == AFT_OK) {
        code = look_into(&listing, checkpoints, AFT_CHECKPOINT_FOLDER "/", &cause);
    }
    if (code == AFT_ERR_MEMORY) {
        return aft_fail(error, code, "look at the archives in '%s': out of memory", run->folder);
    }
    run->problems[AFT_INDEX_ARCHIVES][0] = '\0';
    if (code != AFT_OK) {
        aft_index_problem(run, AFT_INDEX_ARCHIVES, &cause);
    } else {
        delete_gone(&listing);
    }
    if (listing.changed) {
        write_settings(&listing);
    }
    remember_times(run, times, now, listing.unfinished);
    return AFT_OK;
}
