/* Wrong input of every kind: one message with file, line, section, key, what is
 * wrong and what was expected. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct wrong {
    const char *text;
    const char *override;
    const char *message;
};

static void assert_all_refused(const struct wrong *wrong, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_refused(wrong[i].text, wrong[i].override, wrong[i].message);
    }
}

#define REFUSE_ALL(list) assert_all_refused(list, sizeof(list) / sizeof *(list))

static void errors__name_unknown_sections_and_keys(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        {"[pp]\n", NULL, "t.ini:1: [pp]: unknown section, did you mean [ppo]?"},
        {"[nonsense]\n", NULL,
         "t.ini:1: [nonsense]: unknown section: expected [run], [building], [ppo], … or [stage "
         "M4.5@50kN]"},
        {"[ppo]\n\ngama = 1\n" STAGE, NULL,
         "t.ini:3: [ppo] gama: unknown key, did you mean 'gamma'?"},
        {"[ppo]\nlerning_rate = 1\n", NULL,
         "t.ini:2: [ppo] lerning_rate: unknown key, did you mean 'learning_rate'?"},
        {"[ppo]\nxyzzy = 1\n", NULL,
         "t.ini:2: [ppo] xyzzy: unknown key: docs/curriculum.md lists them all"},
        {"[ppo]\npga_g = 0.3\n", NULL,
         "t.ini:2: [ppo] pga_g: not a key of this section: expected in [ground_motion]"},
        {"[ppo]\nGamma = 0.3\n", NULL, "t.ini:2: [ppo] Gamma: unknown key, did you mean 'gamma'?"},
        {"gamma = 0.3\n", NULL, "t.ini:1: key 'gamma' stands before the first section"},
        {"[evaluation]\nepisodes = 3\nmotions = 3\n" STAGE, NULL,
         "t.ini:3: [evaluation] motions: stands already in line 2: expected once"},
        {STAGE "network = 64,64\n", NULL,
         "t.ini:3: [stage M4.5@50kN] network: belongs to the run, not to a stage: expected in "
         "[ppo]"},
        {STAGE "acceleration_floors = 1\n", NULL,
         "t.ini:3: [stage M4.5@50kN] acceleration_floors: belongs to the run, not to a stage: "
         "expected in [environment]"},
        {STAGE "stroke_m = 1\n", NULL,
         "t.ini:3: [stage M4.5@50kN] stroke_m: not a key of this section: expected in [building]"},
    };
    REFUSE_ALL(list);
}

static void errors__name_duplicates(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        {"[ppo]\ngamma = 0.9\ngamma = 0.9\n", NULL,
         "t.ini:3: [ppo] gamma: stands already in line 2: expected once"},
        {"[ppo]\n[run]\n[ppo]\n", NULL, "t.ini:3: [ppo]: stands already in line 1: expected once"},
        {STAGE "gamma = 0.9\n timesteps = 7\n", NULL,
         "t.ini:4: [stage M4.5@50kN] timesteps: stands already in line 2: expected once"},
    };
    REFUSE_ALL(list);
}

static void errors__say_which_value_was_expected(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        {"[ppo]\ngamma = 1.5\n", NULL,
         "t.ini:2: [ppo] gamma: '1.5' is out of range: expected a number above 0 up to 1"},
        {"[ppo]\ngamma = 0\n", NULL,
         "t.ini:2: [ppo] gamma: '0' is out of range: expected a number above 0 up to 1"},
        {"[ppo]\ngamma = nan\n", NULL,
         "t.ini:2: [ppo] gamma: 'nan': expected a number above 0 up to 1"},
        {"[ppo]\ngamma = 0.9x\n", NULL,
         "t.ini:2: [ppo] gamma: '0.9x': expected a number above 0 up to 1"},
        {"[ppo]\ngamma = 0.9 # note\n", NULL,
         "t.ini:2: [ppo] gamma: '0.9 # note': expected a number above 0 up to 1 (a comment behind "
         "a value begins with ';')"},
        {"[ppo]\ngamma =\n", NULL,
         "t.ini:2: [ppo] gamma: no value: expected a number above 0 up to 1"},
        {"[ppo]\ngamma = 1e999\n", NULL,
         "t.ini:2: [ppo] gamma: '1e999' is out of range: expected a number above 0 up to 1"},
        {"[ppo]\nn_steps = 2.5\n", NULL,
         "t.ini:2: [ppo] n_steps: '2.5': expected a whole number from 1 to 10000000"},
        {"[ppo]\nn_steps = 64.0\n", NULL,
         "t.ini:2: [ppo] n_steps: '64.0': expected a whole number from 1 to 10000000"},
        {"[ppo]\nn_steps = 0\n", NULL,
         "t.ini:2: [ppo] n_steps: '0' is out of range: expected a whole number from 1 to 10000000"},
        {"[ppo]\nadaptive = maybe\n", NULL,
         "t.ini:2: [ppo] adaptive: 'maybe': expected true | false"},
        {"[ppo]\nactivation = gelu\n", NULL,
         "t.ini:2: [ppo] activation: 'gelu': expected tanh | relu"},
        {"[ppo]\nnetwork = 64,,64\n", NULL,
         "t.ini:2: [ppo] network: '64,,64': expected whole numbers from 1 to 8192, separated by "
         "commas, at most 8"},
        {"[ppo]\nnetwork = none\n", NULL,
         "t.ini:2: [ppo] network: 'none': expected whole numbers from 1 to 8192, separated by "
         "commas, at most 8"},
        {"[ppo]\nnetwork = 8,8,8,8,8,8,8,8,8\n", NULL,
         "t.ini:2: [ppo] network: '8,8,8,8,8,8,8,8,8' is out of range: expected whole numbers from "
         "1 to 8192, separated by commas, at most 8"},
        {"[environment]\ndrift_storeys = 4,1\n", NULL,
         "t.ini:2: [environment] drift_storeys: '4,1' is out of range: expected ascending whole "
         "numbers from 1 to 64, separated by commas, at most 16, or none"},
        {"[run]\nname = ../x\n", NULL,
         "t.ini:2: [run] name: '../x': expected 1 to 63 of A-Z a-z 0-9 . _ -, not beginning with a "
         "dot"},
        {"[run]\nname = .x\n", NULL,
         "t.ini:2: [run] name: '.x': expected 1 to 63 of A-Z a-z 0-9 . _ -, not beginning with a "
         "dot"},
        {"[run]\ndevice = cuda:\n", NULL,
         "t.ini:2: [run] device: 'cuda:': expected auto | cpu | cuda | cuda:N"},
        {"[run]\nseed = -1\n", NULL,
         "t.ini:2: [run] seed: '-1' is out of range: expected a whole number from 0 to 9e+18"},
        {"[run]\nseed = 99999999999999999999\n", NULL,
         "t.ini:2: [run] seed: '99999999999999999999' is out of range: expected a whole number "
         "from 0 to 9e+18"},
        {"[building]\nhysteresis = bilinear\n", NULL,
         "t.ini:2: [building] hysteresis: 'bilinear': expected none"},
        {"[building]\npreset = tower\n", NULL,
         "t.ini:2: [building] preset: 'tower': expected slender12 | seed12"},
        {"[ppo]\ngamma = 1\xC2\xA0\n", NULL,
         "t.ini:2: [ppo] gamma: '1 ': expected a number above 0 up to 1"},
    };
    REFUSE_ALL(list);
}

static void errors__name_what_is_wrong_with_a_stage(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        {"[run]\n", NULL, "t.ini: no stages: expected at least one section [stage M4.5@50kN]"},
        {"", NULL, "t.ini: no stages: expected at least one section [stage M4.5@50kN]"},
        {"[stage]\n", NULL,
         "t.ini:1: [stage]: not a stage's name: expected M<2 to 9.5>@<force>kN, MN or N, from 1 N "
         "to 1000 MN, such as M4.5@50kN"},
        {"[stage M4.5]\n", NULL,
         "t.ini:1: [stage M4.5]: not a stage's name: expected M<2 to 9.5>@<force>kN, MN or N, from "
         "1 N to 1000 MN, such as M4.5@50kN"},
        {"[stage M4.5@50kN]\n", NULL,
         "t.ini:1: [stage M4.5@50kN] timesteps: missing: expected timesteps = N"},
        {"\n[stage M4.5@50kN]\ngamma = 0.9\n[run]\n", NULL,
         "t.ini:2: [stage M4.5@50kN] timesteps: missing: expected timesteps = N"},
        {"[stage M4.5@50kN]\ntimesteps = 0\n", NULL,
         "t.ini:2: [stage M4.5@50kN] timesteps: '0' is out of range: expected a whole number from "
         "1 to 1e+11"},
    };
    REFUSE_ALL(list);
}

static void errors__say_what_does_not_go_together(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        {"[ppo]\nbatch_size = 16001\n" STAGE, NULL,
         "t.ini:2: [ppo] batch_size: batch_size 16001 is more than stage M4.5@50kN collects: "
         "expected at most n_envs 64 x n_steps 250"},
        {STAGE "n_envs = 4\n", NULL,
         "t.ini:3: [stage M4.5@50kN] n_envs: batch_size 2000 is more than stage M4.5@50kN "
         "collects: expected at most n_envs 4 x n_steps 250"},
        {STAGE "n_envs = 4\nbatch_size = 1001\n", NULL,
         "t.ini:4: [stage M4.5@50kN] batch_size: batch_size 1001 is more than stage M4.5@50kN "
         "collects: expected at most n_envs 4 x n_steps 250"},
        {"[ppo]\nn_steps = 1e7\n" STAGE, NULL,
         "t.ini:2: [ppo] n_steps: n_envs 64 x n_steps 10000000 is too much in stage M4.5@50kN: "
         "expected at most 100000000 samples"},
        {"[gate]\nmax_drift_ratio = 0.9\n[evaluation]\nmotions = 0\n" STAGE, NULL,
         "t.ini:2: [gate] max_drift_ratio: stage M4.5@50kN has a gate and nothing is evaluated: "
         "expected [evaluation] motions of at least 1"},
        {STAGE "forget_tolerance = 0.05\n", "evaluation.motions=0",
         "t.ini:3: [stage M4.5@50kN] forget_tolerance: stage M4.5@50kN has a gate and nothing is "
         "evaluated: expected [evaluation] motions of at least 1"},
        {"[environment]\nacceleration_floors = 4,13\n" STAGE, NULL,
         "t.ini:2: [environment] acceleration_floors: 13 of acceleration_floors is not in the "
         "building: expected at most its 12 floors"},
        {"[environment]\nnominal = lqg\n" STAGE, NULL,
         "t.ini:2: [environment] nominal: nominal = lqg needs to know the building's state: "
         "expected observer = kalman"},
        {"[environment]\nrandom_latency_s = 2.1\n" STAGE, NULL,
         "t.ini:2: [environment] random_latency_s: random_latency_s 2.1 is too long: expected at "
         "most 100 times dt_s, 2 s"},
        {"[environment]\nstroke_guard = 0.9\n[building]\npreset = seed12\n" STAGE, NULL,
         "t.ini:2: [environment] stroke_guard: stroke_guard keeps within a share of the stroke, "
         "and there is no limit of it: expected [building] stroke_m above 0"},
        {"[environment]\ndrift_storeys = 13\n" STAGE, NULL,
         "t.ini:2: [environment] drift_storeys: 13 of drift_storeys is not in the building: "
         "expected at most its 12 floors"},
        {"[building]\nfloors = 10\nsoft_storey = 11\n" STAGE, NULL,
         "t.ini:3: [building] soft_storey: 11 of soft_storey is not in the building: expected at "
         "most its 10 floors"},
        {"[building]\nfloors = 10\n" STAGE, NULL,
         "t.ini:2: [building] floors: 12 of acceleration_floors is not in the building: expected "
         "at most its 10 floors"},
        {"[environment]\nepisode_s = 0.03\n" STAGE, NULL,
         "t.ini:2: [environment] episode_s: episode_s 0.03 is shorter than a control step: "
         "expected at least dt_s x control_every, 0.04 s"},
        {"[environment]\ncontrol_every = 1000\ndt_s = 0.1\n" STAGE, NULL,
         "t.ini:2: [environment] control_every: episode_s 20 is shorter than a control step: "
         "expected at least dt_s x control_every, 100 s"},
        {"[environment]\nepisode_s = 1.5\n" STAGE, NULL,
         "t.ini:2: [environment] episode_s: onset_max_s 1.5 is not shorter than an episode: "
         "expected less than 1.5 s"},
        {"[ground_motion]\nsource = records\n" STAGE, NULL,
         "t.ini:2: [ground_motion] source: records are missing: expected records = FOLDER or "
         "files"},
        {STAGE "mix_magnitude_min = 7\n", NULL,
         "t.ini:3: [stage M4.5@50kN] mix_magnitude_min: mix_magnitude_min 7 is above "
         "mix_magnitude_max: expected at most 6.8"},
        {STAGE "mix_magnitude_max = 5\n", NULL,
         "t.ini:3: [stage M4.5@50kN] mix_magnitude_max: mix_magnitude_min 5.5 is above "
         "mix_magnitude_max: expected at most 5"},
        {STAGE, "ppo.batch_size=1e6",
         "--set ppo.batch_size=1e6: batch_size 1000000 is more than stage M4.5@50kN collects: "
         "expected at most n_envs 64 x n_steps 250"},
    };
    REFUSE_ALL(list);
}

static void errors__of_overrides_begin_with_the_override(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        {STAGE, "ppo.gamma=2",
         "--set ppo.gamma=2: '2' is out of range: expected a number above 0 up to 1"},
        {STAGE, "ppo.gamma=", "--set ppo.gamma=: no value: expected a number above 0 up to 1"},
        {STAGE, "ppo.gama=0.9", "--set ppo.gama=0.9: unknown key, did you mean 'gamma'?"},
        {STAGE, "pp.gamma=0.9", "--set pp.gamma=0.9: unknown section, did you mean 'ppo'?"},
        {STAGE, "gamma=0.9", "--set gamma=0.9: expected SECTION.KEY=VALUE, such as ppo.gamma=0.99"},
        {STAGE, "ppo.gamma", "--set ppo.gamma: expected SECTION.KEY=VALUE, such as ppo.gamma=0.99"},
        {STAGE, ".gamma=1", "--set .gamma=1: expected SECTION.KEY=VALUE, such as ppo.gamma=0.99"},
        {STAGE, "", "--set : expected SECTION.KEY=VALUE, such as ppo.gamma=0.99"},
        {STAGE, "stage 2.gamma=0.9",
         "--set stage 2.gamma=0.9: no such stage: expected a number from 1 to 1 or a stage's name"},
        {STAGE, "stage M5@50kN.gamma=0.9",
         "--set stage M5@50kN.gamma=0.9: no such stage: expected a number from 1 to 1 or a stage's "
         "name"},
        {STAGE STAGE, "stage M4.5@50kN.gamma=0.9",
         "--set stage M4.5@50kN.gamma=0.9: 2 stages have this name: expected a number, such as "
         "stage 2"},
        {STAGE, "stage 1.network=64",
         "--set stage 1.network=64: belongs to the run, not to a stage: expected in [ppo]"},
        {STAGE, "xyzzy.gamma=0.9",
         "--set xyzzy.gamma=0.9: unknown section: expected run, building, ppo, … or stage N"},
    };
    REFUSE_ALL(list);
}

static void errors__of_the_reader_come_through(void **state)
{
    (void)state;
    assert_refused("[run]\nname: x\n", NULL,
                   "t.ini:2: ':' does not separate: expected KEY = VALUE");
}

static void errors__of_files_are_the_users_too(void **state)
{
    (void)state;
    struct aft_curriculum *c = NULL;
    struct aft_error error = {0};
    assert_int_equal(aft_curriculum_load(&c, "no.ini", NULL, 0, &error), AFT_ERR_USAGE);
    assert_string_equal(error.message, "open 'no.ini': No such file or directory");
    assert_int_equal(mkdir("folder.ini", 0700), 0);
    assert_int_equal(aft_curriculum_load(&c, "folder.ini", NULL, 0, &error), AFT_ERR_USAGE);
    assert_string_equal(error.message, "read 'folder.ini': not a regular file");
    assert_null(c);
}

static void errors__fit_whatever_the_path_and_the_key(void **state)
{
    (void)state;
    char path[300] = "/tmp/";
    struct aft_curriculum *c = NULL;
    struct aft_error error = {0};
    static const char text[] =
        "[stage M4.5000000000000000000@50.0000000000000kN]\ntimesteps = 1\n"
        "acceleration_floors_and_much_more_that_is_no_key_at_all = "
        "77777777777777777777777777777777777777777777777777777777777777\n";
    memset(path + 5, 'p', 200);
    memcpy(path + 205, ".ini", 5);
    put_text(path, text);
    assert_int_equal(aft_curriculum_load(&c, path, NULL, 0, &error), AFT_ERR_USAGE);
    assert_true(strlen(error.message) < sizeof error.message - 1);
    assert_non_null(strstr(error.message, ".ini:"));
    (void)remove(path);
}

static void errors__leave_nothing_behind_for_any_cut_of_the_shipped_file(void **state)
{
    (void)state;
    struct aft_curriculum *whole = NULL;
    assert_int_equal(aft_curriculum_load(&whole, AFT_SOURCE_DIR "/stages.ini", NULL, 0, NULL),
                     AFT_OK);
    size_t length = strlen(whole->text);
    for (size_t cut = 0; cut < length; cut += 13) {
        struct aft_error error = {0};
        char *text = strndup(whole->text, cut);
        assert_non_null(text);
        enum aft_code code = try_load(text, NULL, &error);
        assert_true(code == AFT_OK || code == AFT_ERR_USAGE);
        assert_true(code == AFT_OK || strncmp(error.message, "t.ini:", 6) == 0);
        free(text);
    }
    aft_curriculum_destroy(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(errors__name_unknown_sections_and_keys),
        TEST(errors__name_duplicates),
        TEST(errors__say_which_value_was_expected),
        TEST(errors__name_what_is_wrong_with_a_stage),
        TEST(errors__say_what_does_not_go_together),
        TEST(errors__of_overrides_begin_with_the_override),
        TEST(errors__of_the_reader_come_through),
        TEST(errors__of_files_are_the_users_too),
        TEST(errors__fit_whatever_the_path_and_the_key),
        TEST(errors__leave_nothing_behind_for_any_cut_of_the_shipped_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
