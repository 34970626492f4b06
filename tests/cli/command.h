/* Runs the built program and keeps what it prints. */
#ifndef AFT_TESTS_CLI_COMMAND_H
#define AFT_TESTS_CLI_COMMAND_H

#include "base/json.h"

#define PROGRAM AFT_BUILD_DIR "/aftershock"

struct outcome {
    int code; /* exit status; 128 + signal where one ended it */
    double seconds;
    char *out, *err;
};

/* Arguments after the program's name, split at blanks; working folder or NULL.
 * The outcome lasts until the next call. */
const struct outcome *run_in(const char *folder, const char *arguments);
const struct outcome *run(const char *arguments);

/* Standard output as one JSON document, which the caller destroys. */
struct aft_json *parse_output(const struct outcome *outcome);

/* Lines of a text. */
int count_lines(const char *text);

void write_text(const char *folder, const char *name, const char *text);

#endif
