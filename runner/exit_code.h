/* What the program ends with: the same for every command, in the executable and in modules. */
#ifndef AFT_RUNNER_EXIT_CODE_H
#define AFT_RUNNER_EXIT_CODE_H

#include "base/error.h"

enum aft_exit_code { /* of the program, for every command */
                     AFT_EXIT_OK = 0,
                     AFT_EXIT_FAILED = 1,  /* training or anything else failed at run time */
                     AFT_EXIT_USAGE = 2,   /* bad usage or a bad curriculum: nothing was touched */
                     AFT_EXIT_REFUSED = 3, /* what is on disk cannot be trusted, or contradicts */
                     AFT_EXIT_BUSY = 4,    /* another process holds this run */
                     AFT_EXIT_CHECKPOINTED =
                         75 /* by SIGUSR2; 128 + signal for SIGINT, SIGTERM, SIGHUP */
};

int aft_exit_code_of(enum aft_code code);

#endif
