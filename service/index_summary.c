/* The summary of a run: docs/service.md lists its members. */
#include "service/index_parts.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* Of what an ended process called its outcome. */
static const char *state_of_outcome(const struct aft_json *beat)
{
    static const char *const outcomes[] = {"complete", "stage_reached", "interrupted",
                                           "checkpointed"};
    const char *state = aft_json_get_string(beat, "state", "");
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if (strcmp(state, outcomes[i]) == 0) {
            return outcomes[i];
        }
    }
    return "failed";
}

static const char *state_of(const struct aft_index_run *run)
{
    if (run->beat == NULL) {
        return "unknown";
    }
    switch (run->liveness) {
    case AFT_LIVENESS_RUNNING:
        return "running";
    case AFT_LIVENESS_SILENT:
        return "silent";
    case AFT_LIVENESS_DEAD:
        return "died";
    default:
        return state_of_outcome(run->beat);
    }
}

static void copy_string(struct aft_json *to, const char *name, const struct aft_json *from,
                        const char *member)
{
    aft_json_set_string(to, name, aft_json_get_string(from, member, NULL));
}

static void copy_integer(struct aft_json *to, const struct aft_json *from, const char *member)
{
    int64_t value = aft_json_get_integer(from, member, INT64_MIN);
    aft_json_set(to, member, value == INT64_MIN ? aft_json_null() : aft_json_integer(value));
}

static void add_process(struct aft_json *summary, const struct aft_json *beat)
{
    struct aft_process process;
    const struct aft_json *member = aft_json_get(beat, "process");
    aft_process_get(&process, member);
    aft_json_set_boolean(summary, "here", aft_process_presence(&process) != AFT_PROCESS_ELSEWHERE);
    copy_string(summary, "host", member, "host");
    copy_integer(summary, member, "pid");
}

static void add_place(struct aft_json *summary, const struct aft_json *beat)
{
    static const char *const integers[] = {"stage",           "stages_total", "attempt",    "step",
                                           "stage_timesteps", "total_steps",  "steps_total"};
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        copy_integer(summary, beat, integers[i]);
    }
    copy_string(summary, "stage_name", beat, "stage_name");
    aft_json_set_real(summary, "steps_per_s", aft_json_get_real(beat, "steps_per_s", (double)NAN));
    copy_string(summary, "message", beat, "message");
    copy_integer(summary, beat, "exit_code");
}

/* How much of steps_total is behind it: the stages before the one that it is at, as far as events
 * tell of them, and the attempt that is under way. total_steps counts attempts that were given up
 * too. */
static void add_steps_done(struct aft_json *summary, struct aft_database *database, int64_t key)
{
    int64_t stage = aft_json_get_integer(summary, "stage", 0);
    struct aft_query *query = aft_query(
        database,
        "SELECT SUM(timesteps), COUNT(timesteps) FROM stages WHERE run = ? AND stage < ?");
    aft_query_put_integer(query, key);
    aft_query_put_integer(query, stage);
    bool known = aft_query_next(query) && stage >= 1 && aft_query_integer(query, 1) == stage - 1;
    int64_t done = known ? aft_query_integer(query, 0) : 0;
    aft_query_done(query);
    if (!known) {
        aft_json_set(summary, "steps_done", aft_json_null());
        return;
    }
    int64_t step = aft_json_get_integer(summary, "step", 0);
    int64_t length = aft_json_get_integer(summary, "stage_timesteps", step);
    aft_json_set_integer(summary, "steps_done", done + (step < length ? step : length));
}

/* Seconds since 1970 of the archive that was written last; 0: none. */
static double add_archives(struct aft_json *summary, struct aft_database *database, int64_t key)
{
    struct aft_query *query =
        aft_query(database,
                  "SELECT MAX(score) FILTER (WHERE valid AND NOT set_aside), COUNT(*), "
                  "MAX(mtime_ns), MAX(total_steps) FILTER (WHERE valid AND NOT set_aside) "
                  "FROM archives WHERE run = ?");
    double written = 0;
    aft_query_put_integer(query, key);
    if (aft_query_next(query)) {
        aft_json_set_real(summary, "score", aft_query_real(query, 0));
        aft_json_set_integer(summary, "checkpoint_count", aft_query_integer(query, 1));
        written = 1e-9 * (double)aft_query_integer(query, 2);
        if (!aft_query_is_null(query, 3) &&
            aft_json_is_null(aft_json_get(summary, "total_steps"))) {
            aft_json_set_integer(summary, "total_steps", aft_query_integer(query, 3));
        }
        aft_query_done(query);
    }
    query =
        aft_query(database,
                  "WITH RECURSIVE complete(stage) AS (SELECT 0 UNION ALL "
                  "SELECT complete.stage + 1 FROM complete WHERE EXISTS (SELECT 1 FROM archives "
                  "WHERE run = ?1 AND kind = 'stage' AND valid AND NOT set_aside AND "
                  "archives.stage = complete.stage + 1)) SELECT MAX(stage) FROM complete");
    aft_query_put_integer(query, key);
    aft_json_set_integer(summary, "completed_stages",
                         aft_query_next(query) ? aft_query_integer(query, 0) : 0);
    aft_query_done(query);
    return written;
}

static void add_evaluation(struct aft_json *summary, struct aft_database *database, int64_t key)
{
    double sum = 0, mean = (double)NAN;
    size_t n = 0;
    struct aft_query *query = aft_query(
        database, "SELECT of_stages FROM evaluations WHERE run = ? ORDER BY number DESC LIMIT 1");
    aft_query_put_integer(query, key);
    if (aft_query_next(query)) {
        struct aft_json *parts = aft_index_get_json(query, 0);
        for (size_t i = 0; i < aft_json_length(parts); i++) {
            double ratio =
                aft_json_get_real(aft_json_at(parts, i), "peak_drift_to_passive", (double)NAN);
            sum += isfinite(ratio) ? ratio : 0;
            n += isfinite(ratio) ? 1 : 0;
        }
        mean = n > 0 ? sum / (double)n : mean;
        aft_json_destroy(parts);
    }
    aft_query_done(query);
    aft_json_set_real(summary, "peak_drift_to_passive", mean);
}

/* The first that is known. */
static void set_first(struct aft_json *summary, const char *member, const char *first,
                      const char *second)
{
    aft_json_set_string(summary, member, first != NULL ? first : second);
}

/* What the last start said; the time of its last line. */
static double add_session(struct aft_json *summary, struct aft_database *database,
                          const struct aft_index_run *run)
{
    double last = 0;
    struct aft_query *query =
        aft_query(database,
                  "SELECT run_id, name, started, last, engine, start FROM sessions "
                  "WHERE run = ? ORDER BY number DESC LIMIT 1");
    aft_query_put_integer(query, run->key);
    bool has = aft_query_next(query);
    struct aft_json *start = has ? aft_index_get_json(query, 5) : aft_json_null();
    const char *engine = has ? aft_query_text(query, 4) : NULL;
    const char *started = has ? aft_query_text(query, 2) : NULL;
    const char *name = has ? aft_query_text(query, 1) : NULL;
    set_first(summary, "run_id", aft_json_get_string(run->beat, "run_id", NULL),
              has ? aft_query_text(query, 0) : NULL);
    set_first(summary, "name", aft_json_get_string(run->beat, "run", NULL),
              name != NULL ? name : run->id);
    set_first(summary, "started", aft_json_get_string(run->beat, "started", NULL), started);
    copy_integer(summary, start, "seed");
    copy_string(summary, "device", start, "device");
    set_first(summary, "engine", engine, aft_json_get_string(start, "engine", NULL));
    last = has ? aft_index_time_of(aft_query_text(query, 3)) : 0;
    aft_query_done(query);
    aft_json_destroy(start);
    return last;
}

static void add_problem(struct aft_json *summary, const struct aft_index_run *run)
{
    const char *problem = NULL;
    for (int i = 0; i < AFT_INDEX_SOURCES && problem == NULL; i++) {
        problem = run->problems[i][0] != '\0' ? run->problems[i] : NULL;
    }
    aft_json_set_string(summary, "problem", problem);
}

struct aft_json *aft_index_summarise(double *active, struct aft_database *database,
                                     const struct aft_index_run *run)
{
    struct aft_json *summary = aft_json_object();
    char updated[32];
    aft_json_set_string(summary, "id", run->id);
    double told = add_session(summary, database, run);
    aft_json_set_string(summary, "state", state_of(run));
    copy_string(summary, "phase", run->beat, "state");
    add_process(summary, run->beat);
    add_place(summary, run->beat);
    add_steps_done(summary, database, run->key);
    double written = add_archives(summary, database, run->key);
    add_evaluation(summary, database, run->key);
    double beat = aft_index_time_of(aft_json_get_string(run->beat, "time", NULL));
    *active = beat > told ? beat : told;
    *active = *active > 0 ? *active : written;
    aft_index_time_text(updated, *active);
    aft_json_set_string(summary, "updated", *active > 0 ? updated : NULL);
    add_problem(summary, run);
    return summary;
}
