/* A temporary folder with a small curriculum, what is expected of runs in it, and the result of
 * a run that nobody disturbed to compare with. */
#ifndef AFT_TESTS_RUNNER_PLACE_H
#define AFT_TESTS_RUNNER_PLACE_H

#include "tests/runner/program.h"

struct place {
    char folder[PATH_MAX];
    char curriculum[PATH_MAX];
};

/* cmocka fixtures: train_undisturbed once for the group, the others around each test. */
int train_undisturbed(void **state);
int open_place(void **state);
int close_place(void **state);
#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)

/* Runs `train` with the arguments (NULL: none) to its end. */
void expect_exit(const struct place *place, int expected, const char *const *arguments);
void expect_said(const struct place *place, const char *text);
void expect_undisturbed_results(const struct place *place);
/* Runs `train` without arguments: exit 0 and the undisturbed results. */
void expect_finish(const struct place *place);
void delete_archive(const struct place *place, const char *archive);

#endif
