#include "command.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const commands[] = {"train",   "status",   "inspect",   "verify",
                                       "compare", "evaluate", "export",    "motion",
                                       "bench",   "serve",    "completion"};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

#ifdef AFT_SANITIZED
static const double quick_s = 2;
#else
static const double quick_s = 0.2; /* 50 ms are promised; a busy machine gets more */
#endif

/* One clear line on standard error, exit code 2, nothing on standard output. */
static void refuses(const char *arguments, const char *what)
{
    const struct outcome *outcome = run_in("/tmp", arguments);
    if (outcome->code != 2 || count_lines(outcome->err) != 1 || *outcome->out ||
        !strstr(outcome->err, what)) {
        fail_msg("'%s': code %d, error '%s', output '%s'", arguments, outcome->code, outcome->err,
                 outcome->out);
    }
}

static void help__is_there_at_every_level(void **state)
{
    (void)state;
    const struct outcome *outcome = run("-h");
    assert_int_equal(outcome->code, 0);
    assert_string_equal(outcome->err, "");
    for (int i = 0; i < N_COMMANDS; i++) {
        assert_non_null(strstr(outcome->out, commands[i]));
    }
    for (int i = 0; i < N_COMMANDS; i++) {
        char arguments[64];
        (void)snprintf(arguments, sizeof arguments, "%s -h", commands[i]);
        outcome = run(arguments);
        assert_int_equal(outcome->code, 0);
        static const char *const sections[] = {"SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT CODES",
                                               "EXAMPLES"};
        for (size_t s = 0; s < sizeof sections / sizeof sections[0]; s++) {
            assert_non_null(strstr(outcome->out, sections[s]));
        }
        assert_true(outcome->seconds < quick_s);
    }
}

static void help__lists_no_command_that_is_not_there(void **state)
{
    (void)state;
    const struct outcome *outcome = run("-h");
    assert_null(strstr(outcome->out, "_work"));
}

static void version__is_printed(void **state)
{
    (void)state;
    const struct outcome *outcome = run("--version");
    assert_int_equal(outcome->code, 0);
    assert_string_equal(outcome->out, "aftershock " AFT_VERSION "\n");
}

static void usage__is_printed_without_a_command(void **state)
{
    (void)state;
    const struct outcome *outcome = run("");
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "COMMANDS"));
}

static void usage__suggests_what_may_have_been_meant(void **state)
{
    (void)state;
    refuses("trian", "did you mean 'train'?");
    refuses("zzz", "unknown command 'zzz'");
    refuses("--frobnicate", "unknown option '--frobnicate'");
    refuses("train --rseume stage", "did you mean '--resume'?");
    refuses("train --wibbly", "unknown option '--wibbly'");
    refuses("status -x", "unknown option '-x'");
    refuses("status --json -xh", "unknown option '-x'");
    refuses("status --json=1", "option '--json' takes no value");
    refuses("status --help=1", "option '--help' takes no value");
    refuses("train --seed", "'--seed' needs a value");
}

static void train__refuses_values_that_make_no_sense(void **state)
{
    (void)state;
    refuses("train --seed -1", "--seed '-1'");
    refuses("train --seed 1e3", "--seed '1e3'");
    refuses("train --threads two", "--threads 'two'");
    refuses("train --threads -1", "--threads '-1'");
    refuses("train --device gpu", "expected auto, cpu, cuda or cuda:N");
    refuses("train --device cuda:x", "expected auto, cpu, cuda or cuda:N");
    refuses("train --engine jax", "expected auto, native or torch");
    refuses("train --progress fancy", "expected auto, bar, plain or none");
    refuses("train --stop-after-stage 0", "--stop-after-stage '0'");
    refuses("train --set seed", "expected SECTION.KEY=VALUE");
    refuses("train --run-name ../x", "expected the name of a folder");
    refuses("train --seeds 0", "--seeds '0'");
    refuses("train --seeds 1001", "expected a number from 1 to 1000");
    refuses("train --seeds 2 --resume x.zip", "--seeds and --resume PATH");
    refuses("train a.ini b.ini", "'b.ini' is a second");
}

static void evaluate__refuses_values_that_make_no_sense(void **state)
{
    (void)state;
    refuses("evaluate", "expected one archive, not 0");
    refuses("evaluate a.zip b.zip", "expected one archive, not 2");
    refuses("evaluate a.zip --stage 0", "--stage '0'");
    refuses("evaluate a.zip --scale pga", "expected stage, pga=G, sa=G");
    refuses("evaluate a.zip --scale pga=-1", "expected stage, pga=G, sa=G");
    refuses("evaluate a.zip --scale 0.3", "expected stage, pga=G, sa=G");
    refuses("evaluate a.zip --magnitude 2", "--magnitude '2'");
    refuses("evaluate a.zip --count 3", "give --magnitude");
    refuses("evaluate a.zip --distance 3", "give --magnitude");
    refuses("evaluate a.zip --magnitude 6 --motions-per-stage 3", "--motions-per-stage is of");
    refuses("evaluate a.zip --motions x --motions-per-stage 3", "--motions-per-stage is of");
    refuses("evaluate a.zip --controllers policy,pid", "--controllers 'pid'");
    refuses("evaluate a.zip --controllers policy,", "--controllers ''");
    refuses("evaluate a.zip --engine jax", "expected auto, native or torch");
    refuses("evaluate a.zip --device gpu", "expected auto, cpu, cuda or cuda:N");
    refuses("evaluate a.zip --set seed", "expected SECTION.KEY=VALUE");
    refuses("evaluate a.zip --contollers lqg", "did you mean '--controllers'?");
}

static void train__says_which_ways_to_resume_there_are(void **state)
{
    (void)state;
    refuses("train --resume=", "expected stage, latest or an archive's path");
}

static void train__needs_a_curriculum(void **state)
{
    (void)state;
    const struct outcome *outcome = run_in("/tmp", "train /nowhere/none.ini");
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "/nowhere/none.ini"));
    char folder[] = "/tmp/aftershock-usage-XXXXXX";
    assert_non_null(mkdtemp(folder));
    outcome = run_in(folder, "train");
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "there is no stages.ini here"));
    outcome = run_in(folder, "status");
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "there is no stages.ini here"));
    assert_int_equal(rmdir(folder), 0);
}

static void inspection__refuses_wrong_operands(void **state)
{
    (void)state;
    refuses("inspect", "expected one archive");
    refuses("inspect /", "'/' is a folder: expected one archive");
    refuses("evaluate /", "'/' is a folder: expected one archive");
    refuses("inspect a b", "expected one archive");
    refuses("verify", "expected archives or folders");
    refuses("verify /nowhere/x.zip", "'/nowhere/x.zip': No such file");
    refuses("compare", "expected run folders or archives");
    refuses("compare /nowhere", "'/nowhere': No such file");
    refuses("status a b", "expected one run folder");
    refuses("status /nowhere", "no such folder");
}

static void motion__refuses_wrong_input(void **state)
{
    (void)state;
    refuses("motion", "either --magnitude or a record");
    refuses("motion --magnitude 5 x.AT2", "either --magnitude or a record");
    refuses("motion --magnitude 99", "--magnitude '99'");
    refuses("motion --magnitude 5 --distance nan", "--distance 'nan'");
    refuses("motion --magnitude 5 --pga 0", "--pga '0'");
}

static void bench__refuses_wrong_input(void **state)
{
    (void)state;
    refuses("bench --only speed", "--only 'speed'");
    refuses("bench --only update,", "--only ''");
    refuses("bench --threads many", "--threads 'many'");
    refuses("bench --engine jax", "expected auto, native or torch");
    refuses("bench --device gpu", "expected auto, cpu, cuda or cuda:N");
    refuses("bench --json --markdown", "either --json or --markdown");
    refuses("bench --svg a.svg", "give --growth too");
    refuses("bench --growth --only train", "expected update, env_step or rollout");
    refuses("bench stages.ini", "expected no operand");
}

static void serve__refuses_wrong_input(void **state)
{
    (void)state;
    refuses("serve models", "expected no operand");
    refuses("serve --port 65536", "expected a number from 0 to 65535");
    refuses("serve --port http", "--port 'http'");
    refuses("serve --token", "--token");
}

static void completion__refuses_other_shells(void **state)
{
    (void)state;
    refuses("completion", "expected one shell: bash, zsh or fish");
    refuses("completion bash zsh", "expected one shell");
    refuses("completion csh", "shell 'csh': expected bash, zsh or fish");
}

static void output__that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(system(PROGRAM " -h >/dev/full 2>/dev/null") >> 8, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help__is_there_at_every_level),
        cmocka_unit_test(help__lists_no_command_that_is_not_there),
        cmocka_unit_test(version__is_printed),
        cmocka_unit_test(usage__is_printed_without_a_command),
        cmocka_unit_test(usage__suggests_what_may_have_been_meant),
        cmocka_unit_test(train__refuses_values_that_make_no_sense),
        cmocka_unit_test(evaluate__refuses_values_that_make_no_sense),
        cmocka_unit_test(train__says_which_ways_to_resume_there_are),
        cmocka_unit_test(train__needs_a_curriculum),
        cmocka_unit_test(inspection__refuses_wrong_operands),
        cmocka_unit_test(motion__refuses_wrong_input),
        cmocka_unit_test(bench__refuses_wrong_input),
        cmocka_unit_test(serve__refuses_wrong_input),
        cmocka_unit_test(completion__refuses_other_shells),
        cmocka_unit_test(output__that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
