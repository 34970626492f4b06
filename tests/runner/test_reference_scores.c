/* references.json: kept, read back, and not believed where it does not fit. */
#include "runner/reference_scores.h"

#include "base/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 2 };

static struct aft_reference_file file;
static const struct aft_evaluation_settings settings = {.motions = 8, .tail_s = 5};

static int set_up(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_reference_scores scores;
    file.n = N;
    (void)snprintf(file.path, sizeof file.path, "/tmp/aftershock-references-%d.json",
                   (int)getpid());
    for (int i = 0; i < N; i++) {
        aft_reference_key(file.keys[i], i == 0 ? "first" : "second", &settings);
    }
    aft_reference_scores_forget(&scores);
    scores.stages[0] = (struct aft_reference_score){0.1, 0.2, 0.3, 0.7};
    return aft_reference_scores_write(&scores, &file, &error) != AFT_OK;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(file.path);
}

static struct aft_reference_scores read_file(void)
{
    struct aft_reference_scores scores;
    aft_reference_scores_read(&scores, &file);
    return scores;
}

static void scores__are_read_back_as_they_were(void **state)
{
    (void)state;
    struct aft_reference_scores scores = read_file();
    assert_true(aft_reference_score_known(&scores.stages[0]));
    assert_true(scores.stages[0].lqr_peak_to_passive == 0.1);
    assert_true(scores.stages[0].lqr_rms_to_passive == 0.2);
    assert_true(scores.stages[0].lqg_peak_to_passive == 0.3);
    assert_true(scores.stages[0].lqg_rms_to_passive == 0.7);
    assert_false(aft_reference_score_known(&scores.stages[1]));
}

static void scores__of_other_settings_are_not_known(void **state)
{
    (void)state;
    struct aft_evaluation_settings other = settings;
    other.motions++;
    aft_reference_key(file.keys[0], "first", &other);
    struct aft_reference_scores scores = read_file();
    assert_false(aft_reference_score_known(&scores.stages[0]));
    other = settings;
    other.tail_s += 1;
    aft_reference_key(file.keys[0], "first", &other);
    scores = read_file();
    assert_false(aft_reference_score_known(&scores.stages[0]));
    aft_reference_key(file.keys[0], "First", &settings);
    scores = read_file();
    assert_false(aft_reference_score_known(&scores.stages[0]));
}

static void scores__of_a_damaged_file_are_not_known(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "{", "[]", "{\"stages\": 3}", "{\"stages\": [7]}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct aft_error error;
        assert_int_equal(aft_file_publish(file.path, wrong[i], strlen(wrong[i]), &error), AFT_OK);
        struct aft_reference_scores scores = read_file();
        assert_false(aft_reference_score_known(&scores.stages[0]));
    }
}

static void scores__that_are_not_asked_for_are_not_read(void **state)
{
    (void)state;
    struct aft_reference_file none = file;
    struct aft_reference_scores scores;
    none.n = 0;
    aft_reference_scores_read(&scores, &none);
    assert_false(aft_reference_score_known(&scores.stages[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scores__are_read_back_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scores__of_other_settings_are_not_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scores__of_a_damaged_file_are_not_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scores__that_are_not_asked_for_are_not_read, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
