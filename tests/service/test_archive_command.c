/* Commands to paste: what a shell makes of them. */
#include "service/archive_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct aft_json *vector(const char *const *words)
{
    struct aft_json *list = aft_json_array();
    for (; *words != NULL; words++) {
        aft_json_append(list, aft_json_string(*words));
    }
    return list;
}

static void expect_command(const char *const *words, const char *directory, const char *archive,
                           const char *expected)
{
    struct aft_json *command = words != NULL ? vector(words) : NULL, *seed = aft_json_integer(9);
    const struct aft_run_start start = {.command = command,
                                        .working_directory = directory,
                                        .models = "/data/models",
                                        .name = "soft-seed9",
                                        .seed = seed};
    char *text = aft_archive_command(&start, archive);
    if (expected == NULL) {
        assert_null(text);
    } else {
        assert_non_null(text);
        assert_string_equal(text, expected);
    }
    free(text);
    aft_json_destroy(command);
    aft_json_destroy(seed);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void command__is_the_last_start_from_that_archive(void **state)
{
    (void)state;
    expect_command(WORDS("/opt/aftershock", "train", "a.ini", "--set", "ppo.gamma=0.9", "--fresh",
                         "--models=old", "--resume", "latest"),
                   "/home/x", "/data/models/soft/a.zip",
                   "cd /home/x && /opt/aftershock train a.ini --set ppo.gamma=0.9 "
                   "--models /data/models --resume /data/models/soft/a.zip");
}

/* getopt_long takes them so. */
static void command__knows_options_that_were_cut_short(void **state)
{
    (void)state;
    expect_command(WORDS("aftershock", "train", "--fre", "--seed", "3", "--mod", "old", "--m=old",
                         "--resu=latest", "a.ini"),
                   "/x", NULL,
                   "cd /x && aftershock train --seed 3 a.ini --models /data/models "
                   "--resume latest");
    expect_command(WORDS("aftershock", "train", "--res", "old.zip", "--seed=3"), "/x", "/m/a.zip",
                   "cd /x && aftershock train --seed=3 --models /data/models --resume /m/a.zip");
}

static void command__without_an_archive_keeps_the_rule(void **state)
{
    (void)state;
    expect_command(WORDS("aftershock", "train", "--resume", "latest"), "/x", NULL,
                   "cd /x && aftershock train --models /data/models --resume latest");
    expect_command(WORDS("aftershock", "train", "--resume=stage"), "/x", NULL,
                   "cd /x && aftershock train --models /data/models --resume stage");
    expect_command(WORDS("aftershock", "train", "--resume", "old.zip"), NULL, NULL,
                   "aftershock train --models /data/models");
}

static void command__of_several_seeds_is_that_of_the_one(void **state)
{
    (void)state;
    expect_command(WORDS("aftershock", "train", "--seeds", "5", "a.ini"), "/x", "/m/a.zip",
                   "cd /x && aftershock train a.ini --run-name soft-seed9 --seed 9 "
                   "--models /data/models --resume /m/a.zip");
}

/* `--fresh` moves folders aside, and people rename them: the old name is another run's. */
static void command__is_for_the_folder_as_it_is_called(void **state)
{
    (void)state;
    struct aft_json *command = vector(WORDS("aftershock", "train", "--run-name", "n", "a.ini"));
    const struct aft_run_start start = {
        .command = command, .models = "/m", .name = "n.old-1", .renamed = true};
    char *text = aft_archive_command(&start, "/m/n.old-1/a.zip");
    assert_string_equal(text,
                        "aftershock train --run-name n a.ini --run-name n.old-1 --models /m "
                        "--resume /m/n.old-1/a.zip");
    free(text);
    aft_json_destroy(command);
}

static void command__leaves_out_a_stage_that_was_reached(void **state)
{
    (void)state;
    struct aft_json *command = vector(WORDS("aftershock", "train", "--stop-after-stage", "2", "a"));
    struct aft_run_start start = {.command = command, .models = "/m", .name = "n"};
    char *text = aft_archive_command(&start, NULL);
    assert_string_equal(text, "aftershock train --stop-after-stage 2 a --models /m");
    free(text);
    start.stage_reached = true;
    text = aft_archive_command(&start, NULL);
    assert_string_equal(text, "aftershock train a --models /m");
    free(text);
    aft_json_destroy(command);
}

static void command__without_a_known_start_names_the_run(void **state)
{
    (void)state;
    static const char expected[] =
        "aftershock train --run-name soft-seed9 --models /data/models --resume /m/a.zip";
    expect_command(NULL, NULL, "/m/a.zip", expected);
    expect_command(WORDS("aftershock", "evaluate"), "/x", "/m/a.zip", expected);
    expect_command(WORDS("aftershock"), "/x", "/m/a.zip", expected);
}

static void command__leads_nobody_to_another_program(void **state)
{
    (void)state;
    expect_command(WORDS("/tmp/evil", "train", "$(reboot)"), "/a b", "/m/it's.zip",
                   "cd '/a b' && aftershock train '$(reboot)' --models /data/models "
                   "--resume '/m/it'\\''s.zip'");
    expect_command(WORDS("aftershock", "train", "a\nreboot\n"), "/x", "/m/a.zip", NULL);
    expect_command(NULL, NULL, "/m/\033[201~a.zip", NULL);
}

/* The shell gives back exactly the words. */
static void command__is_read_by_a_shell_as_it_was(void **state)
{
    (void)state;
    static const char word[] = "a b$HOME`id`\"\\*'?;&|<>(){}[]~#!%";
    struct aft_json *command = vector(WORDS("aftershock", "train", word));
    const struct aft_run_start start = {.command = command, .models = "/m", .name = "n"};
    char *text = aft_archive_command(&start, NULL), line[512], got[512] = "";
    assert_non_null(text);
    (void)snprintf(line, sizeof line, "aftershock() { printf '%%s' \"$2\"; }; %s", text);
    FILE *shell = popen(line, "r");
    assert_non_null(shell);
    assert_non_null(fgets(got, sizeof got, shell));
    assert_int_equal(pclose(shell), 0);
    assert_string_equal(got, word);
    free(text);
    aft_json_destroy(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command__is_the_last_start_from_that_archive),
        cmocka_unit_test(command__knows_options_that_were_cut_short),
        cmocka_unit_test(command__without_an_archive_keeps_the_rule),
        cmocka_unit_test(command__of_several_seeds_is_that_of_the_one),
        cmocka_unit_test(command__is_for_the_folder_as_it_is_called),
        cmocka_unit_test(command__leaves_out_a_stage_that_was_reached),
        cmocka_unit_test(command__without_a_known_start_names_the_run),
        cmocka_unit_test(command__leads_nobody_to_another_program),
        cmocka_unit_test(command__is_read_by_a_shell_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
