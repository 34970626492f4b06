/* Started as `train`, this program is what it starts: it says what it finds, and does as told. */
#include "service/training_process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int play(int argc, char **argv)
{
    sigset_t blocked;
    (void)sigprocmask(SIG_BLOCK, NULL, &blocked);
    (void)printf("session %s, token %s, interrupt %s, %d arguments:",
                 getsid(0) == getpid() ? "own" : "shared",
                 getenv("AFTERSHOCK_TOKEN") != NULL ? "there" : "none",
                 sigismember(&blocked, SIGINT) ? "blocked" : "free", argc - 1);
    for (int i = 1; i < argc; i++) {
        (void)printf(" <%s>", argv[i]);
    }
    (void)printf("\n\033[31mred\033[0m\n");
    (void)fflush(stdout);
    if (argc > 2 && strcmp(argv[2], "wait") == 0) {
        (void)pause();
    }
    return argc > 2 && strcmp(argv[2], "fail") == 0 ? 3 : 0;
}

static int await_end(struct aft_training_process *process)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    int status = -1;
    while (!aft_training_ended(process, &status)) {
        (void)nanosleep(&moment, NULL);
    }
    return status;
}

static void await_words(const struct aft_training_process *process, char *text, size_t size)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    do {
        (void)nanosleep(&moment, NULL);
        aft_training_said(text, size, process);
    } while (strstr(text, "red") == NULL);
}

static void start(struct aft_training_process *process, const char *what)
{
    char train[] = "train", word[32], odd[] = "a b;$(c)'";
    char *arguments[] = {train, word, odd, NULL};
    struct aft_error error;
    (void)snprintf(word, sizeof word, "%s", what);
    if (aft_training_start(process, arguments, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
}

static void training__is_started_with_these_very_arguments(void **state)
{
    struct aft_training_process process;
    char said[256];
    sigset_t blocked;
    (void)state;
    (void)setenv("AFTERSHOCK_TOKEN", "0123456789abcdef", 1);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    start(&process, "fail");
    assert_int_equal(await_end(&process), 3);
    aft_training_said(said, sizeof said, &process);
    assert_string_equal(said,
                        "session own, token none, interrupt free, 3 arguments: <train> "
                        "<fail> <a b;$(c)'>\n [31mred [0m");
    aft_training_forget(&process);
    (void)sigprocmask(SIG_UNBLOCK, &blocked, NULL);
}

static void training__keeps_the_end_of_what_was_said(void **state)
{
    struct aft_training_process process;
    char said[10];
    (void)state;
    start(&process, "end");
    assert_int_equal(await_end(&process), 0);
    aft_training_said(said, sizeof said, &process);
    assert_string_equal(said, "mred [0m"); /* nine bytes, without the newline */
    aft_training_forget(&process);
}

/* The process as a heartbeat would name it. */
static void describe(struct aft_process *about, pid_t pid)
{
    char path[64], line[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    char *field = strrchr(line, ')') + 2; /* the third */
    for (int i = 3; i < 22; i++) {
        field = strchr(field, ' ') + 1;
    }
    aft_process_self(about);
    about->pid = pid;
    about->start_ticks = strtoll(field, NULL, 10);
}

static void training__signals_the_very_process(void **state)
{
    struct aft_training_process process;
    struct aft_process about;
    char said[256];
    (void)state;
    start(&process, "wait");
    await_words(&process, said, sizeof said);
    describe(&about, process.pid);
    about.start_ticks++; /* the number was given to another since */
    assert_int_equal(aft_training_signal(&about, SIGKILL, NULL), AFT_ERR_MISSING);
    about.start_ticks--;
    about.boot_id[0] = about.boot_id[0] == 'a' ? 'b' : 'a';
    assert_int_equal(aft_training_signal(&about, SIGKILL, NULL), AFT_ERR_REFUSED);
    describe(&about, process.pid);
    assert_int_equal(aft_training_signal(&about, SIGTERM, NULL), AFT_OK);
    assert_int_equal(await_end(&process), 128 + SIGTERM);
    assert_int_equal(aft_training_signal(&about, SIGTERM, NULL), AFT_ERR_MISSING);
    aft_training_forget(&process);
}

static void training__never_signals_another_program(void **state)
{
    struct aft_process about;
    int status;
    (void)state;
    pid_t child = fork(); /* this program, which was not started as `train` */
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    assert_true(child > 0);
    describe(&about, child);
    assert_int_equal(aft_training_signal(&about, SIGUSR1, NULL), AFT_ERR_REFUSED);
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void training__never_signals_a_group(void **state)
{
    struct aft_process about;
    (void)state;
    aft_process_self(&about);
    for (int64_t pid = -2; pid <= 0; pid++) {
        about.pid = pid;
        assert_int_not_equal(aft_training_signal(&about, SIGTERM, NULL), AFT_OK);
    }
    about.pid = INT64_MAX;
    assert_int_not_equal(aft_training_signal(&about, SIGTERM, NULL), AFT_OK);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training__is_started_with_these_very_arguments),
        cmocka_unit_test(training__keeps_the_end_of_what_was_said),
        cmocka_unit_test(training__signals_the_very_process),
        cmocka_unit_test(training__never_signals_another_program),
        cmocka_unit_test(training__never_signals_a_group),
    };
    if (argc > 1 && strcmp(argv[1], "train") == 0) {
        return play(argc, argv);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
