/* Views: documents out of the tables. Each is made within one reading transaction. */
#include "base/path.h"
#include "service/archive_command.h"
#include "service/index_parts.h"
#include "service/index_view_parts.h"

#include <stdlib.h>
#include <string.h>

enum aft_code aft_index_view_open(struct aft_index_view **view, const char *path,
                                  struct aft_error *error)
{
    *view = calloc(1, sizeof **view);
    if (*view == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "open index '%s': out of memory", path);
    }
    enum aft_code code = aft_database_open(&(*view)->database, path, AFT_DATABASE_READ, error);
    if (code != AFT_OK) {
        free(*view);
        *view = NULL;
    }
    return code;
}

void aft_index_view_close(struct aft_index_view *view)
{
    if (view != NULL) {
        aft_database_close(view->database);
        free(view);
    }
}

int64_t aft_view_key(struct aft_index_view *view, const char *id)
{
    struct aft_query *query =
        aft_query(view->database, "SELECT key FROM runs WHERE id = ? AND summary IS NOT NULL");
    aft_query_put_text(query, id);
    int64_t key = aft_query_next(query) ? aft_query_integer(query, 0) : 0;
    aft_query_done(query);
    return key;
}

struct aft_json *aft_view_summary(struct aft_index_view *view, int64_t key)
{
    struct aft_query *query = aft_query(view->database, "SELECT summary FROM runs WHERE key = ?");
    aft_query_put_integer(query, key);
    struct aft_json *summary =
        aft_query_next(query) ? aft_index_get_json(query, 0) : aft_json_null();
    aft_query_done(query);
    return summary;
}

enum aft_code aft_view_end(struct aft_json **document, struct aft_index_view *view,
                           struct aft_error *error)
{
    enum aft_code code = aft_database_end(view->database, error);
    if (code == AFT_OK && *document == NULL) {
        code = aft_fail(error, AFT_ERR_MEMORY, "read the index: out of memory");
    }
    if (code != AFT_OK) {
        aft_json_destroy(*document);
        *document = NULL;
    }
    return code;
}

enum aft_code aft_view_fail_missing(struct aft_index_view *view, const char *id,
                                    struct aft_error *error)
{
    enum aft_code code = aft_database_end(view->database, error); /* which comes first */
    return code != AFT_OK ? code : aft_fail(error, AFT_ERR_MISSING, "find run '%s': none", id);
}

enum aft_code aft_index_runs(struct aft_json **runs, struct aft_index_view *view,
                             struct aft_error *error)
{
    struct aft_json *list = aft_json_array();
    *runs = aft_json_object();
    aft_database_begin(view->database);
    struct aft_query *query =
        aft_query(view->database,
                  "SELECT summary FROM runs WHERE summary IS NOT NULL ORDER BY active DESC, id");
    while (aft_query_next(query)) {
        aft_json_append(list, aft_index_get_json(query, 0));
    }
    aft_json_set(*runs, "runs", list);
    return aft_view_end(runs, view, error);
}

enum aft_code aft_index_run_summary(struct aft_json **summary, struct aft_index_view *view,
                                    const char *id, struct aft_error *error)
{
    *summary = NULL;
    aft_database_begin(view->database);
    int64_t key = aft_view_key(view, id);
    if (key == 0) {
        return aft_view_fail_missing(view, id, error);
    }
    *summary = aft_view_summary(view, key);
    return aft_view_end(summary, view, error);
}

/* --- Archives --- */

struct aft_json *aft_view_start(struct aft_index_view *view, int64_t key)
{
    struct aft_query *query =
        aft_query(view->database,
                  "SELECT id, (SELECT models FROM about), "
                  "(SELECT start FROM sessions WHERE run = ?1 ORDER BY number DESC LIMIT 1), "
                  "(SELECT name FROM sessions WHERE run = ?1 ORDER BY number DESC LIMIT 1), "
                  "(SELECT outcome FROM sessions WHERE run = ?1 ORDER BY number DESC LIMIT 1) "
                  "FROM runs WHERE key = ?1");
    aft_query_put_integer(query, key);
    struct aft_json *start = aft_json_null();
    if (aft_query_next(query)) {
        aft_json_destroy(start);
        start = aft_index_get_json(query, 2);
        if (!aft_json_is_object(start)) {
            aft_json_destroy(start);
            start = aft_json_object();
        }
        const char *id = aft_query_text(query, 0), *name = aft_query_text(query, 3);
        aft_json_set_string(start, "id", id);
        aft_json_set_boolean(start, "renamed", name != NULL && strcmp(name, id) != 0);
        aft_json_set_string(start, "models", aft_query_text(query, 1));
        aft_json_set_string(start, "outcome", aft_query_text(query, 4));
    }
    aft_query_done(query);
    return start;
}

char *aft_view_command(const struct aft_json *start, const char *archive)
{
    char path[PATH_MAX];
    const char *models = aft_json_get_string(start, "models", "");
    if (archive != NULL && aft_path_join(path, models, archive, NULL) != AFT_OK) {
        return NULL;
    }
    const struct aft_run_start how = {
        .command = aft_json_get(start, "command"),
        .working_directory = aft_json_get_string(start, "working_directory", NULL),
        .models = models,
        .name = aft_json_get_string(start, "id", ""),
        .renamed = aft_json_get_boolean(start, "renamed", false),
        .seed = aft_json_get(start, "seed"),
        .stage_reached = strcmp(aft_json_get_string(start, "outcome", ""), "stage_reached") == 0,
    };
    return aft_archive_command(&how, archive != NULL ? path : NULL);
}

static void set_integer_or_null(struct aft_json *object, const char *member,
                                const struct aft_query *query, int column, bool known)
{
    aft_json_set(object, member,
                 known && !aft_query_is_null(query, column)
                     ? aft_json_integer(aft_query_integer(query, column))
                     : aft_json_null());
}

/* The row of the query below. */
static struct aft_json *archive_of(const struct aft_query *query, const struct aft_json *start)
{
    struct aft_json *archive = aft_json_object();
    char path[PATH_MAX] = "", time[32], *command = NULL;
    const char *id = aft_query_text(query, 0), *name = aft_query_text(query, 1);
    bool valid = aft_query_integer(query, 8) != 0;
    (void)aft_path_join(path, id != NULL ? id : "", name != NULL ? name : "", NULL);
    if (valid) {
        command = aft_view_command(start, path);
    }
    aft_json_set_string(archive, "run", id);
    aft_json_set_string(archive, "name", aft_path_name(path));
    aft_json_set_string(archive, "path", path);
    aft_json_set_string(archive, "kind", aft_query_text(query, 2));
    set_integer_or_null(archive, "stage", query, 3, aft_query_integer(query, 3) > 0);
    set_integer_or_null(archive, "attempt", query, 4, valid);
    set_integer_or_null(archive, "timestep", query, 5, valid);
    set_integer_or_null(archive, "total_steps", query, 6, valid);
    aft_json_set_real(archive, "score", aft_query_real(query, 7));
    aft_json_set_boolean(archive, "valid", valid);
    aft_json_set_string(archive, "reason", aft_query_text(query, 9));
    aft_json_set_boolean(archive, "set_aside", aft_query_integer(query, 10) != 0);
    aft_json_set_integer(archive, "bytes", aft_query_integer(query, 11));
    aft_index_time_text(time, 1e-9 * (double)aft_query_integer(query, 12));
    aft_json_set_string(archive, "time", aft_query_integer(query, 12) > 0 ? time : NULL);
    aft_json_set_string(archive, "sha256", aft_query_text(query, 13));
    aft_json_set_string(archive, "training_state_sha256", aft_query_text(query, 14));
    aft_json_set_string(archive, "resume_command", command);
    free(command);
    return archive;
}

struct aft_json *aft_view_archives(struct aft_index_view *view, int64_t key, char **latest)
{
    struct aft_json *list = aft_json_array(), *start = aft_json_null();
    int64_t start_of = 0;
    *latest = NULL;
    struct aft_query *query = aft_query(
        view->database,
        "SELECT id, path, kind, stage, attempt, timestep, total_steps, score, valid, reason, "
        "set_aside, size, mtime_ns, sha256, state_sha256, run FROM archives "
        "JOIN runs ON runs.key = archives.run WHERE ?1 = 0 OR run = ?1 "
        "ORDER BY mtime_ns DESC, total_steps DESC, run, path");
    aft_query_put_integer(query, key);
    while (aft_query_next(query)) {
        if (aft_query_integer(query, 15) != start_of) {
            start_of = aft_query_integer(query, 15);
            aft_json_destroy(start);
            start = aft_view_start(view, start_of);
        }
        struct aft_json *archive = archive_of(query, start);
        if (*latest == NULL && aft_query_integer(query, 8) != 0 &&
            aft_query_integer(query, 10) == 0 &&
            strcmp(aft_json_get_string(archive, "kind", ""), "sb3") != 0) {
            *latest = strdup(aft_json_get_string(archive, "path", ""));
        }
        aft_json_append(list, archive);
    }
    aft_json_destroy(start);
    return list;
}

enum aft_code aft_index_models(struct aft_json **models, struct aft_index_view *view,
                               const char *id, struct aft_error *error)
{
    char *latest;
    *models = NULL;
    aft_database_begin(view->database);
    int64_t key = id != NULL ? aft_view_key(view, id) : 0;
    if (id != NULL && key == 0) {
        return aft_view_fail_missing(view, id, error);
    }
    struct aft_json *list = aft_view_archives(view, key, &latest);
    *models = aft_json_object();
    int64_t count = (int64_t)aft_json_length(list);
    aft_json_set(*models, "checkpoints", list);
    aft_json_set_string(*models, "latest_checkpoint", latest);
    aft_json_set_integer(*models, "checkpoint_count", count);
    free(latest);
    return aft_view_end(models, view, error);
}

/* --- A run in full --- */

enum aft_code aft_index_run(struct aft_json **run, struct aft_index_view *view, const char *id,
                            const char *against, struct aft_error *error)
{
    *run = NULL;
    aft_database_begin(view->database);
    int64_t key = aft_view_key(view, id);
    int64_t other = against != NULL ? aft_view_key(view, against) : 0;
    if (key == 0 || (against != NULL && other == 0)) {
        return aft_view_fail_missing(view, key == 0 ? id : against, error);
    }
    *run = aft_view_summary(view, key);
    aft_view_add_particulars(*run, view, key);
    if (against != NULL) {
        aft_json_set(*run, "difference", aft_view_difference(view, key, other));
    }
    return aft_view_end(run, view, error);
}
