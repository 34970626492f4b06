#include "tests/runner/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char undisturbed[2][AFT_SHA256_HEX_SIZE];

int open_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    program_make_folder(place->folder);
    program_write_curriculum(place->curriculum, place->folder, "small.ini");
    *state = place;
    return 0;
}

int close_place(void **state)
{
    struct place *place = *state;
    program_remove_folder(place->folder);
    free(place);
    return 0;
}

void expect_exit(const struct place *place, int expected, const char *const *arguments)
{
    int got = program_train(place->folder, place->curriculum, arguments);
    if (got != expected) {
        program_show_output(place->folder);
    }
    assert_int_equal(got, expected);
}

void expect_said(const struct place *place, const char *text)
{
    if (!program_said(place->folder, text)) {
        program_show_output(place->folder);
        fail_msg("it did not say '%s'", text);
    }
}

void expect_undisturbed_results(const struct place *place)
{
    char hash[AFT_SHA256_HEX_SIZE];
    program_state_hash(hash, place->folder, "stage1_50kN.zip");
    assert_string_equal(hash, undisturbed[0]);
    program_state_hash(hash, place->folder, "stage2_100kN.zip");
    assert_string_equal(hash, undisturbed[1]);
}

void expect_finish(const struct place *place)
{
    expect_exit(place, 0, NULL);
    expect_undisturbed_results(place);
}

void delete_archive(const struct place *place, const char *archive)
{
    char path[PATH_MAX];
    assert_true(snprintf(path, sizeof path, "%s/models/small/%s", place->folder, archive) <
                PATH_MAX);
    (void)unlink(path);
}

int train_undisturbed(void **state)
{
    struct place *place;
    (void)open_place(state);
    place = *state;
    expect_exit(place, 0, NULL);
    program_state_hash(undisturbed[0], place->folder, "stage1_50kN.zip");
    program_state_hash(undisturbed[1], place->folder, "stage2_100kN.zip");
    return close_place(state);
}
