/* aftershock COMMAND: finds the command and runs it. */
#include "cli/command.h"
#include "cli/compute_loader.h"
#include "cli/options.h"
#include "runner/compute.h"
#include "runner/train.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct aft_command *const commands[] = {
    &aft_command_train,  &aft_command_status,  &aft_command_inspect,
    &aft_command_verify, &aft_command_compare, &aft_command_evaluate,
    &aft_command_export, &aft_command_motion,  &aft_command_bench,
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *stream)
{
    (void)fputs(
        "aftershock - trains a controller for an actively damped building\n"
        "\n"
        "SYNOPSIS\n"
        "  aftershock COMMAND [options]\n"
        "  aftershock COMMAND -h\n"
        "  aftershock --version\n"
        "\n"
        "COMMANDS\n",
        stream);
    for (int i = 0; i < N_COMMANDS; i++) {
        (void)fprintf(stream, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    }
    (void)fputs(
        "\n"
        "DESCRIPTION\n"
        "  Trains a policy with PPO through a staged curriculum of stronger and stronger\n"
        "  earthquakes. Stop it or kill it at any time and give the same command again:\n"
        "  it goes on after the last complete stage. The curriculum is an INI file; each\n"
        "  run keeps its archives in models/NAME/.\n"
        "\n"
        "EXIT CODES\n"
        "  0    done; the whole curriculum is complete, or the stage asked for is\n"
        "  1    failed at run time; after a failed training an ERROR archive is there\n"
        "  2    bad usage or a bad curriculum: nothing was touched\n"
        "  3    refused: what is on disk cannot be trusted or contradicts the curriculum\n"
        "  4    another process holds this run\n"
        "  75   checkpointed on request of the batch system (SIGUSR2)\n"
        "  129, 130, 143  stopped by SIGHUP, SIGINT, SIGTERM, the state saved durably\n"
        "\n"
        "EXAMPLES\n"
        "  aftershock train                     train stages.ini, or go on with it\n"
        "  aftershock status                    what is there, and what train would do\n"
        "  aftershock verify models/default     check every archive in full\n"
        "  aftershock compare models/default-seed*  scores over many seeds\n"
        "  aftershock evaluate models/default/best_model.zip --report report.html\n"
        "  aftershock export models/default/best_model.zip -o policy.onnx\n"
        "  aftershock motion --magnitude 6.5 --seed 7 --svg motion.svg\n"
        "  aftershock bench --quick             how fast this machine trains\n",
        stream);
}

static int unknown_command(const char *word)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i]->name;
    }
    const char *nearest = aft_suggest(word, names, N_COMMANDS);
    const char *what = word[0] == '-' ? "option" : "command";
    if (nearest && word[0] != '-') {
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

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return AFT_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        print_usage(stdout);
        return AFT_EXIT_OK;
    }
    if (strcmp(word, "--version") == 0) {
        (void)printf("aftershock %s\n", AFT_VERSION);
        return AFT_EXIT_OK;
    }
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(word, commands[i]->name) == 0) {
            return commands[i]->run(argc - 1, argv + 1);
        }
    }
    if (strcmp(word, "help") == 0) {
        for (int i = 0; argc > 2 && i < N_COMMANDS; i++) {
            if (strcmp(argv[2], commands[i]->name) == 0) {
                return (void)fputs(commands[i]->help, stdout), AFT_EXIT_OK;
            }
        }
        print_usage(stdout);
        return AFT_EXIT_OK;
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
