/* The parts of a run in full: docs/service.md lists them. */
#include "base/path.h"
#include "service/index_parts.h"
#include "service/index_view_parts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct aft_query *of_run(struct aft_index_view *view, int64_t key, const char *sql)
{
    struct aft_query *query = aft_query(view->database, sql);
    aft_query_put_integer(query, key);
    return query;
}

static struct aft_json *integer_or_null(const struct aft_query *query, int column)
{
    return aft_query_is_null(query, column) ? aft_json_null()
                                            : aft_json_integer(aft_query_integer(query, column));
}

static const char *state_of_stage(int64_t stage, const struct aft_json *run)
{
    if (stage <= aft_json_get_integer(run, "completed_stages", 0)) {
        return "complete";
    }
    return stage == aft_json_get_integer(run, "stage", 0) ? "current" : "waiting";
}

/* A stage that no event told of is known by its archive; its score, too, is the archive's, and
 * before there is one its last evaluation's. */
static struct aft_json *stages_of(const struct aft_json *run, struct aft_index_view *view,
                                  int64_t key)
{
    struct aft_json *list = aft_json_array();
    struct aft_query *query =
        of_run(view, key,
               "WITH own(stage, score, attempt, mtime_ns) AS (SELECT stage, score, attempt, "
               "MAX(mtime_ns) FROM archives WHERE run = ?1 AND kind = 'stage' AND valid AND NOT "
               "set_aside GROUP BY stage), evaluated(stage, score, last) AS (SELECT stage, score, "
               "MAX(number) FROM evaluations WHERE run = ?1 AND score IS NOT NULL GROUP BY stage) "
               "SELECT number.stage, name, magnitude, force_limit_n, timesteps, "
               "COALESCE(attempts, own.attempt), completed, seconds, "
               "COALESCE(own.score, evaluated.score), own.mtime_ns FROM "
               "(SELECT stage FROM stages WHERE run = ?1 UNION SELECT stage FROM own) AS number "
               "LEFT JOIN stages ON stages.run = ?1 AND stages.stage = number.stage "
               "LEFT JOIN own ON own.stage = number.stage "
               "LEFT JOIN evaluated ON evaluated.stage = number.stage ORDER BY number.stage");
    while (aft_query_next(query)) {
        struct aft_json *stage = aft_json_object();
        int64_t number = aft_query_integer(query, 0);
        const char *state = state_of_stage(number, run), *completed = aft_query_text(query, 6);
        char written[32];
        aft_index_time_text(written, 1e-9 * (double)aft_query_integer(query, 9));
        if (strcmp(state, "complete") != 0) {
            completed = NULL;
        } else if (completed == NULL) {
            completed = written;
        }
        aft_json_set_integer(stage, "stage", number);
        aft_json_set_string(stage, "name", aft_query_text(query, 1));
        aft_json_set_real(stage, "magnitude", aft_query_real(query, 2));
        aft_json_set_real(stage, "force_limit_n", aft_query_real(query, 3));
        aft_json_set(stage, "timesteps", integer_or_null(query, 4));
        aft_json_set_string(stage, "state", state);
        aft_json_set(stage, "attempts", integer_or_null(query, 5));
        aft_json_set_string(stage, "completed", completed);
        aft_json_set_real(stage, "seconds", aft_query_real(query, 7));
        aft_json_set_real(stage, "score", aft_query_real(query, 8));
        aft_json_append(list, stage);
    }
    return list;
}

/* The last session of a run that died, or that ended without the line that says so, has no outcome
 * of its own. */
static void set_last_outcome(struct aft_json *session, const struct aft_json *run)
{
    const char *state = aft_json_get_string(run, "state", "unknown");
    bool goes_on = strcmp(state, "running") == 0 || strcmp(state, "silent") == 0;
    const char *outcome = strcmp(state, "failed") == 0 ? "error" : state; /* as run_ended has it */
    aft_json_set_string(session, "outcome", goes_on ? NULL : outcome);
    /* Whichever is younger of the heartbeat and the last event knows more. */
    int64_t steps = aft_json_get_integer(run, "total_steps", -1);
    int64_t stage = aft_json_get_integer(run, "stage", -1);
    if (steps > aft_json_get_integer(session, "end_step", -1)) {
        aft_json_set_integer(session, "end_step", steps);
    }
    if (stage > aft_json_get_integer(session, "end_stage", -1)) {
        aft_json_set_integer(session, "end_stage", stage);
    }
    aft_json_set_string(session, "ended",
                        goes_on ? NULL : aft_json_get_string(run, "updated", NULL));
}

static struct aft_json *sessions_of(const struct aft_json *run, struct aft_index_view *view,
                                    int64_t key)
{
    struct aft_json *list = aft_json_array();
    struct aft_query *query =
        of_run(view, key,
               "SELECT started, last, host, pid, outcome, exit_code, resumed_from, start_step, "
               "end_step, start_stage, end_stage FROM sessions WHERE run = ? ORDER BY number");
    while (aft_query_next(query)) {
        struct aft_json *session = aft_json_object();
        const char *outcome = aft_query_text(query, 4);
        aft_json_set_string(session, "started", aft_query_text(query, 0));
        aft_json_set_string(session, "ended", aft_query_text(query, 1));
        aft_json_set_string(session, "host", aft_query_text(query, 2));
        aft_json_set(session, "pid", integer_or_null(query, 3));
        aft_json_set_string(session, "outcome", outcome);
        aft_json_set(session, "exit_code", integer_or_null(query, 5));
        aft_json_set(session, "resumed_from", aft_index_get_json(query, 6));
        aft_json_set(session, "start_step", integer_or_null(query, 7));
        aft_json_set(session, "end_step", integer_or_null(query, 8));
        aft_json_set(session, "start_stage", integer_or_null(query, 9));
        aft_json_set(session, "end_stage", integer_or_null(query, 10));
        if (outcome == NULL) { /* the last one: every other has ended when the next began */
            set_last_outcome(session, run);
        }
        aft_json_append(list, session);
    }
    return list;
}

static struct aft_json *timeline_of(struct aft_index_view *view, int64_t key)
{
    struct aft_json *list = aft_json_array();
    struct aft_query *query =
        of_run(view, key, "SELECT line FROM events WHERE run = ? ORDER BY number");
    while (aft_query_next(query)) {
        aft_json_append(list, aft_index_get_json(query, 0));
    }
    return list;
}

static struct aft_json *evaluations_of(struct aft_index_view *view, int64_t key)
{
    struct aft_json *list = aft_json_array();
    struct aft_query *query =
        of_run(view, key,
               "SELECT time, stage, step, total_steps, score, of_stages FROM evaluations "
               "WHERE run = ? ORDER BY number");
    while (aft_query_next(query)) {
        struct aft_json *evaluation = aft_json_object();
        aft_json_set_string(evaluation, "time", aft_query_text(query, 0));
        aft_json_set(evaluation, "stage", integer_or_null(query, 1));
        aft_json_set(evaluation, "step", integer_or_null(query, 2));
        aft_json_set(evaluation, "total_steps", integer_or_null(query, 3));
        aft_json_set_real(evaluation, "score", aft_query_real(query, 4));
        aft_json_set(evaluation, "of_stages", aft_index_get_json(query, 5));
        aft_json_append(list, evaluation);
    }
    return list;
}

static struct aft_json *settings_of(struct aft_index_view *view, int64_t key)
{
    struct aft_json *settings = aft_json_object();
    struct aft_query *query =
        of_run(view, key, "SELECT key, value FROM settings WHERE run = ? ORDER BY number");
    while (aft_query_next(query)) {
        const char *name = aft_query_text(query, 0);
        aft_json_set(settings, name != NULL ? name : "?", aft_index_get_json(query, 1));
    }
    return settings;
}

/* The folder is looked at as it is: pages may be written at any time, and nothing depends on
 * them. */
static struct aft_json *reports_of(const struct aft_json *start, const char *id)
{
    struct aft_json *list = aft_json_array();
    char folder[PATH_MAX];
    DIR *stream = NULL;
    if (aft_path_join(folder, aft_json_get_string(start, "models", ""), id, NULL) == AFT_OK) {
        stream = opendir(folder);
    }
    const struct dirent *file;
    while (stream != NULL && (file = readdir(stream)) != NULL) {
        const char *end = strrchr(file->d_name, '.');
        struct stat status;
        if (file->d_name[0] == '.' || end == NULL || strcmp(end, ".html") != 0 ||
            fstatat(dirfd(stream), file->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode)) {
            continue;
        }
        char time[32];
        struct aft_json *report = aft_json_object();
        aft_index_time_text(time, 1e-9 * (double)aft_file_mtime_ns(&status));
        aft_json_set_string(report, "file", file->d_name);
        aft_json_set_integer(report, "bytes", (int64_t)status.st_size);
        aft_json_set_string(report, "time", time);
        aft_json_append(list, report);
    }
    if (stream != NULL) {
        (void)closedir(stream);
    }
    return list;
}

static void copy_member(struct aft_json *to, const struct aft_json *from, const char *member)
{
    const struct aft_json *value = aft_json_get(from, member);
    aft_json_set(to, member, value != NULL ? aft_json_copy(value) : aft_json_null());
}

void aft_view_add_particulars(struct aft_json *run, struct aft_index_view *view, int64_t key)
{
    char *latest;
    struct aft_json *start = aft_view_start(view, key);
    aft_json_set(run, "stages", stages_of(run, view, key));
    aft_json_set(run, "checkpoint_paths", aft_view_archives(view, key, &latest));
    free(latest);
    char *command = aft_view_command(start, NULL);
    aft_json_set_string(run, "resume_command", command);
    free(command);
    aft_json_set(run, "sessions", sessions_of(run, view, key));
    aft_json_set(run, "timeline", timeline_of(view, key));
    aft_json_set(run, "evaluations", evaluations_of(view, key));
    aft_json_set(run, "settings", settings_of(view, key));
    aft_json_set(run, "reports", reports_of(start, aft_json_get_string(run, "id", "")));
    copy_member(run, start, "command");
    copy_member(run, start, "working_directory");
    copy_member(run, start, "curriculum");
    copy_member(run, start, "versions");
    aft_json_destroy(start);
}

static void add_difference(struct aft_json *list, const struct aft_query *query)
{
    struct aft_json *difference = aft_json_object();
    aft_json_set_string(difference, "key", aft_query_text(query, 0));
    aft_json_set(difference, "this", aft_index_get_json(query, 1));
    aft_json_set(difference, "other", aft_index_get_json(query, 2));
    aft_json_append(list, difference);
}

struct aft_json *aft_view_difference(struct aft_index_view *view, int64_t key, int64_t other)
{
    struct aft_json *list = aft_json_array();
    struct aft_query *query =
        of_run(view, key,
               "SELECT a.key, a.value, b.value FROM settings AS a LEFT JOIN settings AS b "
               "ON b.run = ?2 AND b.key = a.key WHERE a.run = ?1 AND b.value IS NOT a.value "
               "ORDER BY a.number");
    aft_query_put_integer(query, other);
    while (aft_query_next(query)) {
        add_difference(list, query);
    }
    query = of_run(view, key,
                   "SELECT b.key, NULL, b.value FROM settings AS b WHERE b.run = ?2 AND NOT EXISTS "
                   "(SELECT 1 FROM settings AS a WHERE a.run = ?1 AND a.key = b.key) "
                   "ORDER BY b.number");
    aft_query_put_integer(query, other);
    while (aft_query_next(query)) {
        add_difference(list, query);
    }
    return list;
}
