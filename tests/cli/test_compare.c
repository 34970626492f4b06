/* `aftershock compare` on archives made by hand. */
#include "base/file.h"
#include "command.h"
#include "fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[PATH_MAX];

struct made { /* an archive of a run of two stages */
    const char *run, *file;
    enum aft_archive_kind kind;
    int stage, seed;
    double peak[2]; /* on the motions of stage 1 and 2; the score is minus their mean */
    double gamma;
    bool damaged;
    const char *ini; /* NULL: one that cannot be read */
};

static struct aft_json *scores_of(const struct made *made)
{
    struct aft_json *list = aft_json_array();
    for (int i = 0; i < 2; i++) {
        struct aft_json *item = aft_json_object();
        aft_json_set_real(item, "peak_drift_to_passive", made->peak[i]);
        aft_json_set_real(item, "rms_drift_to_passive", 0.5 * made->peak[i]);
        aft_json_set_real(item, "stroke_max_m", 1.25);
        aft_json_append(list, item);
    }
    return list;
}

static void describe(struct aft_json *manifest, const struct made *made)
{
    struct aft_json *settings = fixture_settings(made->stage);
    aft_json_set_integer(settings, "run.seed", made->seed);
    aft_json_set_real(settings, "ppo.gamma", made->gamma);
    aft_json_set_string(manifest, "run", made->run);
    aft_json_set_integer(manifest, "stage", made->stage);
    aft_json_set_string(manifest, "stage_name", made->stage == 1 ? "M4.5@50kN" : "M5.7@100kN");
    aft_json_set_integer(manifest, "stages_total", 2);
    aft_json_set_integer(manifest, "seed", made->seed);
    aft_json_set_real(manifest, "score", -(made->peak[0] + made->peak[1]) / 2);
    aft_json_set_real(manifest, "trained_s", 60.0 * made->stage);
    aft_json_set(manifest, "settings", settings);
    aft_json_set(manifest, "scores", scores_of(made));
}

static void make(const struct made *made)
{
    struct fixture fixture;
    char path[PATH_MAX + 128];
    size_t size;
    (void)snprintf(path, sizeof path, "%s/%s", folder, made->run);
    (void)mkdir(path, 0777);
    fixture_init(&fixture, 2);
    fixture.content.kind = made->kind;
    fixture.content.counters.stage = made->stage;
    fixture.content.counters.steps = 1000;
    fixture.content.counters.total_steps = INT64_C(1000) * made->stage;
    if (made->ini) {
        fixture.members[0] =
            (struct aft_archive_member){"curriculum.ini", made->ini, strlen(made->ini)};
    }
    struct aft_json *manifest = aft_json_object();
    describe(manifest, made);
    fixture.content.manifest = manifest;
    char *bytes = fixture_build(&fixture, &size);
    if (made->damaged) {
        bytes[size / 2] ^= 1;
    }
    fixture_write(path, made->file, bytes, size);
    free(bytes);
    aft_json_destroy(manifest);
    fixture_clear(&fixture);
}

static void make_run(const char *name, int seed, double early, double late)
{
    make(&(struct made){
        name, "stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, seed, {early, 0.9}, 0.985, false, NULL});
    make(&(struct made){
        name, "stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, seed, {early, late}, 0.985, false, NULL});
}

static int set_up(void **state)
{
    (void)state;
    fixture_make_folder(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_remove_folder(folder);
    return 0;
}

static struct aft_json *compare(const char *operands, int expected)
{
    char arguments[512];
    (void)snprintf(arguments, sizeof arguments, "compare --json %s", operands);
    const struct outcome *outcome = run_in(folder, arguments);
    if (outcome->code != expected) {
        fail_msg("'%s': code %d: %s", operands, outcome->code, outcome->err);
    }
    return parse_output(outcome);
}

static const struct aft_json *at(const struct aft_json *object, const char *key, size_t index)
{
    return aft_json_at(aft_json_get(object, key), index);
}

static void expect_real(const struct aft_json *object, const char *key, double value)
{
    double got = aft_json_get_real(object, key, NAN);
    if (!(fabs(got - value) < 1e-12)) {
        fail_msg("%s is %g, expected %g", key, got, value);
    }
}

static void compare__tells_what_the_archives_of_a_run_say(void **state)
{
    (void)state;
    make_run("one", 3, 0.7, 0.5);
    make(&(struct made){
        "one", "best_model.zip", AFT_ARCHIVE_BEST, 1, 3, {0.5, 0.5}, 0.985, false, NULL});
    struct aft_json *document = compare("one", 0);
    const struct aft_json *run = at(document, "runs", 0);
    assert_string_equal(aft_json_get_string(run, "run", ""), "one");
    assert_int_equal(aft_json_get_integer(run, "seed", 0), 3);
    assert_true(aft_json_get_boolean(run, "complete", false));
    expect_real(run, "result_score", -0.6);
    expect_real(run, "best_score", -0.5);
    assert_int_equal(aft_json_get_integer(run, "best_stage", 0), 1);
    const struct aft_json *stage = at(run, "stages", 1);
    assert_int_equal(aft_json_get_integer(stage, "total_steps", 0), 2000);
    expect_real(stage, "trained_s", 120.0);
    expect_real(aft_json_get(stage, "at_end"), "peak_drift_to_passive", 0.5);
    expect_real(aft_json_get(stage, "at_end"), "rms_drift_to_passive", 0.25);
    expect_real(aft_json_get(stage, "in_result"), "stroke_max_m", 1.25);
    expect_real(aft_json_get(at(run, "stages", 0), "in_result"), "peak_drift_to_passive", 0.7);
    assert_int_equal(aft_json_length(aft_json_get(document, "groups")), 0);
    assert_int_equal(aft_json_length(aft_json_get(document, "differences")), 0);
    aft_json_destroy(document);
}

static void compare__puts_the_seeds_of_one_name_together(void **state)
{
    (void)state;
    make_run("many-seed1", 1, 0.7, 0.5);
    make_run("many-seed2", 2, 0.7, 0.7);
    make_run("many-seed3", 3, 0.7, 0.6);
    make_run("other-seed9", 4, 0.7, 0.6); /* no --seeds run: its seed is not 9 */
    struct aft_json *document = compare("many-seed1 many-seed2 other-seed9 many-seed3", 0);
    assert_int_equal(aft_json_length(aft_json_get(document, "groups")), 1);
    const struct aft_json *group = at(document, "groups", 0);
    assert_string_equal(aft_json_get_string(group, "name", ""), "many");
    assert_int_equal(aft_json_length(aft_json_get(group, "seeds")), 3);
    const struct aft_json *score = aft_json_get(group, "result_score");
    assert_int_equal(aft_json_get_integer(score, "n", 0), 3);
    expect_real(score, "mean", -0.65);
    expect_real(score, "sd", 0.05);
    expect_real(score, "min", -0.7);
    expect_real(score, "max", -0.6);
    const struct aft_json *peak =
        aft_json_get(aft_json_get(at(group, "stages", 1), "in_result"), "peak_drift_to_passive");
    expect_real(peak, "iqm", 0.6); /* a quarter of three is none: all of them */
    assert_int_equal(aft_json_length(aft_json_get(peak, "iqm_ci95")), 2);
    aft_json_destroy(document);
    const struct outcome *outcome = run_in(folder, "compare many-seed1 many-seed2 many-seed3");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "many: 3 seeds"));
    assert_non_null(strstr(outcome->out, "Stage 2 M5.7@100kN"));
    assert_null(strstr(outcome->out, "Settings that differ"));
}

static void compare__makes_no_statistics_of_one_seed_twice(void **state)
{
    (void)state;
    make_run("twice", 1, 0.7, 0.5);
    struct aft_json *document = compare("twice twice/stage1_50kN.zip", 0);
    assert_int_equal(aft_json_length(aft_json_get(document, "runs")), 2);
    assert_int_equal(aft_json_length(aft_json_get(document, "groups")), 0);
    assert_string_equal(aft_json_get_string(at(document, "runs", 1), "label", ""),
                        "twice/stage1_50kN.zip");
    aft_json_destroy(document);
}

static const char two_motions[] =
    "[evaluation]\nmotions = 2\n[stage M4.5@50kN]\ntimesteps = 1000\n";
static const char three_motions[] =
    "[evaluation]\nmotions = 3\n[stage M4.5@50kN]\ntimesteps = 1000\n";

static void compare__lists_settings_that_differ_but_not_the_seed(void **state)
{
    (void)state;
    make(&(struct made){
        "a", "stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 1, {0.7, 0.9}, 0.985, false, two_motions});
    make(&(struct made){
        "b", "stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 2, {0.7, 0.9}, 0.97, false, three_motions});
    struct aft_json *document = compare("a b", 0);
    const struct aft_json *list = aft_json_get(document, "differences");
    assert_int_equal(aft_json_length(list), 2);
    assert_string_equal(aft_json_get_string(aft_json_at(list, 0), "key", ""), "ppo.gamma");
    assert_int_equal(aft_json_get_integer(aft_json_at(list, 0), "stage", 0), 1);
    assert_int_equal(aft_json_length(aft_json_get(aft_json_at(list, 0), "values")), 2);
    assert_string_equal(aft_json_get_string(aft_json_at(list, 1), "key", ""),
                        "evaluation.motions"); /* scores are of other motions then */
    assert_false(aft_json_get_boolean(at(document, "runs", 0), "complete", true));
    aft_json_destroy(document);
    const struct outcome *outcome = run_in(folder, "compare a b");
    assert_non_null(strstr(outcome->out, "stage 1 ppo.gamma:  a 0.985  b 0.97\n"));
}

static void compare__leaves_out_and_names_what_is_not_sound(void **state)
{
    (void)state;
    make_run("good", 1, 0.7, 0.5);
    make(&(struct made){
        "bad", "stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 2, {0.1, 0.1}, 0.985, true, NULL});
    struct aft_json *document = compare("good bad good/stage2_100kN.zip", 3);
    assert_int_equal(aft_json_length(aft_json_get(document, "runs")), 2);
    const struct aft_json *left_out = at(document, "left_out", 0);
    assert_string_equal(aft_json_get_string(left_out, "path", ""), "bad/stage1_50kN.zip");
    assert_true(strlen(aft_json_get_string(left_out, "reason", "")) > 0);
    aft_json_destroy(document);
    const struct outcome *outcome = run_in(folder, "compare good bad/stage1_50kN.zip");
    assert_int_equal(outcome->code, 3);
    assert_non_null(strstr(outcome->err, "left out: bad/stage1_50kN.zip: "));
    assert_non_null(strstr(outcome->out, "good"));
}

/* A stage of another number of the run stays; a run without any is named. */
static void compare__goes_on_without_one_stage_or_one_run(void **state)
{
    (void)state;
    make_run("half", 1, 0.7, 0.5);
    make(&(struct made){
        "half", "stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 1, {0.7, 0.5}, 0.985, true, NULL});
    char path[PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/empty", folder);
    assert_int_equal(mkdir(path, 0777), 0);
    struct aft_json *document = compare("half empty", 3);
    const struct aft_json *run = at(document, "runs", 0);
    assert_int_equal(aft_json_length(aft_json_get(run, "stages")), 1);
    assert_false(aft_json_get_boolean(run, "complete", true));
    assert_true(aft_json_is_null(aft_json_get(run, "result_score")));
    expect_real(run, "best_score", -0.8);
    assert_int_equal(aft_json_length(aft_json_get(document, "left_out")), 2);
    assert_string_equal(aft_json_get_string(at(document, "left_out", 1), "path", ""), "empty");
    aft_json_destroy(document);
}

static void compare__refuses_a_stage_that_no_curriculum_has(void **state)
{
    (void)state;
    make(&(struct made){
        "far", "x.zip", AFT_ARCHIVE_STAGE, 1000000, 1, {0.7, 0.5}, 0.985, false, NULL});
    struct aft_json *document = compare("far/x.zip", 3);
    assert_int_equal(aft_json_length(aft_json_get(document, "runs")), 0);
    assert_int_equal(aft_json_length(aft_json_get(document, "left_out")), 1);
    aft_json_destroy(document);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(compare__tells_what_the_archives_of_a_run_say),
        TEST(compare__puts_the_seeds_of_one_name_together),
        TEST(compare__makes_no_statistics_of_one_seed_twice),
        TEST(compare__lists_settings_that_differ_but_not_the_seed),
        TEST(compare__leaves_out_and_names_what_is_not_sound),
        TEST(compare__goes_on_without_one_stage_or_one_run),
        TEST(compare__refuses_a_stage_that_no_curriculum_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
