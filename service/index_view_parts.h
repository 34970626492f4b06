/* What the views' files share. */
#ifndef AFT_SERVICE_INDEX_VIEW_PARTS_H
#define AFT_SERVICE_INDEX_VIEW_PARTS_H

#include "service/database.h"
#include "service/index.h"

struct aft_index_view {
    struct aft_database *database;
};

/* The row of the run, 0 where there is none. */
int64_t aft_view_key(struct aft_index_view *view, const char *id);

/* Its summary, as stored; null where it has none yet. */
struct aft_json *aft_view_summary(struct aft_index_view *view, int64_t key);

/* Archives of the run (key 0: of all), newest first; *latest: the path of the valid one that was
 * written last, allocated, or NULL. */
struct aft_json *aft_view_archives(struct aft_index_view *view, int64_t key, char **latest);

/* How the run was started last; its members, allocated in one document that the caller destroys:
 * {id, renamed, command, working_directory, curriculum, versions, models, seed, outcome, …}. */
struct aft_json *aft_view_start(struct aft_index_view *view, int64_t key);

/* The command that goes on from the archive, given by its path within the models folder. */
char *aft_view_command(const struct aft_json *start, const char *archive);

/* The members of a run in full that a summary lacks. */
void aft_view_add_particulars(struct aft_json *run, struct aft_index_view *view, int64_t key);

/* How the settings of two runs differ: [{key, this, other}]. */
struct aft_json *aft_view_difference(struct aft_index_view *view, int64_t key, int64_t other);

/* Ends the reading: the document, or nothing where something failed. */
enum aft_code aft_view_end(struct aft_json **document, struct aft_index_view *view,
                           struct aft_error *error);

enum aft_code aft_view_fail_missing(struct aft_index_view *view, const char *id,
                                    struct aft_error *error);

#endif
