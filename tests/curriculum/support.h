/* Curricula made from text, for tests. Include after cmocka's own headers' needs are met. */
#ifndef AFT_TESTS_CURRICULUM_SUPPORT_H
#define AFT_TESTS_CURRICULUM_SUPPORT_H

#include "curriculum/curriculum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define STAGE "[stage M4.5@50kN]\ntimesteps = 1000\n"

/* cmocka fixtures: a folder that is the working folder of each test, removed after it. */
int enter_folder(void **state);
int leave_folder(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

void put(const char *path, const void *bytes, size_t size);
void put_text(const char *path, const char *text);

/* Loads the text as "t.ini" of the working folder. override may be NULL. */
struct aft_curriculum *load(const char *text, const char *override);
enum aft_code try_load(const char *text, const char *override, struct aft_error *error);
/* Expects USAGE and the message, whole. */
void assert_refused(const char *text, const char *override, const char *message);

/* The fingerprint of a stage, counted from 0. */
void fingerprint_of(const struct aft_curriculum *curriculum, int stage,
                    char hex[AFT_SHA256_HEX_SIZE]);

#endif
