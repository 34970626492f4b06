/* One process per run: an flock on <folder>/lock, which the kernel releases
 * however the process ends. The file names its holder (pid, host) for people. */
#ifndef AFT_RECOVERY_LOCK_H
#define AFT_RECOVERY_LOCK_H

#include "base/error.h"

struct aft_lock {
    int fd; /* close-on-exec: no child keeps the lock */
};

/* AFT_ERR_BUSY names the holder. */
enum aft_code aft_lock_take(struct aft_lock *lock, const char *folder, struct aft_error *error);
/* The same on a file of any name, which is made where it is missing. */
enum aft_code aft_lock_take_file(struct aft_lock *lock, const char *path, struct aft_error *error);
void aft_lock_release(struct aft_lock *lock);

#endif
