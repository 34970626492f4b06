/* Where `aftershock evaluate` is tried: a temporary folder with a.zip, the archive of a small
 * training, and the folder records, which has the same sine in each format. */
#ifndef AFT_TESTS_RUNNER_EVALUATE_PLACE_H
#define AFT_TESTS_RUNNER_EVALUATE_PLACE_H

#include "tests/cli/command.h"

#include <limits.h>
#include <stdbool.h>

extern char evaluate_folder[PATH_MAX];

bool evaluate_place_open(void); /* false: the training failed */
void evaluate_place_close(void);

/* `aftershock evaluate a.zip ARGUMENTS` there; the second with --json, and as it must be. */
const struct outcome *evaluate(const char *arguments);
struct aft_json *evaluate_json(const char *arguments);

/* A file of the folder; the caller frees it. */
char *evaluate_read_text(const char *name);

#endif
