/* events.jsonl into the tables events, sessions, stages and evaluations. */
#include "base/path.h"
#include "service/index_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_VERSION = 1, MAX_STAGES = 1000 };

struct story { /* a reading of the file */
    struct aft_database *database;
    int64_t key;
    struct aft_json *lines; /* NULL: nobody wants them */
    int64_t not_events;
};

/* The start's members that are kept in one piece. */
static const char *const start_members[] = {
    "command", "working_directory", "curriculum", "seed",       "device",
    "engine",  "threads",           "versions",   "steps_total"};

static const char *text_of(const struct aft_json *line, const char *member)
{
    return aft_json_get_string(line, member, NULL);
}

/* An integer member, or null. */
static void put_integer_of(struct aft_query *query, const struct aft_json *line, const char *member)
{
    int64_t value = aft_json_get_integer(line, member, INT64_MIN);
    if (value == INT64_MIN) {
        aft_query_put_text(query, NULL);
    } else {
        aft_query_put_integer(query, value);
    }
}

static void put_real_of(struct aft_query *query, const struct aft_json *line, const char *member)
{
    aft_query_put_real(query, aft_json_get_real(line, member, (double)NAN));
}

/* A session that ended without a word is known as such when the next begins. */
static void end_sessions(const struct story *story)
{
    struct aft_query *query = aft_query(story->database,
                                        "UPDATE sessions SET outcome = 'died' WHERE run = ?1 AND "
                                        "outcome IS NULL");
    aft_query_put_integer(query, story->key);
    (void)aft_query_run(query);
}

static void take_stage_list(const struct story *story, const struct aft_json *stages)
{
    size_t n = aft_json_length(stages);
    n = aft_json_is_array(stages) && n <= MAX_STAGES ? n : 0;
    struct aft_query *query =
        aft_query(story->database, "DELETE FROM stages WHERE run = ?1 AND stage > ?2");
    aft_query_put_integer(query, story->key);
    aft_query_put_integer(query, (int64_t)n);
    (void)aft_query_run(query);
    for (size_t i = 0; i < n; i++) {
        const struct aft_json *stage = aft_json_at(stages, i);
        query = aft_query(story->database,
                          "INSERT INTO stages(run, stage, name, timesteps) VALUES(?1, ?2, ?3, ?4) "
                          "ON CONFLICT(run, stage) DO UPDATE SET name = excluded.name, "
                          "timesteps = excluded.timesteps");
        aft_query_put_integer(query, story->key);
        aft_query_put_integer(query, (int64_t)i + 1);
        aft_query_put_text(query, text_of(stage, "name"));
        put_integer_of(query, stage, "timesteps");
        (void)aft_query_run(query);
    }
}

static struct aft_json *start_of(const struct aft_json *line)
{
    struct aft_json *start = aft_json_object();
    for (size_t i = 0; i < sizeof start_members / sizeof *start_members; i++) {
        const struct aft_json *value = aft_json_get(line, start_members[i]);
        aft_json_set(start, start_members[i],
                     value != NULL ? aft_json_copy(value) : aft_json_null());
    }
    return start;
}

static void begin_session(const struct story *story, const struct aft_json *line)
{
    const struct aft_json *process = aft_json_get(line, "process");
    const struct aft_json *resumed_from = aft_json_get(line, "resumed_from");
    struct aft_json *start = start_of(line);
    end_sessions(story);
    take_stage_list(story, aft_json_get(line, "stages"));
    struct aft_query *query = aft_query(
        story->database,
        "INSERT INTO sessions(run, number, run_id, name, started, last, host, pid, resumed_from, "
        "start_step, end_step, start_stage, end_stage, start) SELECT ?1, "
        "COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?9, ?10 "
        "FROM sessions WHERE run = ?1");
    aft_query_put_integer(query, story->key);
    aft_query_put_text(query, text_of(line, "run_id"));
    aft_query_put_text(query, text_of(line, "run"));
    aft_query_put_text(query, text_of(line, "time"));
    aft_query_put_text(query, text_of(process, "host"));
    put_integer_of(query, process, "pid");
    char *from = aft_index_put_json(query, aft_json_is_object(resumed_from) ? resumed_from : NULL);
    put_integer_of(query, line, "total_steps");
    put_integer_of(query, line, "next_stage");
    char *text = aft_index_put_json(query, start);
    (void)aft_query_run(query);
    free(from);
    free(text);
    aft_json_destroy(start);
}

/* Every line is the session's last word so far. */
static void go_on_with_session(const struct story *story, const struct aft_json *line)
{
    struct aft_query *query =
        aft_query(story->database,
                  "UPDATE sessions SET last = COALESCE(?2, last), "
                  "end_step = COALESCE(?3, end_step), end_stage = COALESCE(?4, end_stage) "
                  "WHERE run = ?1 AND outcome IS NULL");
    aft_query_put_integer(query, story->key);
    aft_query_put_text(query, text_of(line, "time"));
    put_integer_of(query, line, "total_steps");
    put_integer_of(query, line, "stage");
    (void)aft_query_run(query);
}

static void take_engine(const struct story *story, const struct aft_json *line)
{
    struct aft_query *query = aft_query(
        story->database, "UPDATE sessions SET engine = ?2 WHERE run = ?1 AND outcome IS NULL");
    aft_query_put_integer(query, story->key);
    aft_query_put_text(query, text_of(line, "engine"));
    (void)aft_query_run(query);
}

static void end_session(const struct story *story, const struct aft_json *line)
{
    struct aft_query *query = aft_query(story->database,
                                        "UPDATE sessions SET outcome = ?2, exit_code = ?3 "
                                        "WHERE run = ?1 AND outcome IS NULL");
    aft_query_put_integer(query, story->key);
    aft_query_put_text(query, aft_json_get_string(line, "outcome", "unknown"));
    put_integer_of(query, line, "exit_code");
    (void)aft_query_run(query);
}

static bool has_stage(const struct aft_json *line)
{
    int64_t stage = aft_json_get_integer(line, "stage", 0);
    return stage > 0 && stage <= MAX_STAGES;
}

static void begin_stage(const struct story *story, const struct aft_json *line)
{
    struct aft_query *query = aft_query(
        story->database,
        "INSERT INTO stages(run, stage, name, magnitude, force_limit_n, timesteps, attempts) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(run, stage) DO UPDATE SET "
        "name = excluded.name, magnitude = excluded.magnitude, "
        "force_limit_n = excluded.force_limit_n, timesteps = excluded.timesteps, "
        "attempts = excluded.attempts, completed = NULL, seconds = NULL");
    aft_query_put_integer(query, story->key);
    put_integer_of(query, line, "stage");
    aft_query_put_text(query, text_of(line, "name"));
    put_real_of(query, line, "magnitude");
    put_real_of(query, line, "force_limit_n");
    put_integer_of(query, line, "timesteps");
    put_integer_of(query, line, "attempt");
    (void)aft_query_run(query);
}

static void complete_stage(const struct story *story, const struct aft_json *line)
{
    struct aft_query *query = aft_query(
        story->database,
        "INSERT INTO stages(run, stage, name, magnitude, force_limit_n, timesteps, completed, "
        "seconds) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(run, stage) DO UPDATE SET "
        "magnitude = excluded.magnitude, force_limit_n = excluded.force_limit_n, "
        "completed = excluded.completed, seconds = excluded.seconds");
    aft_query_put_integer(query, story->key);
    put_integer_of(query, line, "stage");
    aft_query_put_text(query, text_of(line, "name"));
    put_real_of(query, line, "magnitude");
    put_real_of(query, line, "force_limit_n");
    put_integer_of(query, line, "timesteps");
    aft_query_put_text(query, text_of(line, "time"));
    put_real_of(query, line, "seconds");
    (void)aft_query_run(query);
}

/* The number of the last evaluation, if the line belongs to it; 0: it begins one. Its parts come
 * stage by stage, and the last one has the score. */
static int64_t evaluation_of(struct aft_json **parts, const struct story *story,
                             const struct aft_json *line)
{
    struct aft_query *query =
        aft_query(story->database,
                  "SELECT number, of_stages FROM (SELECT * FROM evaluations WHERE run = ?1 "
                  "ORDER BY number DESC LIMIT 1) WHERE score IS NULL AND stage IS ?2 AND "
                  "attempt IS ?3 AND step IS ?4 AND last_of_stage < ?5");
    aft_query_put_integer(query, story->key);
    put_integer_of(query, line, "stage");
    put_integer_of(query, line, "attempt");
    put_integer_of(query, line, "step");
    put_integer_of(query, line, "of_stage");
    if (aft_query_next(query)) {
        int64_t number = aft_query_integer(query, 0);
        *parts = aft_index_get_json(query, 1);
        aft_query_done(query);
        if (aft_json_is_array(*parts) && aft_json_length(*parts) < MAX_STAGES) {
            return number;
        }
        aft_json_destroy(*parts);
    }
    *parts = aft_json_array();
    return 0;
}

static void insert_evaluation(const struct story *story, const struct aft_json *line)
{
    struct aft_query *query =
        aft_query(story->database,
                  "INSERT INTO evaluations(run, number, time, stage, attempt, step, total_steps) "
                  "SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM evaluations "
                  "WHERE run = ?1");
    aft_query_put_integer(query, story->key);
    aft_query_put_text(query, text_of(line, "time"));
    put_integer_of(query, line, "stage");
    put_integer_of(query, line, "attempt");
    put_integer_of(query, line, "step");
    put_integer_of(query, line, "total_steps");
    (void)aft_query_run(query);
}

static void take_evaluation(const struct story *story, const struct aft_json *line)
{
    struct aft_json *parts;
    if (evaluation_of(&parts, story, line) == 0) {
        insert_evaluation(story, line);
    }
    aft_json_append(parts, aft_json_copy(line));
    struct aft_query *query =
        aft_query(story->database,
                  "UPDATE evaluations SET time = ?2, score = ?3, last_of_stage = ?4, "
                  "of_stages = ?5 WHERE run = ?1 AND "
                  "number = (SELECT MAX(number) FROM evaluations WHERE run = ?1)");
    aft_query_put_integer(query, story->key);
    aft_query_put_text(query, text_of(line, "time"));
    put_real_of(query, line, "score");
    aft_query_put_integer(query, aft_json_get_integer(line, "of_stage", 0));
    char *text = aft_index_put_json(query, parts);
    (void)aft_query_run(query);
    free(text);
    aft_json_destroy(parts);
}

static bool is_for_the_timeline(const char *event, const struct aft_json *line)
{
    const char *kind = aft_json_get_string(line, "kind", "");
    return strcmp(event, "evaluation") != 0 &&
           (strcmp(event, "archive_saved") != 0 ||
            (strcmp(kind, "checkpoint") != 0 && strcmp(kind, "best") != 0));
}

static void keep_line(const struct story *story, const char *event, const char *text)
{
    struct aft_query *query =
        aft_query(story->database,
                  "INSERT INTO events(run, number, event, line) "
                  "SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3 FROM events "
                  "WHERE run = ?1");
    aft_query_put_integer(query, story->key);
    aft_query_put_text(query, event);
    aft_query_put_text(query, text);
    (void)aft_query_run(query);
}

static void take_event(const struct story *story, const struct aft_json *line, const char *text)
{
    const char *event = aft_json_get_string(line, "event", "");
    if (strcmp(event, "run_started") == 0 || strcmp(event, "run_resumed") == 0) {
        begin_session(story, line);
    } else {
        go_on_with_session(story, line);
    }
    if (strcmp(event, "worker_started") == 0) {
        take_engine(story, line);
    } else if (strcmp(event, "stage_started") == 0 && has_stage(line)) {
        begin_stage(story, line);
    } else if (strcmp(event, "stage_completed") == 0 && has_stage(line)) {
        complete_stage(story, line);
    } else if (strcmp(event, "evaluation") == 0) {
        take_evaluation(story, line);
    } else if (strcmp(event, "run_ended") == 0) {
        end_session(story, line);
    }
    if (is_for_the_timeline(event, line)) {
        keep_line(story, event, text);
    }
}

static enum aft_code take_line(struct story *story, const char *text, size_t length)
{
    struct aft_json *line = NULL;
    enum aft_code code = aft_json_parse(&line, text, length, "events.jsonl", NULL);
    if (code == AFT_ERR_MEMORY) {
        return code;
    }
    if (code != AFT_OK || aft_json_get_integer(line, "v", 0) != FORMAT_VERSION ||
        aft_json_get_string(line, "event", NULL) == NULL) {
        story->not_events++;
        aft_json_destroy(code == AFT_OK ? line : NULL);
        return AFT_OK;
    }
    take_event(story, line, text);
    if (story->lines != NULL) {
        aft_json_append(story->lines, line);
    } else {
        aft_json_destroy(line);
    }
    return AFT_OK;
}

static void forget(struct aft_database *database, int64_t key)
{
    static const char *const deletions[] = {
        "DELETE FROM events WHERE run = ?", "DELETE FROM sessions WHERE run = ?",
        "DELETE FROM stages WHERE run = ?", "DELETE FROM evaluations WHERE run = ?"};
    for (size_t i = 0; i < sizeof deletions / sizeof *deletions; i++) {
        struct aft_query *query = aft_query(database, deletions[i]);
        aft_query_put_integer(query, key);
        (void)aft_query_run(query);
    }
}

static enum aft_code read_on(struct story *story, struct aft_growing_file *file,
                             struct aft_index_run *run, struct aft_error *error)
{
    bool same = run->events.inode == (int64_t)file->status.st_ino &&
                aft_growing_file_has(file, &run->events.end);
    if (same) {
        aft_growing_file_go_to(file, run->events.end.offset);
    } else {
        forget(story->database, run->key);
        run->problems[AFT_INDEX_EVENTS][0] = '\0';
        story->lines = run->events.inode == 0 ? story->lines : NULL;
    }
    char *line;
    size_t length;
    enum aft_code code;
    do {
        code = aft_growing_file_line(&line, &length, file, error);
        if (code == AFT_OK && line != NULL && length > 0) {
            code = take_line(story, line, length);
        }
    } while (code == AFT_OK && line != NULL);
    if (code == AFT_OK && story->not_events + file->lines_too_long > 0) {
        struct aft_error problem;
        (void)aft_fail(&problem, AFT_ERR_CORRUPT,
                       "events.jsonl: %" PRId64 " lines are no events that this version reads",
                       story->not_events + file->lines_too_long);
        aft_index_problem(run, AFT_INDEX_EVENTS, &problem);
    }
    return code;
}

enum aft_code aft_index_take_events(struct aft_database *database, struct aft_index_run *run,
                                    struct aft_index_budget *budget, struct aft_json *lines,
                                    struct aft_error *error)
{
    char path[PATH_MAX];
    struct aft_growing_file file;
    struct aft_error cause = {.code = AFT_OK};
    struct story story = {.database = database, .key = run->key, .lines = lines};
    enum aft_code code = aft_path_join(path, run->folder, "events.jsonl", error);
    if (code != AFT_OK || aft_file_is_as_marked(&run->events, path)) {
        return code;
    }
    code = aft_growing_file_open(&file, path, &budget->bytes, &cause);
    if (code == AFT_ERR_MISSING) {
        forget(database, run->key);
        run->events = (struct aft_file_mark){.inode = 0};
        run->problems[AFT_INDEX_EVENTS][0] = '\0';
        return AFT_OK;
    }
    if (code == AFT_OK) {
        code = read_on(&story, &file, run, &cause);
        aft_growing_file_mark(&run->events, &file);
        aft_growing_file_close(&file);
    }
    if (code == AFT_ERR_MEMORY) {
        return aft_fail(error, code, "read '%s': out of memory", path);
    }
    if (code != AFT_OK) {
        aft_index_problem(run, AFT_INDEX_EVENTS, &cause);
    }
    return AFT_OK;
}
