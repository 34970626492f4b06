/*
 * While a building is made in somebody else's process: numbers are read with a point whatever
 * the process's locale, and threads that LAPACK starts when it is loaded take no signals.
 * Both are this thread's own affair: other threads notice nothing.
 */
#ifndef AFT_LIBRARY_QUIET_H
#define AFT_LIBRARY_QUIET_H

#include "base/error.h"

#include <locale.h>
#include <signal.h>

struct aft_quiet {
    locale_t plain, kept;
    sigset_t signals;
};

enum aft_code aft_quiet_begin(struct aft_quiet *quiet, struct aft_error *error);
/* Must follow a begin that succeeded, on the same thread. */
void aft_quiet_end(struct aft_quiet *quiet);

#endif
