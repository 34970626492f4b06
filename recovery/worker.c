#include "recovery/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ARGUMENTS = 7 }; /* program, command, memory, to keeper, to worker, launch, keeper's pid */

static void keep_open(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    (void)fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
}

/* The terminal and batch systems signal the whole group: stopping is the
 * keeper's decision. Being ignored survives exec; being blocked would too. */
static void ignore_stop_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void aft_worker_exec(const char *command, const struct aft_snapshot_region *region,
                               int launch_fd, int keeper_pid)
{
    const int numbers[] = {aft_snapshot_memory_fd(region), aft_snapshot_to_keeper_fd(region),
                           aft_snapshot_to_worker_fd(region), launch_fd, keeper_pid};
    char texts[5][16];
    char program[] = "aftershock";
    char name[32];
    (void)snprintf(name, sizeof name, "%s", command);
    char *arguments[ARGUMENTS + 1] = {program, name};
    for (int i = 0; i < 5; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%d", numbers[i]);
        arguments[i + 2] = texts[i];
        if (i < 4) {
            keep_open(numbers[i]);
        }
    }
    ignore_stop_signals();
    (void)execv("/proc/self/exe", arguments);
    static const char failed[] = "aftershock: cannot start the worker from /proc/self/exe\n";
    (void)!write(STDERR_FILENO, failed, sizeof failed - 1);
    _exit(127);
}

static bool parse_number(int *number, const char *text)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0 || value > INT_MAX) {
        return false;
    }
    *number = (int)value;
    return true;
}

enum aft_code aft_worker_attach(struct aft_worker_link *link, int argc, char **argv,
                                struct aft_error *error)
{
    int number[5];
    if (argc != ARGUMENTS) {
        return aft_fail(error, AFT_ERR_USAGE, "start worker: it is started by 'aftershock train'");
    }
    for (int i = 0; i < 5; i++) {
        if (!parse_number(&number[i], argv[i + 2])) {
            return aft_fail(error, AFT_ERR_USAGE,
                            "start worker: it is started by 'aftershock train'");
        }
    }
    /* The keeper may be gone already: then no death signal would come any more. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != number[4]) {
        return aft_fail(error, AFT_ERR_MISSING, "start worker: its keeper is gone");
    }
    for (int i = 0; i < 4; i++) {
        (void)fcntl(number[i], F_SETFD, FD_CLOEXEC);
    }
    link->launch_fd = number[3];
    return aft_snapshot_attach(&link->region, number[0], number[1], number[2], error);
}

void aft_worker_detach(struct aft_worker_link *link)
{
    aft_snapshot_destroy(link->region);
    (void)close(link->launch_fd);
}
