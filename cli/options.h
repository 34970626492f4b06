/* Command lines: getopt_long with one clear line for every mistake. */
#ifndef AFT_CLI_OPTIONS_H
#define AFT_CLI_OPTIONS_H

#include "base/error.h"
#include "cli/command.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    AFT_OPTION_END = -1,   /* what follows are operands, from optind on */
    AFT_OPTION_BAD = 1000, /* a mistake, already printed: return AFT_EXIT_USAGE */
    AFT_OPTION_HELP,       /* -h, already printed: return AFT_EXIT_OK */
};

/* The next option of the command: its `val` in the table, or one of the above.
 * The table ends in zeros and needs no entry for help. A val that is a letter is the
 * option's short form too. */
int aft_option_next(const struct aft_command *command, int argc, char **argv,
                    const struct option *table);

/* Prints "aftershock COMMAND: …" and where help is; returns AFT_EXIT_USAGE. */
int aft_usage_error(const struct aft_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints "aftershock COMMAND: message"; returns the exit code that fits. */
int aft_report_failure(const struct aft_command *command, const struct aft_error *error);
int aft_exit_code_of(enum aft_code code);

/* Whole-string conversions of optarg; false when it is not such a number in range. */
bool aft_parse_integer(int64_t *value, const char *text, int64_t least, int64_t most);
bool aft_parse_unsigned(uint64_t *value, const char *text);
bool aft_parse_real(double *value, const char *text, double least, double most);

/* The words of --engine and --device. */
bool aft_is_engine(const char *text);
bool aft_is_device(const char *text);

/* The candidate nearest to a mistyped word; NULL where none is near. */
const char *aft_suggest(const char *word, const char *const *candidates, int n);

#endif
