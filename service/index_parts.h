/* What the parts of the index share, and nobody else sees. */
#ifndef AFT_SERVICE_INDEX_PARTS_H
#define AFT_SERVICE_INDEX_PARTS_H

#include "base/json.h"
#include "report/heartbeat.h"
#include "service/database.h"
#include "service/growing_file.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { AFT_INDEX_PROBLEM = 256 };

enum aft_index_source { /* what of a run's folder is read */
                        AFT_INDEX_EVENTS,
                        AFT_INDEX_METRICS,
                        AFT_INDEX_ARCHIVES,
                        AFT_INDEX_HEARTBEAT,
                        AFT_INDEX_SOURCES,
};

struct aft_index_run { /* what the writer remembers of a run */
    int64_t key;       /* of its row; 0: none yet */
    char *id;
    char *folder; /* its path */
    bool seen;    /* in the refresh that goes on */
    struct aft_file_mark events, metrics, heartbeat;
    int64_t folder_mtime_ns[2]; /* its own and checkpoints/', when archives were listed; -1: list */
    int64_t listed_at;          /* seconds since 1970 */
    struct aft_json *beat;      /* heartbeat.json; NULL: none that can be read */
    enum aft_liveness liveness; /* by it */
    char *summary;              /* as it stands in the database; NULL: not yet */
    char problems[AFT_INDEX_SOURCES][AFT_INDEX_PROBLEM]; /* "" where there is none */
};

struct aft_index_budget { /* what one refresh may still do; the next does the rest */
    int archives;         /* to verify */
    int64_t bytes;        /* to read of growing files */
};

void aft_index_problem(struct aft_index_run *run, enum aft_index_source source,
                       const struct aft_error *error);

/* --- The parts; all work within the caller's transaction. What a document says is wrong with
 * a file goes into run->problems; failures are those of the database and of memory. --- */

/* Reads on in events.jsonl. New lines are appended to `lines` (an array), if not NULL and they are
 * not those of a file that is read anew. */
enum aft_code aft_index_take_events(struct aft_database *database, struct aft_index_run *run,
                                    struct aft_index_budget *budget, struct aft_json *lines,
                                    struct aft_error *error);

/* Reads on in progress.csv; *changed: rows came or went. */
enum aft_code aft_index_take_metrics(bool *changed, struct aft_database *database,
                                     struct aft_index_run *run, struct aft_index_budget *budget,
                                     struct aft_error *error);

/* Lists the archives, and verifies those that are new or changed; where there are more than the
 * budget has, the list is looked at again next time. */
enum aft_code aft_index_take_archives(struct aft_database *database, struct aft_index_run *run,
                                      struct aft_index_budget *budget, struct aft_error *error);

/* Whether the archives' folders have changed since they were listed. */
bool aft_index_archives_may_have_changed(const struct aft_index_run *run);

/* The summary by what is in the database, the heartbeat and its liveness. *active: when
 * the run was active last, seconds since 1970. */
struct aft_json *aft_index_summarise(double *active, struct aft_database *database,
                                     const struct aft_index_run *run);

/* The last step of the run's metrics; 0: none. */
int64_t aft_index_last_metric_step(struct aft_database *database, int64_t key);

/* Enough for any chunk: a row of the database then fits a page of 4096 bytes. */
enum { AFT_METRIC_CHUNK = 496, AFT_METRIC_COLUMNS = 128 };

/* --- Texts --- */

/* JSON kept as text: binds its text, which the caller frees after the query has run. */
char *aft_index_put_json(struct aft_query *query, const struct aft_json *value);
/* A column's JSON; null where it is none. The caller owns it. */
struct aft_json *aft_index_get_json(const struct aft_query *query, int column);

/* "2026-01-31T23:59:59.000Z" from seconds since 1970, and back (0: not a time). */
void aft_index_time_text(char text[32], double seconds);
double aft_index_time_of(const char *text);

#endif
