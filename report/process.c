#include "report/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { START_TIME_FIELD = 22 }; /* of /proc/PID/stat, counted from 1; the state is the third */

static void read_line(char *out, size_t size, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : -1;
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* False where there is no such process, or only its exit status is left. */
static bool read_start(int64_t *ticks, int64_t pid)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    read_line(text, sizeof text, path);
    const char *at = strrchr(text, ')'); /* the name before it may hold anything */
    if (!at || at[1] == '\0' || at[2] == 'Z' || at[2] == 'X') {
        return false;
    }
    for (int field = 2; at && field < START_TIME_FIELD; field++) {
        at = strchr(at + 1, ' ');
    }
    return at && sscanf(at, "%" SCNd64, ticks) == 1;
}

static void read_surroundings(struct aft_process *process)
{
    read_line(process->boot_id, sizeof process->boot_id, "/proc/sys/kernel/random/boot_id");
    ssize_t n =
        readlink("/proc/self/ns/pid", process->pid_namespace, sizeof process->pid_namespace - 1);
    process->pid_namespace[n > 0 ? n : 0] = '\0';
}

void aft_process_self(struct aft_process *process)
{
    *process = (struct aft_process){.pid = getpid()};
    (void)read_start(&process->start_ticks, process->pid);
    read_surroundings(process);
    (void)gethostname(process->host, sizeof process->host - 1);
}

enum aft_process_presence aft_process_presence(const struct aft_process *process)
{
    struct aft_process here = {.pid = 0};
    read_surroundings(&here);
    if (here.boot_id[0] == '\0' || strcmp(here.boot_id, process->boot_id) != 0 ||
        strcmp(here.pid_namespace, process->pid_namespace) != 0) {
        return AFT_PROCESS_ELSEWHERE;
    }
    int64_t ticks = 0;
    return read_start(&ticks, process->pid) && ticks == process->start_ticks ? AFT_PROCESS_RUNS
                                                                             : AFT_PROCESS_GONE;
}

void aft_process_set(struct aft_json *object, const struct aft_process *process)
{
    aft_json_set_integer(object, "pid", process->pid);
    aft_json_set_integer(object, "start_ticks", process->start_ticks);
    aft_json_set_string(object, "boot_id", process->boot_id);
    aft_json_set_string(object, "pid_namespace", process->pid_namespace);
    aft_json_set_string(object, "host", process->host);
}

void aft_process_get(struct aft_process *process, const struct aft_json *object)
{
    process->pid = aft_json_get_integer(object, "pid", 0);
    process->start_ticks = aft_json_get_integer(object, "start_ticks", 0);
    (void)snprintf(process->boot_id, sizeof process->boot_id, "%s",
                   aft_json_get_string(object, "boot_id", ""));
    (void)snprintf(process->pid_namespace, sizeof process->pid_namespace, "%s",
                   aft_json_get_string(object, "pid_namespace", ""));
    (void)snprintf(process->host, sizeof process->host, "%s",
                   aft_json_get_string(object, "host", ""));
}
