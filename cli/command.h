/* The commands of `aftershock`, one file each, and what they share. */
#ifndef AFT_CLI_COMMAND_H
#define AFT_CLI_COMMAND_H

#include "base/error.h"

struct aft_command {
    const char *name;
    const char *summary;               /* for the list of commands */
    const char *help;                  /* a man page's worth */
    int (*run)(int argc, char **argv); /* argv[0] is the command; returns the exit code */
};

extern const struct aft_command aft_command_train;
extern const struct aft_command aft_command_status;
extern const struct aft_command aft_command_inspect;
extern const struct aft_command aft_command_verify;
extern const struct aft_command aft_command_compare;
extern const struct aft_command aft_command_evaluate;
extern const struct aft_command aft_command_export;
extern const struct aft_command aft_command_motion;
extern const struct aft_command aft_command_bench;

/* Ends every help text. */
#define AFT_HELP_EXIT_CODES                                                                        \
    "EXIT CODES\n"                                                                                 \
    "  0    done\n"                                                                                \
    "  1    failed at run time\n"                                                                  \
    "  2    bad usage or a bad curriculum: nothing was touched\n"                                  \
    "  3    what is on disk cannot be trusted, or contradicts what was asked for\n"

#endif
