/* The fingerprint of a stage: what changes it, and what must not. */
#include "support.h"

#include "curriculum/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char base_text[] =
    "[ppo]\ngamma = 0.99\n"
    "[stage M4.5@50kN]\ntimesteps = 1000\n"
    "[stage M5.7@100kN]\ntimesteps = 2000\nn_epochs = 4\n";

static bool changes(const char *text, const char *override, int stage)
{
    char before[AFT_SHA256_HEX_SIZE];
    char after[AFT_SHA256_HEX_SIZE];
    struct aft_curriculum *c = load(base_text, NULL);
    fingerprint_of(c, stage, before);
    aft_curriculum_destroy(c);
    c = load(text, override);
    fingerprint_of(c, stage, after);
    aft_curriculum_destroy(c);
    return strcmp(before, after) != 0;
}

static void assert_changes(const char *override, bool first, bool second)
{
    if (changes(base_text, override, 0) != first || changes(base_text, override, 1) != second) {
        fail_msg("--set %s", override);
    }
}

static void fingerprint__changes_with_what_changes_the_bits(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "run.seed=2",
        "building.stroke_m=1.4",
        "building.preset=seed12",
        "actuator.power_limit_w=0",
        "ground_motion.pga_g=0.3500000000000001",
        "ground_motion.scale=none",
        "ground_motion.distance_km=11",
        "environment.dt_s=0.01",
        "environment.drift_storeys=4",
        "environment.observer=kalman",
        "environment.stroke_guard=0.9",
        "environment.accelerometer_range_g=4",
        "environment.dropout=1e-300",
        "environment.random_noise=1e-3",
        "environment.random_latency_s=0.06",
        "environment.random_dropout=0.08",
        "environment.random_stiffness=0.15",
        "environment.random_damping=1e-300",
        "ppo.network=64,65",
        "ppo.activation=relu",
        "ppo.gamma=0.9",
        "ppo.ortho_init=false",
        "ppo.final_learning_rate=1e-4",
        "ppo.adam_eps=1e-6",
    };
    for (size_t i = 0; i < sizeof overrides / sizeof *overrides; i++) {
        assert_changes(overrides[i], true, true);
    }
}

static void fingerprint__does_not_change_with_what_does_not(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "run.name=other",
        "run.threads=1",
        "run.engine=native",
        "run.device=cpu",
        "run.tf32=false",
        "recovery.resume=latest",
        "recovery.retries=9",
        "recovery.hang_timeout_s=1",
        "evaluation.motions=1",
        "evaluation.tail_s=1",
        "gate.max_drift_ratio=0.9",
        "stage 1.forget_tolerance=0.05",
        "gate.retry_learning_rate_factor=0.1",
        "stage 2.max_attempts=1",
        "ground_motion.records=nowhere",
        "ground_motion.sa_t1_g=0.7",
        "environment.nominal_stroke=0.5",
        "environment.nominal_control=0.5",
        "environment.random_noise=0",
        "environment.random_stiffness=-0",
        "ppo.gamma=9.9e-1",
        "building.preset=slender12",
        "ppo.final_learning_rate=5e-4",
    };
    for (size_t i = 0; i < sizeof overrides / sizeof *overrides; i++) {
        assert_changes(overrides[i], false, false);
    }
}

static void fingerprint__changes_with_a_nominal_controllers_weights_where_there_is_one(void **state)
{
    (void)state;
    char before[AFT_SHA256_HEX_SIZE], after[AFT_SHA256_HEX_SIZE];
    static const char text[] =
        "[environment]\nobserver = kalman\nnominal = lqg\n"
        "[stage M4.5@50kN]\ntimesteps = 1\n";
    struct aft_curriculum *c = load(text, NULL);
    fingerprint_of(c, 0, before);
    aft_curriculum_destroy(c);
    c = load(text, "environment.nominal_stroke=0.5");
    fingerprint_of(c, 0, after);
    aft_curriculum_destroy(c);
    assert_string_not_equal(before, after);
}

static void fingerprint__changes_with_tf32_where_cuda_may_compute(void **state)
{
    (void)state;
    char before[AFT_SHA256_HEX_SIZE], after[AFT_SHA256_HEX_SIZE];
    static const struct {
        const char *run;
        bool changes;
    } runs[] = {
        {"[run]\ntf32 = true\n", true},
        {"[run]\ntf32 = true\nengine = torch\ndevice = cuda:1\n", true},
        {"[run]\ntf32 = true\nengine = native\n", false},
        {"[run]\ntf32 = true\nengine = torch\ndevice = cpu\n", false},
    };
    struct aft_curriculum *c = load(STAGE, NULL);
    fingerprint_of(c, 0, before);
    aft_curriculum_destroy(c);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "%s%s", runs[i].run, STAGE);
        c = load(text, NULL);
        assert_true(c->run.tf32);
        fingerprint_of(c, 0, after);
        aft_curriculum_destroy(c);
        assert_int_equal(strcmp(before, after) != 0, runs[i].changes);
    }
}

static void fingerprint__is_of_its_own_stage_only(void **state)
{
    (void)state;
    assert_changes("stage 2.timesteps=3000", false, true);
    assert_changes("stage 1.gamma=0.9", true, false);
    assert_changes("ppo.n_epochs=7", true, false);  /* stage 2 has its own */
    assert_changes("ppo.n_epochs=6", false, false); /* the default */
}

static void fingerprint__does_not_depend_on_how_it_is_written(void **state)
{
    (void)state;
    assert_false(
        changes("; a comment\n[stage M4.50@0.05MN]\n timesteps = 1e3 ; a comment\n"
                "[stage M5.7@100000N]\r\nn_epochs=4\ntimesteps = 2_000\ngamma = 0.990\n"
                "[stage M9@1MN]\ntimesteps = 1\n[ppo]\ngamma = 99e-2\n",
                NULL, 0));
    assert_false(
        changes("[stage M4.5@50kN]\ntimesteps = 1\n"
                "[stage M5.7@0.1MN]\nn_epochs=4\ntimesteps = 2_000\ngamma = 99e-2\n",
                NULL, 1));
    assert_true(changes("[ppo]\ngamma = 0.99\n[stage M4.6@50kN]\ntimesteps = 1000\n", NULL, 0));
    assert_true(changes("[ppo]\ngamma = 0.99\n[stage M4.5@51kN]\ntimesteps = 1000\n", NULL, 0));
}

static void fingerprint__does_not_depend_on_the_path(void **state)
{
    (void)state;
    struct aft_curriculum *c = NULL;
    char before[AFT_SHA256_HEX_SIZE];
    char after[AFT_SHA256_HEX_SIZE];
    assert_int_equal(mkdir("elsewhere", 0700), 0);
    put_text("elsewhere/u.ini", base_text);
    assert_int_equal(aft_curriculum_load(&c, "elsewhere/u.ini", NULL, 0, NULL), AFT_OK);
    fingerprint_of(c, 0, before);
    aft_curriculum_destroy(c);
    c = load(base_text, NULL);
    fingerprint_of(c, 0, after);
    aft_curriculum_destroy(c);
    assert_string_equal(before, after);
}

static void records_fingerprint(const char *records, char hex[AFT_SHA256_HEX_SIZE])
{
    char text[300];
    (void)snprintf(text, sizeof text, "[ground_motion]\nsource = records\nrecords = %s\n" STAGE,
                   records);
    struct aft_curriculum *c = load(text, NULL);
    fingerprint_of(c, 0, hex);
    aft_curriculum_destroy(c);
}

static void fingerprint__is_of_the_contents_of_records_not_of_their_paths(void **state)
{
    (void)state;
    char one[AFT_SHA256_HEX_SIZE];
    char moved[AFT_SHA256_HEX_SIZE];
    char edited[AFT_SHA256_HEX_SIZE];
    char swapped[AFT_SHA256_HEX_SIZE];
    assert_int_equal(mkdir("set", 0700), 0);
    put_text("set/a.csv", "first");
    put_text("set/b.csv", "second");
    put_text("x.AT2", "first");
    put_text("y.AT2", "second");
    records_fingerprint("set", one);
    records_fingerprint("x.AT2, y.AT2", moved);
    records_fingerprint("y.AT2, x.AT2", swapped);
    put_text("set/b.csv", "secone");
    records_fingerprint("set", edited);
    assert_string_equal(one, moved);
    assert_string_not_equal(one, swapped);
    assert_string_not_equal(one, edited);
}

static void settings__leave_out_how_motions_are_generated_when_they_are_read(void **state)
{
    (void)state;
    struct aft_json *settings = NULL;
    put_text("x.AT2", "abc");
    struct aft_curriculum *c =
        load("[ground_motion]\nsource = records\nrecords = x.AT2\nscale = sa_t1\n" STAGE, NULL);
    assert_int_equal(aft_stage_effective_settings(&settings, c, 0, NULL), AFT_OK);
    assert_null(aft_json_get(settings, "ground_motion.kappa_s"));
    assert_null(aft_json_get(settings, "ground_motion.pga_g"));
    assert_non_null(aft_json_get(settings, "ground_motion.sa_t1_g"));
    const struct aft_json *records = aft_json_get(settings, "ground_motion.records");
    assert_int_equal(aft_json_length(records), 1);
    aft_json_destroy(settings);
    aft_curriculum_destroy(c);
}

static void settings__hold_exact_values_under_section_and_key(void **state)
{
    (void)state;
    struct aft_json *settings = NULL;
    struct aft_curriculum *c = load("[run]\nseed = 7\n" STAGE "learning_rate = 0.1\n", NULL);
    assert_int_equal(aft_stage_effective_settings(&settings, c, 0, NULL), AFT_OK);
    assert_int_equal(aft_json_get_integer(settings, "run.seed", 0), 7);
    assert_true(aft_json_get_real(settings, "ppo.learning_rate", 0) == 0.1);
    assert_int_equal(aft_json_get_integer(settings, "stage.timesteps", 0), 1000);
    assert_true(aft_json_get_real(settings, "stage.magnitude", 0) == 4.5);
    assert_true(aft_json_get_real(settings, "stage.force_limit_n", 0) == 50e3);
    assert_string_equal(aft_json_get_string(settings, "ppo.activation", ""), "tanh");
    assert_null(aft_json_get(settings, "run.name"));
    assert_null(aft_json_get(settings, "building.preset"));
    for (size_t i = 0; i < aft_json_length(settings); i++) {
        const struct aft_json *value = NULL;
        assert_non_null(strchr(aft_json_key_at(settings, i, &value), '.'));
        assert_false(aft_json_is_null(value));
    }
    aft_json_destroy(settings);
    aft_curriculum_destroy(c);
}

static void fingerprint__is_the_digest_of_the_one_line_text(void **state)
{
    (void)state;
    char hex[AFT_SHA256_HEX_SIZE];
    struct aft_json *settings = aft_json_object();
    aft_json_set_integer(settings, "a", 1);
    assert_int_equal(aft_settings_fingerprint(hex, settings, NULL), AFT_OK);
    char expected[AFT_SHA256_HEX_SIZE];
    aft_sha256_hex("{\"a\":1}", 7, expected);
    assert_string_equal(hex, expected);
    aft_json_destroy(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fingerprint__changes_with_what_changes_the_bits),
        TEST(fingerprint__does_not_change_with_what_does_not),
        TEST(fingerprint__changes_with_a_nominal_controllers_weights_where_there_is_one),
        TEST(fingerprint__changes_with_tf32_where_cuda_may_compute),
        TEST(fingerprint__is_of_its_own_stage_only),
        TEST(fingerprint__does_not_depend_on_how_it_is_written),
        TEST(fingerprint__does_not_depend_on_the_path),
        TEST(fingerprint__is_of_the_contents_of_records_not_of_their_paths),
        TEST(settings__leave_out_how_motions_are_generated_when_they_are_read),
        TEST(settings__hold_exact_values_under_section_and_key),
        TEST(fingerprint__is_the_digest_of_the_one_line_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
