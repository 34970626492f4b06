/* The worker's first steps: attached to its keeper, deaf to the terminal, gone when the keeper is.
 */
#ifndef AFT_RECOVERY_WORKER_H
#define AFT_RECOVERY_WORKER_H

#include "base/error.h"
#include "recovery/snapshot.h"

struct aft_worker_link {
    struct aft_snapshot_region *region;
    int launch_fd;
};

/* argv as aft_keeper_run made it: command, then numbers of descriptors and of the keeper. */
enum aft_code aft_worker_attach(struct aft_worker_link *link, int argc, char **argv,
                                struct aft_error *error);
void aft_worker_detach(struct aft_worker_link *link);

/* Used by the keeper, between fork and exec: the child becomes the worker. Does not return. */
_Noreturn void aft_worker_exec(const char *command, const struct aft_snapshot_region *region,
                               int launch_fd, int keeper_pid);

#endif
