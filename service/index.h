/*
 * The registry of runs: an SQLite database that indexes what the runs of a models
 * folder left there (archives, events.jsonl, heartbeat.json, progress.csv). It
 * holds nothing that those files do not say, and may be deleted at any time.
 *
 * One process writes it (aft_index), from one thread; any number of views read
 * it, each from one thread. docs/service.md describes the documents that views
 * give, member by member: they are what the HTTP API answers.
 */
#ifndef AFT_SERVICE_INDEX_H
#define AFT_SERVICE_INDEX_H

#include "base/error.h"
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

struct aft_index;

/* Opens or makes the database for the runs below that models folder. One of another
 * format, of another folder, or damaged is made anew. REFUSED where path is on a network
 * file system (SQLite's locks and shared memory do not work there); BUSY where another
 * process writes it. Its folder is made where it is missing. */
enum aft_code aft_index_open(struct aft_index **index, const char *path, const char *models_folder,
                             struct aft_error *error);
void aft_index_close(struct aft_index *index);

/* Is told by aft_index_refresh, after what it is told of can be read by views. */
struct aft_index_listener {
    void *context;
    /* A run is new, or its summary changed. */
    void (*run_changed)(void *context, const char *id, const struct aft_json *summary);
    /* A line of its events.jsonl was added. */
    void (*run_event)(void *context, const char *id, const struct aft_json *event);
    /* Its metrics reach to that step of the run (and may have been taken back to less before). */
    void (*metrics_grew)(void *context, const char *id, int64_t total_steps);
    void (*run_removed)(void *context, const char *id);
};

/* Looks at every run's files and takes over what is new: cheap where nothing is. A run that
 * cannot be read is left as it was, with the reason in its summary's "problem". listener may
 * be NULL. now: seconds since 1970. */
enum aft_code aft_index_refresh(struct aft_index *index, double now,
                                const struct aft_index_listener *listener, struct aft_error *error);

struct aft_index_view;

enum aft_code aft_index_view_open(struct aft_index_view **view, const char *path,
                                  struct aft_error *error);
void aft_index_view_close(struct aft_index_view *view);

/* All give a document that the caller destroys. MISSING: there is no run of that id. */

/* {"runs": [summary…]}, newest first. */
enum aft_code aft_index_runs(struct aft_json **runs, struct aft_index_view *view,
                             struct aft_error *error);
/* One summary. */
enum aft_code aft_index_run_summary(struct aft_json **summary, struct aft_index_view *view,
                                    const char *id, struct aft_error *error);
/* A run in full; against: another run's id, with which its settings are compared, or NULL. */
enum aft_code aft_index_run(struct aft_json **run, struct aft_index_view *view, const char *id,
                            const char *against, struct aft_error *error);
/* Archives of one run, or of all where id is NULL. */
enum aft_code aft_index_models(struct aft_json **models, struct aft_index_view *view,
                               const char *id, struct aft_error *error);

enum { AFT_INDEX_MAX_SERIES = 64, AFT_INDEX_MAX_POINTS = 20000 };

struct aft_metrics_query {
    const char *const *names; /* columns of progress.csv; n_names 0: only what there is */
    int n_names;              /* at most AFT_INDEX_MAX_SERIES */
    double from, to;          /* of time/total_timesteps, both included */
    int points;               /* at most so many a series: where there are more, the lowest and
                               * the highest of each of points / 2 equal parts of [from, to] */
};
enum aft_code aft_index_metrics(struct aft_json **metrics, struct aft_index_view *view,
                                const char *id, const struct aft_metrics_query *query,
                                struct aft_error *error);

#endif
