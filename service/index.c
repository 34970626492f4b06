/* The index's writer: which runs there are, what of them is new. */
#include "service/index.h"

#include "base/file.h"
#include "base/path.h"
#include "recovery/lock.h"
#include "recovery/scan_name.h"
#include "service/index_parts.h"
#include "service/index_schema.h"
#include "service/network_file_system.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Half a second each, or so. */
static const struct aft_index_budget budget_of_refresh = {.archives = 64, .bytes = 16 << 20};

struct aft_index {
    struct aft_lock lock;
    struct aft_database *database;
    char models[PATH_MAX]; /* without links */
    int n_runs;
    struct aft_index_run **runs;    /* ordered by id */
    int begin;                      /* the run that a refresh looks at first */
    struct aft_index_budget budget; /* of the refresh that goes on */
};

struct news {                 /* of a run, told once it can be read */
    struct aft_json *summary; /* NULL: as it was */
    struct aft_json *lines;   /* NULL: nobody listens */
    bool metrics;
};

static void run_destroy(struct aft_index_run *run)
{
    if (run != NULL) {
        aft_json_destroy(run->beat);
        free(run->id);
        free(run->folder);
        free(run->summary);
        free(run);
    }
}

static struct aft_index_run *run_create(const struct aft_index *index, const char *id)
{
    char folder[PATH_MAX];
    struct aft_index_run *run = calloc(1, sizeof *run);
    if (run == NULL || aft_path_join(folder, index->models, id, NULL) != AFT_OK) {
        free(run);
        return NULL;
    }
    run->id = strdup(id);
    run->folder = strdup(folder);
    run->folder_mtime_ns[0] = -1;
    if (run->id == NULL || run->folder == NULL) {
        run_destroy(run);
        return NULL;
    }
    return run;
}

static enum aft_code insert_run(struct aft_index *index, int place, struct aft_index_run *run,
                                struct aft_error *error)
{
    size_t n = (size_t)index->n_runs;
    struct aft_index_run **grown =
        run != NULL ? realloc(index->runs, (n + 1) * sizeof(void *)) : NULL;
    if (grown == NULL) {
        run_destroy(run);
        return aft_fail(error, AFT_ERR_MEMORY, "index the runs in '%s': out of memory",
                        index->models);
    }
    index->runs = grown;
    memmove(grown + place + 1, grown + place, (n - (size_t)place) * sizeof(void *));
    grown[place] = run;
    index->n_runs++;
    return AFT_OK;
}

static void remove_run(struct aft_index *index, int place)
{
    run_destroy(index->runs[place]);
    index->n_runs--;
    memmove(index->runs + place, index->runs + place + 1,
            (size_t)(index->n_runs - place) * sizeof(void *));
}

/* Where the run is, or belongs. */
static int place_of(const struct aft_index *index, const char *id, bool *found)
{
    int low = 0, high = index->n_runs;
    *found = false;
    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = strcmp(index->runs[middle]->id, id);
        *found = *found || order == 0;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* --- What the database remembers --- */

static void load_mark(struct aft_file_mark *mark, char *problem, struct aft_database *database,
                      int64_t key, enum aft_index_source file)
{
    struct aft_query *query =
        aft_query(database,
                  "SELECT inode, size, mtime_ns, offset, tail, problem FROM files "
                  "WHERE run = ?1 AND file = ?2");
    aft_query_put_integer(query, key);
    aft_query_put_integer(query, file);
    if (aft_query_next(query)) {
        mark->inode = aft_query_integer(query, 0);
        mark->size = aft_query_integer(query, 1);
        mark->mtime_ns = aft_query_integer(query, 2);
        mark->end.offset = aft_query_integer(query, 3);
        const void *tail = aft_query_bytes(query, 4, &mark->end.tail_size);
        if (tail != NULL && mark->end.tail_size <= AFT_FILE_TAIL) {
            memcpy(mark->end.tail, tail, mark->end.tail_size);
        } else if (mark->end.offset > 0) {
            mark->inode = -1; /* not to be believed: read anew */
            mark->end.tail_size = 0;
        }
        const char *text = aft_query_text(query, 5);
        (void)snprintf(problem, AFT_INDEX_PROBLEM, "%s", text != NULL ? text : "");
        aft_query_done(query);
    }
}

static void store_mark(const struct aft_file_mark *mark, const char *problem,
                       struct aft_database *database, int64_t key, enum aft_index_source file)
{
    struct aft_query *query =
        aft_query(database,
                  "INSERT OR REPLACE INTO files(run, file, inode, size, mtime_ns, offset, tail, "
                  "problem) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    aft_query_put_integer(query, key);
    aft_query_put_integer(query, file);
    aft_query_put_integer(query, mark->inode);
    aft_query_put_integer(query, mark->size);
    aft_query_put_integer(query, mark->mtime_ns);
    aft_query_put_integer(query, mark->end.offset);
    aft_query_put_bytes(query, mark->end.tail, mark->end.tail_size);
    aft_query_put_text(query, problem);
    (void)aft_query_run(query);
}

static enum aft_code load_runs(struct aft_index *index, struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    aft_database_begin(index->database);
    struct aft_query *query =
        aft_query(index->database, "SELECT key, id, summary FROM runs ORDER BY id");
    while (code == AFT_OK && aft_query_next(query)) {
        const char *id = aft_query_text(query, 1), *summary = aft_query_text(query, 2);
        code = insert_run(index, index->n_runs, run_create(index, id != NULL ? id : ""), error);
        if (code == AFT_OK) {
            struct aft_index_run *run = index->runs[index->n_runs - 1];
            run->key = aft_query_integer(query, 0);
            run->summary = summary != NULL ? strdup(summary) : NULL;
        }
    }
    for (int i = 0; i < index->n_runs && code == AFT_OK; i++) {
        struct aft_index_run *run = index->runs[i];
        load_mark(&run->events, run->problems[AFT_INDEX_EVENTS], index->database, run->key,
                  AFT_INDEX_EVENTS);
        load_mark(&run->metrics, run->problems[AFT_INDEX_METRICS], index->database, run->key,
                  AFT_INDEX_METRICS);
    }
    enum aft_code ended = aft_database_end(index->database, error);
    return code == AFT_OK ? ended : code;
}

static void forget_runs(struct aft_index *index)
{
    while (index->n_runs > 0) {
        remove_run(index, index->n_runs - 1);
    }
}

/* --- Open and close --- */

static enum aft_code take_place(struct aft_index *index, const char *path, struct aft_error *error)
{
    char folder[PATH_MAX], lock[PATH_MAX];
    const char *name = aft_path_name(path);
    if (snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path) >= (int)sizeof folder ||
        snprintf(lock, sizeof lock, "%s.lock", path) >= (int)sizeof lock) {
        return aft_fail(error, AFT_ERR_USAGE, "open index '%.100s': path too long", path);
    }
    if (folder[0] == '\0') {
        (void)snprintf(folder, sizeof folder, ".");
    }
    enum aft_code code = aft_file_make_folder(folder, error);
    if (code == AFT_OK) {
        code = aft_refuse_network_file_system(folder, error);
    }
    return code == AFT_OK ? aft_lock_take_file(&index->lock, lock, error) : code;
}

enum aft_code aft_index_open(struct aft_index **index, const char *path, const char *models_folder,
                             struct aft_error *error)
{
    struct aft_index *opened = calloc(1, sizeof *opened);
    *index = NULL;
    if (opened == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "open index '%s': out of memory", path);
    }
    opened->lock.fd = -1;
    enum aft_code code = AFT_OK;
    if (realpath(models_folder, opened->models) == NULL) {
        code = aft_fail_errno(error, "find the models folder '%s'", models_folder);
    }
    if (code == AFT_OK) {
        code = take_place(opened, path, error);
    }
    if (code == AFT_OK) {
        code = aft_index_database_open(&opened->database, path, opened->models, error);
    }
    if (code == AFT_OK) {
        code = load_runs(opened, error);
    }
    if (code != AFT_OK) {
        aft_index_close(opened);
        return code;
    }
    *index = opened;
    return AFT_OK;
}

void aft_index_close(struct aft_index *index)
{
    if (index != NULL) {
        forget_runs(index);
        free(index->runs);
        aft_database_close(index->database);
        aft_lock_release(&index->lock);
        free(index);
    }
}

/* --- One run --- */

/* Reads heartbeat.json where it has changed; whether it has. */
static bool take_heartbeat(struct aft_index_run *run)
{
    char path[PATH_MAX];
    struct stat status;
    struct aft_error cause = {.code = AFT_OK};
    if (aft_path_join(path, run->folder, "heartbeat.json", NULL) != AFT_OK ||
        aft_file_is_as_marked(&run->heartbeat, path)) {
        return false;
    }
    aft_json_destroy(run->beat);
    run->beat = NULL;
    run->problems[AFT_INDEX_HEARTBEAT][0] = '\0';
    run->heartbeat = (struct aft_file_mark){.inode = 0};
    if (lstat(path, &status) != 0) {
        return true;
    }
    run->heartbeat.inode = (int64_t)status.st_ino;
    run->heartbeat.size = (int64_t)status.st_size;
    run->heartbeat.mtime_ns = aft_file_mtime_ns(&status);
    enum aft_code code = S_ISREG(status.st_mode)
                             ? aft_heartbeat_read(&run->beat, run->folder, &cause)
                             : aft_fail(&cause, AFT_ERR_IO, "heartbeat.json: not a regular file");
    if (code != AFT_OK && code != AFT_ERR_MISSING) {
        aft_index_problem(run, AFT_INDEX_HEARTBEAT, &cause);
    }
    return true;
}

/* Whether a process of this machine runs that trains in another folder than this. */
static bool is_of_another_folder(const struct aft_index_run *run)
{
    struct aft_process process;
    if (aft_heartbeat_is_of(run->beat, run->id)) {
        return false;
    }
    aft_process_get(&process, aft_json_get(run->beat, "process"));
    return aft_process_presence(&process) == AFT_PROCESS_RUNS;
}

static bool take_liveness(struct aft_index_run *run, double now)
{
    enum aft_liveness liveness =
        run->beat != NULL ? aft_heartbeat_liveness(run->beat, now) : AFT_LIVENESS_ENDED;
    if (liveness != AFT_LIVENESS_ENDED && is_of_another_folder(run)) {
        liveness = AFT_LIVENESS_DEAD;
    }
    bool changed = liveness != run->liveness;
    run->liveness = liveness;
    return changed;
}

static bool has_news(const struct aft_index_run *run, const struct aft_file_mark *mark,
                     const char *name)
{
    char path[PATH_MAX];
    return aft_path_join(path, run->folder, name, NULL) == AFT_OK &&
           !aft_file_is_as_marked(mark, path);
}

static void make_row(struct aft_database *database, struct aft_index_run *run)
{
    if (run->key == 0) {
        struct aft_query *query = aft_query(database, "INSERT INTO runs(id) VALUES(?)");
        aft_query_put_text(query, run->id);
        run->key = aft_query_run(query) > 0 ? aft_database_last_id(database) : 0;
    }
}

/* The summary's row where it changed; the text that it has then. */
static enum aft_code store_summary(struct news *news, char **text, struct aft_database *database,
                                   const struct aft_index_run *run, struct aft_error *error)
{
    double active;
    struct aft_json *summary = aft_index_summarise(&active, database, run);
    enum aft_code code = aft_json_write(text, NULL, summary, false, error);
    if (code != AFT_OK || (run->summary != NULL && strcmp(*text, run->summary) == 0)) {
        aft_json_destroy(summary);
        return code;
    }
    news->summary = summary;
    struct aft_query *query =
        aft_query(database, "UPDATE runs SET active = ?2, summary = ?3 WHERE key = ?1");
    aft_query_put_integer(query, run->key);
    aft_query_put_real(query, active);
    aft_query_put_text(query, *text);
    (void)aft_query_run(query);
    return AFT_OK;
}

static enum aft_code take_files(struct aft_index *index, struct aft_index_run *run,
                                struct news *news, bool archives, struct aft_error *error)
{
    struct aft_database *database = index->database;
    enum aft_code code = aft_index_take_events(database, run, &index->budget, news->lines, error);
    if (code == AFT_OK) {
        code = aft_index_take_metrics(&news->metrics, database, run, &index->budget, error);
    }
    if (code == AFT_OK && archives) {
        code = aft_index_take_archives(database, run, &index->budget, error);
    }
    store_mark(&run->events, run->problems[AFT_INDEX_EVENTS], database, run->key, AFT_INDEX_EVENTS);
    store_mark(&run->metrics, run->problems[AFT_INDEX_METRICS], database, run->key,
               AFT_INDEX_METRICS);
    return code;
}

static void tell(const struct aft_index_run *run, const struct news *news, int64_t last_step,
                 const struct aft_index_listener *listener)
{
    if (news->summary != NULL) {
        listener->run_changed(listener->context, run->id, news->summary);
    }
    for (size_t i = 0; i < aft_json_length(news->lines); i++) {
        listener->run_event(listener->context, run->id, aft_json_at(news->lines, i));
    }
    if (news->metrics) {
        listener->metrics_grew(listener->context, run->id, last_step);
    }
}

/* In one transaction; where that fails, the run is remembered as it was before. */
static enum aft_code renew_run(struct aft_index *index, struct aft_index_run *run, bool files,
                               bool archives, const struct aft_index_listener *listener,
                               struct aft_error *error)
{
    struct aft_database *database = index->database;
    struct aft_index_run before = *run;
    struct news news = {.lines = listener != NULL ? aft_json_array() : NULL};
    char *text = NULL;
    int64_t last_step = 0;
    enum aft_code code = AFT_OK;
    aft_database_begin(database);
    make_row(database, run);
    if (files || archives) {
        code = take_files(index, run, &news, archives, error);
    }
    if (code == AFT_OK) {
        code = store_summary(&news, &text, database, run, error);
        last_step = news.metrics ? aft_index_last_metric_step(database, run->key) : 0;
    }
    if (code == AFT_OK) {
        code = aft_database_end(database, error);
    } else {
        aft_database_cancel(database);
    }
    if (code != AFT_OK) {
        *run = before;
        free(run->summary);
        run->summary = NULL; /* so that it is tried again */
        free(text);
    } else {
        free(run->summary);
        run->summary = text;
    }
    if (code == AFT_OK && listener != NULL) {
        tell(run, &news, last_step, listener);
    }
    aft_json_destroy(news.summary);
    aft_json_destroy(news.lines);
    return code;
}

static enum aft_code look_at_run(struct aft_index *index, struct aft_index_run *run, double now,
                                 const struct aft_index_listener *listener, struct aft_error *error)
{
    bool beat = take_heartbeat(run);
    bool liveness = take_liveness(run, now);
    bool archives = aft_index_archives_may_have_changed(run);
    bool files =
        has_news(run, &run->events, "events.jsonl") || has_news(run, &run->metrics, "progress.csv");
    if (!beat && !liveness && !archives && !files && run->summary != NULL) {
        return AFT_OK;
    }
    return renew_run(index, run, files, archives, listener, error);
}

/* --- All runs --- */

static bool has_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    return aft_path_join(path, folder, name, NULL) == AFT_OK && lstat(path, &status) == 0;
}

static bool has_archive(const char *folder)
{
    struct aft_scan_name name;
    bool found = false;
    DIR *stream = opendir(folder);
    const struct dirent *file;
    while (stream != NULL && !found && (file = readdir(stream)) != NULL) {
        found = aft_scan_name_parse(&name, file->d_name);
    }
    if (stream != NULL) {
        (void)closedir(stream);
    }
    return found;
}

/* A folder, not a link to one, whose name can stand in a document, with a run's files in it. */
static bool is_run(const struct aft_index *index, const char *name, bool known)
{
    char folder[PATH_MAX];
    struct stat status;
    if (name[0] == '.' || aft_path_join(folder, index->models, name, NULL) != AFT_OK ||
        lstat(folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return false;
    }
    if (known) { /* it may have lost its files but a few */
        return has_file(folder, "events.jsonl") || has_file(folder, "heartbeat.json") ||
               has_archive(folder);
    }
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return false;
        }
    }
    struct aft_json *text = aft_json_string(name);
    bool is_text = strcmp(aft_json_string_value(text, ""), name) == 0; /* valid UTF-8 */
    aft_json_destroy(text);
    return is_text && (has_file(folder, "events.jsonl") || has_file(folder, "heartbeat.json") ||
                       has_archive(folder));
}

static enum aft_code find_runs(struct aft_index *index, struct aft_error *error)
{
    DIR *stream = opendir(index->models);
    enum aft_code code = AFT_OK;
    const struct dirent *file;
    for (int i = 0; i < index->n_runs; i++) {
        index->runs[i]->seen = false;
    }
    if (stream == NULL) {
        return errno == ENOENT ? AFT_OK : aft_fail_errno(error, "open folder '%s'", index->models);
    }
    while (errno = 0, code == AFT_OK && (file = readdir(stream)) != NULL) {
        bool found;
        int place = place_of(index, file->d_name, &found);
        if (!is_run(index, file->d_name, found)) {
            continue;
        }
        if (!found) {
            code = insert_run(index, place, run_create(index, file->d_name), error);
        }
        if (code == AFT_OK) {
            index->runs[place]->seen = true;
        }
    }
    if (code == AFT_OK && errno != 0) { /* what was not listed is not gone */
        code = aft_fail_errno(error, "read folder '%s'", index->models);
    }
    (void)closedir(stream);
    return code;
}

static enum aft_code forget_gone(struct aft_index *index, const struct aft_index_listener *listener,
                                 struct aft_error *error)
{
    for (int i = index->n_runs - 1; i >= 0; i--) {
        struct aft_index_run *run = index->runs[i];
        if (run->seen) {
            continue;
        }
        aft_database_begin(index->database);
        struct aft_query *query = aft_query(index->database, "DELETE FROM runs WHERE key = ?");
        aft_query_put_integer(query, run->key);
        (void)aft_query_run(query);
        enum aft_code code = aft_database_end(index->database, error);
        if (code != AFT_OK) {
            return code;
        }
        if (listener != NULL && run->summary != NULL) {
            listener->run_removed(listener->context, run->id);
        }
        remove_run(index, i);
    }
    return AFT_OK;
}

static enum aft_code refresh(struct aft_index *index, double now,
                             const struct aft_index_listener *listener, struct aft_error *error)
{
    index->budget = budget_of_refresh;
    enum aft_code code = find_runs(index, error);
    if (code == AFT_OK) {
        code = forget_gone(index, listener, error);
    }
    int begin = index->begin < index->n_runs ? index->begin : 0;
    for (int i = 0; i < index->n_runs && code == AFT_OK; i++) {
        int place = (begin + i) % index->n_runs;
        bool had_some = index->budget.archives > 0;
        code = look_at_run(index, index->runs[place], now, listener, error);
        if (had_some && index->budget.archives == 0) {
            index->begin = place + 1; /* so that no run with many archives keeps others waiting */
        }
    }
    return code;
}

enum aft_code aft_index_refresh(struct aft_index *index, double now,
                                const struct aft_index_listener *listener, struct aft_error *error)
{
    struct aft_error cause = {.code = AFT_OK};
    enum aft_code code = refresh(index, now, listener, &cause);
    if (code == AFT_ERR_CORRUPT) { /* of the database: files' faults are runs' problems */
        forget_runs(index);
        code = aft_index_database_renew(index->database, index->models, &cause);
        if (code == AFT_OK) {
            code = refresh(index, now, listener, &cause);
        }
    }
    return code == AFT_OK ? AFT_OK : aft_fail(error, code, "%s", cause.message);
}
