/* The commands that take a run up again, for people to paste into a shell. */
#ifndef AFT_SERVICE_ARCHIVE_COMMAND_H
#define AFT_SERVICE_ARCHIVE_COMMAND_H

#include "base/json.h"

#include <stdbool.h>

struct aft_run_start {              /* how a run was started last; all borrowed */
    const struct aft_json *command; /* its argument vector; NULL or not an array: not known */
    const char *working_directory;  /* NULL: not known */
    const char *models;             /* the models folder's path */
    const char *name;               /* of the run's folder */
    bool renamed;                   /* the folder had another name then */
    const struct aft_json *seed;    /* an integer, or NULL */
    bool stage_reached;             /* --stop-after-stage has been obeyed, and is left out */
};

/* The same command again, with those models and without --fresh, and from that archive (a path;
 * NULL: where `train` would). Allocated; NULL where it would hold control characters, which do
 * harm when they are pasted, or memory is short. */
char *aft_archive_command(const struct aft_run_start *start, const char *archive);

#endif
