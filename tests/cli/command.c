#include "command.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_ARGUMENTS = 32 };

static struct outcome last;

static char *read_back(FILE *file)
{
    long size = (fseek(file, 0, SEEK_END), ftell(file));
    assert_true(size >= 0);
    char *text = calloc(1, (size_t)size + 1);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    (void)fclose(file);
    return text;
}

static void become_program(const char *folder, char *arguments, FILE *out, FILE *err)
{
    char *argv[MAX_ARGUMENTS + 2] = {PROGRAM};
    int argc = 1;
    for (char *word = strtok(arguments, " "); word && argc < MAX_ARGUMENTS;
         word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    int in = open("/dev/null", O_RDONLY);
    if (in < 0 || dup2(in, 0) < 0 || dup2(fileno(out), 1) < 0 || dup2(fileno(err), 2) < 0 ||
        (folder && chdir(folder) != 0)) {
        _exit(126);
    }
    (void)execv(PROGRAM, argv);
    _exit(127);
}

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

const struct outcome *run_in(const char *folder, const char *arguments)
{
    FILE *out = tmpfile(), *err = tmpfile();
    char *copy = strdup(arguments);
    assert_true(out && err && copy);
    double start = now();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        become_program(folder, copy, out, err);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    free(copy);
    free(last.out);
    free(last.err);
    last.seconds = now() - start;
    last.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    last.out = read_back(out);
    last.err = read_back(err);
    return &last;
}

const struct outcome *run(const char *arguments)
{
    return run_in(NULL, arguments);
}

struct aft_json *parse_output(const struct outcome *outcome)
{
    struct aft_json *document = NULL;
    struct aft_error error;
    if (aft_json_parse(&document, outcome->out, strlen(outcome->out), "output", &error) != AFT_OK) {
        fail_msg("%s\n%s", error.message, outcome->out);
    }
    return document;
}

int count_lines(const char *text)
{
    int n = 0;
    for (; *text; text++) {
        n += *text == '\n';
    }
    return n;
}

void write_text(const char *folder, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}
