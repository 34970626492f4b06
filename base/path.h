/* Paths as text: joining, taking apart, and where the program keeps its parts. */
#ifndef AFT_BASE_PATH_H
#define AFT_BASE_PATH_H

#include "base/error.h"

#include <limits.h>

/* out = "folder/name". Fails with USAGE when it does not fit PATH_MAX. */
enum aft_code aft_path_join(char out[PATH_MAX], const char *folder, const char *name,
                            struct aft_error *error);

/* The part after the last '/', within path. */
const char *aft_path_name(const char *path);

/* The part of path behind "folder/", within path; all of it where it is not in that folder. */
const char *aft_path_within(const char *folder, const char *path);

/* Finds a loadable module ("aftershock_native.so"): in modules/ beside the
 * executable (a build folder), then in lib/aftershock/ of the installation. */
enum aft_code aft_path_find_module(char out[PATH_MAX], const char *name, struct aft_error *error);

#endif
