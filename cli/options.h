/*
 * Command lines and environment, read by a command's table of options, with one
 * clear line for every mistake. The command line goes before the environment,
 * whatever their order, and both before the curriculum.
 */
#ifndef AFT_CLI_OPTIONS_H
#define AFT_CLI_OPTIONS_H

#include "base/error.h"
#include "cli/command.h"
#include "runner/exit_code.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

struct aft_texts { /* begins as zeros */
    char **items;
    int n;
};

/* Adds a copy of "key=text", or of the text alone where key is NULL. */
enum aft_code aft_texts_add(struct aft_texts *texts, const char *key, const char *text);
void aft_texts_clear(struct aft_texts *texts);

/* Fills the command's struct, which holds the defaults, from environment and command
 * line; operands are argv[optind] and on. False where the command ends here, help or
 * a message printed: then *exit_code says with what. */
bool aft_options_parse(int *exit_code, void *line, const struct aft_command *command, int argc,
                       char **argv);

/* Prints "aftershock COMMAND: …" and where help is; returns AFT_EXIT_USAGE. */
int aft_usage_error(const struct aft_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Usage errors for an operand that cannot be meant, or AFT_EXIT_OK: a folder in the place of
 * an archive; no curriculum named (path is NULL) and no stages.ini in the working folder. */
int aft_check_archive(const struct aft_command *command, const char *path);
int aft_check_curriculum(const struct aft_command *command, const char *path);

/* Prints "aftershock COMMAND: message"; returns the exit code that fits. */
int aft_report_failure(const struct aft_command *command, const struct aft_error *error);

#define AFT_DEFAULT_CURRICULUM "stages.ini"

/* For options that several commands have. */
#define AFT_DEVICE_WORDS "auto cpu cuda"
#define AFT_DEVICE_EXPECTED "auto, cpu, cuda or cuda:N"
bool aft_is_device(const char *text);
bool aft_is_run_name(const char *text);
enum { AFT_MOST_THREADS = 1024 };

/* The word at a place of "a b c", not terminated; its length, or 0 beyond the last. */
size_t aft_word_at(const char **word, const char *words, int place);

/* Whole-string conversions; false when it is not such a number in range. */
bool aft_parse_integer(int64_t *value, const char *text, int64_t least, int64_t most);
bool aft_parse_real(double *value, const char *text, double least, double most);

#endif
