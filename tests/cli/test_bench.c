#include "base/file.h"
#include "command.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define REFERENCE_BLAS "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3"

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/aft_bench_XXXXXX");
    if (mkdtemp(folder) == NULL || setenv("TMPDIR", folder, 1) != 0) {
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const struct outcome *bench(const char *arguments)
{
    const struct outcome *outcome = run_in(folder, arguments);
    if (outcome->code != 0) {
        fail_msg("'%s': code %d: %s", arguments, outcome->code, outcome->err);
    }
    return outcome;
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        n += entry->d_name[0] != '.';
    }
    (void)closedir(stream);
    return n;
}

static int count_named(const struct aft_json *results, const char *name)
{
    int n = 0;
    for (size_t i = 0; i < aft_json_length(results); i++) {
        n += strcmp(aft_json_get_string(aft_json_at(results, i), "name", ""), name) == 0;
    }
    return n;
}

static void assert_positive(const struct aft_json *object, const char *key)
{
    double value = aft_json_get_real(object, key, (double)NAN);
    if (!isfinite(value) || value <= 0) {
        fail_msg("%s is %g", key, value);
    }
}

static void assert_is_result(const struct aft_json *result)
{
    static const char *const keys[] = {"name",  "network", "batch", "threads",
                                       "value", "unit",    "bound", "fraction"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_non_null(aft_json_get(result, keys[i]));
    }
    bool is_time = strcmp(aft_json_get_string(result, "unit", ""), "ms") == 0;
    assert_positive(result, "value");
    assert_true(aft_json_get_integer(result, "threads", 0) > 0);
    if (!aft_json_is_null(aft_json_get(result, "bound"))) {
        double value = aft_json_get_real(result, "value", 0);
        double bound = aft_json_get_real(result, "bound", 0);
        double expected = is_time ? bound / value : value / bound;
        assert_positive(result, "bound");
        assert_true(fabs(aft_json_get_real(result, "fraction", 0) / expected - 1) < 1e-9);
    }
}

static void bench__gives_the_promised_json(void **state)
{
    (void)state;
    static const char *const names[] = {"update",       "env_step",     "rollout", "train",
                                        "archive_save", "archive_load", "startup"};
    struct aft_json *document = parse_output(bench("bench --quick --threads 2 --json"));
    const struct aft_json *peaks = aft_json_get(document, "sgemm_gflops");
    const struct aft_json *results = aft_json_get(document, "results");
    assert_true(strlen(aft_json_get_string(document, "machine", "")) > 0);
    assert_non_null(strstr(aft_json_get_string(document, "blas", ""), "OpenBLAS"));
    assert_positive(peaks, "1");
    assert_positive(peaks, "all");
    assert_positive(aft_json_get(document, "memory_gb_s"), "all");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(count_named(results, names[i]) > 0);
    }
    assert_int_equal(count_named(results, "update"), 8); /* four networks, 1 thread and 2 */
    assert_int_equal(count_named(results, "train"), 4);
    for (size_t i = 0; i < aft_json_length(results); i++) {
        assert_is_result(aft_json_at(results, i));
    }
    aft_json_destroy(document);
}

static void bench__measures_only_what_is_asked_for(void **state)
{
    (void)state;
    struct aft_json *document =
        parse_output(bench("bench --quick --threads 1 --only startup,archive_load --json"));
    const struct aft_json *results = aft_json_get(document, "results");
    assert_int_equal(count_named(results, "startup"), 3);
    assert_int_equal(count_named(results, "archive_load"), 1);
    assert_int_equal(aft_json_length(results), 4);
    assert_positive(aft_json_get(document, "sgemm_gflops"), "all");
    aft_json_destroy(document);
}

static void bench__prints_a_table_and_leaves_no_file(void **state)
{
    (void)state;
    const struct outcome *outcome =
        bench("bench --quick --threads 2 --only env_step,archive_save,startup");
    assert_non_null(strstr(outcome->out, "2 threads"));
    assert_non_null(strstr(outcome->out, "\nsgemm "));
    assert_non_null(strstr(outcome->out, "\nmemory "));
    assert_non_null(strstr(outcome->out, "64 environments, without resets"));
    assert_non_null(strstr(outcome->out, "\narchive_save "));
    assert_null(strstr(outcome->out, "nan"));
    outcome = bench("bench --quick --threads 1 --only update --markdown");
    assert_non_null(strstr(outcome->out, "\n| update | 64,64 batch 64 | samples/s |"));
    assert_int_equal(files_in_folder(), 0);
}

static char *read_back(const char *name)
{
    char path[128], *text = NULL;
    size_t size;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(aft_file_read(&text, &size, path, 1 << 20, NULL), AFT_OK);
    return text;
}

static void bench__draws_growth(void **state)
{
    (void)state;
    const struct outcome *outcome =
        bench("bench --quick --growth --threads 1 --only rollout --svg a.svg --csv a.csv");
    assert_non_null(strstr(outcome->out, "Rollout with a 64,64 policy, ns per step"));
    assert_non_null(strstr(outcome->out, "\n                    4096 "));
    char *svg = read_back("a.svg"), *csv = read_back("a.csv");
    assert_int_equal(strncmp(svg, "<svg xmlns=", 11), 0);
    assert_non_null(strstr(svg, "environments</text>"));
    assert_non_null(strstr(svg, "1 thread</text>"));
    assert_non_null(strstr(svg, "</svg>\n"));
    assert_null(strstr(svg, "nan"));
    assert_int_equal(strncmp(csv, "name,network,batch,", 19), 0);
    assert_int_equal(count_lines(csv), 1 + 2 + 7); /* heading, SGEMM and memory, 1 … 4096 */
    free(svg);
    free(csv);
}

static void bench__says_when_a_file_cannot_be_written(void **state)
{
    (void)state;
    const struct outcome *outcome =
        run_in(folder, "bench --quick --threads 1 --only startup --csv /nowhere/a.csv");
    assert_int_equal(outcome->code, 1);
    assert_non_null(strstr(outcome->err, "/nowhere/a.csv"));
}

static pid_t start_archives(void)
{
    char *const argv[] = {(char[]){"aftershock"}, (char[]){"bench"}, (char[]){"--only"},
                          (char[]){"archive_save"}, NULL};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGINT, SIG_DFL);
        if (freopen("/dev/null", "w", stdout) == NULL) {
            _exit(126);
        }
        (void)execv(PROGRAM, argv);
        _exit(127);
    }
    return pid;
}

static void bench__ends_with_130_on_ctrl_c_and_cleans_up(void **state)
{
    (void)state;
    int status, before = files_in_folder();
    pid_t pid = start_archives();
    while (files_in_folder() == before) { /* until its temporary folder is there */
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    }
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
    assert_int_equal(files_in_folder(), before);
}

static void bench__warns_when_the_reference_blas_is_loaded(void **state)
{
    (void)state;
#ifdef AFT_SANITIZED
    skip(); /* the sanitizer wants to be the first library */
#endif
    if (access(REFERENCE_BLAS, R_OK) != 0) {
        skip();
    }
    assert_null(strstr(bench("bench --quick --threads 1 --only startup")->err, "reference BLAS"));
    assert_int_equal(setenv("LD_PRELOAD", REFERENCE_BLAS, 1), 0);
    const struct outcome *outcome = run_in(folder, "bench --quick --threads 1 --only startup");
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->err, "the reference BLAS is loaded (" REFERENCE_BLAS ")"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bench__gives_the_promised_json),
        cmocka_unit_test(bench__measures_only_what_is_asked_for),
        cmocka_unit_test(bench__prints_a_table_and_leaves_no_file),
        cmocka_unit_test(bench__draws_growth),
        cmocka_unit_test(bench__says_when_a_file_cannot_be_written),
        cmocka_unit_test(bench__ends_with_130_on_ctrl_c_and_cleans_up),
        cmocka_unit_test(bench__warns_when_the_reference_blas_is_loaded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
