/* Paths that a request names: they stay within a folder, whatever they hold. */
#ifndef AFT_SERVICE_CONFINE_H
#define AFT_SERVICE_CONFINE_H

#include "base/error.h"

#include <limits.h>

/* out = the file or folder that path names, seen from folder, free of links and "..". REFUSED
 * where it is absolute or leads out of the folder, by a link too; MISSING where there is none. */
enum aft_code aft_confine(char out[PATH_MAX], const char *folder, const char *path,
                          struct aft_error *error);

#endif
