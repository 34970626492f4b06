/* Where a database must not be: SQLite's locks and shared memory need one machine's disk. */
#ifndef AFT_SERVICE_NETWORK_FILE_SYSTEM_H
#define AFT_SERVICE_NETWORK_FILE_SYSTEM_H

#include "base/error.h"

/* REFUSED, with the file system's name, where the folder is on one that other machines may
 * share. File systems in user space (FUSE) count as such: sshfs cannot be told from them. */
enum aft_code aft_refuse_network_file_system(const char *folder, struct aft_error *error);

/* The name of such a file system by statfs' f_type; NULL for any other. */
const char *aft_network_file_system_name(long type);

#endif
