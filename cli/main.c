/* aftershock COMMAND: finds the command and runs it. */
#include "cli/command.h"
#include "cli/compute_loader.h"
#include "cli/options.h"
#include "cli/page.h"
#include "cli/suggestion.h"
#include "runner/compute.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int unknown_command(const char *word)
{
    enum { MAX_COMMANDS = 64 };
    const char *names[MAX_COMMANDS];
    int n = 0;
    for (; aft_commands[n] != NULL && n < MAX_COMMANDS; n++) {
        names[n] = aft_commands[n]->name;
    }
    const char *nearest = *word != '-' ? aft_suggest(word, names, n) : NULL;
    const char *what = *word == '-' ? "option" : "command";
    if (nearest != NULL) {
        (void)fprintf(stderr,
                      "aftershock: unknown %s '%s'; did you mean '%s'? See 'aftershock -h'\n", what,
                      word, nearest);
    } else {
        (void)fprintf(stderr, "aftershock: unknown %s '%s'; see 'aftershock -h'\n", what, word);
    }
    return AFT_EXIT_USAGE;
}

static int work(int argc, char **argv)
{
    const struct aft_compute_interface *compute;
    struct aft_error error;
    enum aft_code code = aft_compute_load(&compute, &error);
    if (code != AFT_OK) {
        (void)fprintf(stderr, "aftershock: %s\n", error.message);
        return aft_exit_code_of(code);
    }
    if (!compute->work) {
        (void)fprintf(stderr, "aftershock: this build has no training worker\n");
        return AFT_EXIT_FAILED;
    }
    return compute->work(argc, argv);
}

/* aftershock help [COMMAND] */
static int help(const char *word)
{
    const struct aft_command *command = word != NULL ? aft_find_command(word) : &aft_program;
    if (command == NULL) {
        return unknown_command(word);
    }
    aft_print_help(stdout, command);
    return AFT_EXIT_OK;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        aft_print_help(stderr, &aft_program);
        return AFT_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        aft_print_help(stdout, &aft_program);
        return AFT_EXIT_OK;
    }
    if (strcmp(word, "--version") == 0) {
        (void)printf("aftershock %s\n", AFT_VERSION);
        return AFT_EXIT_OK;
    }
    const struct aft_command *command = aft_find_command(word);
    if (command != NULL) {
        return command->run(argc - 1, argv + 1);
    }
    if (strcmp(word, "help") == 0) {
        return help(argc > 2 ? argv[2] : NULL);
    }
    return unknown_command(word);
}

/* A descriptor 0, 1 or 2 that is closed would be given to the next file that is
 * opened: what is printed would go into the lock, or over the snapshot. */
static bool occupy_standard_streams(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    return fd >= 0 && close(fd) == 0;
}

int main(int argc, char **argv)
{
    if (!occupy_standard_streams()) {
        return AFT_EXIT_FAILED;
    }
    if (argc >= 2 && strcmp(argv[1], AFT_WORK_COMMAND) == 0) {
        return work(argc, argv);
    }
    int code = dispatch(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == AFT_EXIT_OK &&
        !(argc >= 2 && strcmp(argv[1], "train") == 0)) { /* a full disk behind a redirection */
        (void)fprintf(stderr, "aftershock: write standard output: failed\n");
        code = AFT_EXIT_FAILED;
    }
    return code;
}
