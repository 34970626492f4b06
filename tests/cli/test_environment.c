/* What the environment says for an option, and what goes before it. */
#include "command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const variables[] = {"AFTERSHOCK_MODELS", "AFTERSHOCK_DEVICE",
                                        "AFTERSHOCK_ENGINE", "AFTERSHOCK_THREADS",
                                        "AFTERSHOCK_RESUME", "AFTERSHOCK_PROGRESS"};
enum { N_VARIABLES = sizeof variables / sizeof variables[0] };

static char folder[] = "/tmp/aftershock-environment-XXXXXX";

static int forget(void **state)
{
    (void)state;
    for (int i = 0; i < N_VARIABLES; i++) {
        assert_int_equal(unsetenv(variables[i]), 0);
    }
    return 0;
}

/* models "here" is empty; "elsewhere" holds a run that cannot be trusted: exit 3. */
static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_text(folder, "one.ini",
               "[run]\nname = one\nthreads = 3\n[recovery]\nresume = stage\n"
               "[environment]\nn_envs = 4\nepisode_s = 2\n"
               "[ppo]\nnetwork = 8,8\nn_steps = 50\nbatch_size = 100\n[evaluation]\nmotions = 0\n"
               "[stage M5@100kN]\ntimesteps = 400\n");
    char path[128];
    (void)snprintf(path, sizeof path, "%s/elsewhere", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/elsewhere/one", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_text(path, "stage1_100kN.zip", "nothing");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void refuses(const char *arguments, const char *variable, const char *value)
{
    assert_int_equal(setenv(variable, value, 1), 0);
    const struct outcome *outcome = run_in(folder, arguments);
    char message[128];
    (void)snprintf(message, sizeof message, "%s '%s': expected ", variable, value);
    if (outcome->code != 2 || count_lines(outcome->err) != 1 || *outcome->out ||
        !strstr(outcome->err, message)) {
        fail_msg("%s=%s %s: code %d, '%s'", variable, value, arguments, outcome->code,
                 outcome->err);
    }
    assert_int_equal(unsetenv(variable), 0);
}

static void environment__wrong_values_are_refused_by_name(void **state)
{
    (void)state;
    refuses("train --dry-run one.ini", "AFTERSHOCK_DEVICE", "gpu");
    refuses("train --dry-run one.ini", "AFTERSHOCK_ENGINE", "jax");
    refuses("train --dry-run one.ini", "AFTERSHOCK_THREADS", "-1");
    refuses("train --dry-run one.ini", "AFTERSHOCK_RESUME", "some.zip");
    refuses("train --dry-run one.ini", "AFTERSHOCK_PROGRESS", "fancy");
    refuses("evaluate a.zip", "AFTERSHOCK_THREADS", "many");
    refuses("bench", "AFTERSHOCK_ENGINE", "jax");
    refuses("status one --json", "AFTERSHOCK_RESUME", "never");
}

static void environment__an_empty_value_is_none(void **state)
{
    (void)state;
    for (int i = 0; i < N_VARIABLES; i++) {
        assert_int_equal(setenv(variables[i], "", 1), 0);
    }
    assert_int_equal(run_in(folder, "train --dry-run one.ini")->code, 0);
}

static void environment__does_not_keep_help_from_being_printed(void **state)
{
    (void)state;
    assert_int_equal(setenv("AFTERSHOCK_THREADS", "many", 1), 0);
    const struct outcome *outcome = run("train -h");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "AFTERSHOCK_THREADS"));
}

static void models_folder__is_the_environments_where_no_option_names_one(void **state)
{
    (void)state;
    assert_int_equal(setenv("AFTERSHOCK_MODELS", "elsewhere", 1), 0);
    assert_int_equal(run_in(folder, "train --dry-run one.ini")->code, 3);
    assert_int_equal(run_in(folder, "train --dry-run one.ini --models here")->code, 0);
    assert_non_null(strstr(run_in(folder, "status --curriculum one.ini")->out, "elsewhere/one"));
}

/* The archive tells the settings that it was trained with, in their order. */
static void settings__go_environment_before_curriculum_and_command_line_before_both(void **state)
{
    (void)state;
    assert_int_equal(setenv("AFTERSHOCK_THREADS", "2", 1), 0);
    assert_int_equal(setenv("AFTERSHOCK_RESUME", "latest", 1), 0);
    assert_int_equal(setenv("AFTERSHOCK_ENGINE", "jax", 1), 0); /* overruled, so not even read */
    const struct outcome *outcome = run_in(folder, "train one.ini --models m --engine native");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "2 threads"));
    outcome = run_in(folder, "inspect --json m/one/stage1_100kN.zip");
    assert_int_equal(outcome->code, 0);
    struct aft_json *document = parse_output(outcome);
    const struct aft_json *overrides =
        aft_json_get(aft_json_get(document, "manifest"), "overrides");
    static const char *const expected[] = {"run.threads=2", "recovery.resume=latest",
                                           "run.engine=native"};
    assert_int_equal(aft_json_length(overrides), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(aft_json_string_value(aft_json_at(overrides, i), ""), expected[i]);
    }
    aft_json_destroy(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(environment__wrong_values_are_refused_by_name, forget),
        cmocka_unit_test_teardown(environment__an_empty_value_is_none, forget),
        cmocka_unit_test_teardown(environment__does_not_keep_help_from_being_printed, forget),
        cmocka_unit_test_teardown(models_folder__is_the_environments_where_no_option_names_one,
                                  forget),
        cmocka_unit_test_teardown(
            settings__go_environment_before_curriculum_and_command_line_before_both, forget),
    };
    return forget(NULL) || cmocka_run_group_tests(tests, make_folder, remove_folder);
}
