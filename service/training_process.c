#include "service/training_process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGUMENTS = 256 };

/* The environment without the server's token, which is none of a run's business. The strings
 * are borrowed. */
static char **environment_for_run(void)
{
    static const char secret[] = "AFTERSHOCK_TOKEN=";
    size_t n = 0, kept = 0;
    while (environ[n] != NULL) {
        n++;
    }
    char **copy = calloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < n; i++) {
        if (strncmp(environ[i], secret, sizeof secret - 1) != 0) {
            copy[kept++] = environ[i];
        }
    }
    return copy;
}

/* In a session of its own, with all signals as after a login. */
static int spawn(pid_t *pid, int output, char *const *arguments, char *const *environment)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                        POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setsigdefault(&attributes, &all);
        failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (failed == 0) {
            failed = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        }
        if (failed == 0) {
            failed = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        }
        if (failed == 0) { /* this very program, wherever it was installed or moved to */
            failed =
                posix_spawn(pid, "/proc/self/exe", &actions, &attributes, arguments, environment);
        }
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* The path of this program: the run tells with which command it was started, and that command is
 * to be given as it stands. Where the file was replaced since, the path is the new one's. */
static void name_program(char program[PATH_MAX])
{
    static const char replaced[] = " (deleted)";
    ssize_t n = readlink("/proc/self/exe", program, PATH_MAX - 1);
    if (n <= 0) {
        (void)snprintf(program, PATH_MAX, "aftershock");
        return;
    }
    size_t length = (size_t)n, ending = sizeof replaced - 1;
    program[length] = '\0';
    if (length > ending && strcmp(program + length - ending, replaced) == 0) {
        program[length - ending] = '\0';
    }
}

enum aft_code aft_training_start(struct aft_training_process *process, char *const *arguments,
                                 struct aft_error *error)
{
    char program[PATH_MAX];
    char *vector[MAX_ARGUMENTS + 2] = {program};
    for (size_t i = 0; arguments[i] != NULL; i++) {
        if (i == MAX_ARGUMENTS) {
            return aft_fail(error, AFT_ERR_USAGE, "start a run: more than %d arguments",
                            MAX_ARGUMENTS);
        }
        vector[i + 1] = arguments[i];
    }
    name_program(program);
    *process = (struct aft_training_process){.output = -1};
    char **environment = environment_for_run();
    if (environment == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "start a run: out of memory");
    }
    enum aft_code code = AFT_OK;
    process->output = memfd_create("aftershock-output", MFD_CLOEXEC);
    if (process->output < 0) {
        code = aft_fail_errno(error, "start a run: make room for what it prints");
    } else if ((errno = spawn(&process->pid, process->output, vector, environment)) != 0) {
        code = aft_fail_errno(error, "start a run");
        aft_training_forget(process);
    }
    free(environment);
    return code;
}

bool aft_training_ended(struct aft_training_process *process, int *exit_status)
{
    int status = 0;
    if (waitpid(process->pid, &status, WNOHANG) != process->pid) {
        return false;
    }
    *exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

void aft_training_said(char *text, size_t size, const struct aft_training_process *process)
{
    off_t length = lseek(process->output, 0, SEEK_END);
    off_t start = length > (off_t)size - 1 ? length - ((off_t)size - 1) : 0;
    ssize_t n = length > 0 ? pread(process->output, text, size - 1, start) : 0;
    text[n > 0 ? n : 0] = '\0';
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' && *c != '\n') {
            *c = ' ';
        }
    }
    for (size_t end = strlen(text); end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' ');
         end--) {
        text[end - 1] = '\0';
    }
}

void aft_training_forget(struct aft_training_process *process)
{
    if (process->output >= 0) {
        (void)close(process->output);
        process->output = -1;
    }
}

/* Whether its second argument is "train". A heartbeat is a file that others may have written: it
 * could name any process of ours, and a signal that training knows may end another program. */
static bool is_training(int64_t pid)
{
    static const char command[] = "train";
    char path[64], arguments[PATH_MAX + sizeof command];
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, arguments, sizeof arguments - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    arguments[n > 0 ? n : 0] = '\0';
    size_t first = strlen(arguments) + 1;
    return n > 0 && first < (size_t)n && strcmp(arguments + first, command) == 0;
}

enum aft_code aft_training_signal(const struct aft_process *process, int number,
                                  struct aft_error *error)
{
    /* The descriptor first, then the question who it is: from there on it is no other. */
    int fd = process->pid > 0 && process->pid <= INT_MAX
                 ? (int)syscall(SYS_pidfd_open, (pid_t)process->pid, 0)
                 : -1;
    enum aft_process_presence presence = aft_process_presence(process);
    enum aft_code code = AFT_OK;
    if (presence == AFT_PROCESS_ELSEWHERE) {
        code = aft_fail(error, AFT_ERR_REFUSED, "process %" PRId64 " is on '%s', not here",
                        process->pid, process->host);
    } else if (presence == AFT_PROCESS_GONE || (fd < 0 && errno == ESRCH)) {
        code = aft_fail(error, AFT_ERR_MISSING, "process %" PRId64 " is gone", process->pid);
    } else if (fd < 0) {
        code = aft_fail_errno(error, "reach process %" PRId64, process->pid);
    } else if (!is_training(process->pid)) {
        code = aft_fail(error, AFT_ERR_REFUSED, "process %" PRId64 " is not one that trains",
                        process->pid);
    } else if (syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) != 0) {
        code = errno == EPERM ? aft_fail(error, AFT_ERR_REFUSED,
                                         "process %" PRId64 " is another user's", process->pid)
                              : aft_fail_errno(error, "signal process %" PRId64, process->pid);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return code;
}
