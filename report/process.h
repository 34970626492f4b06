/*
 * Which process something is of, so that another one can tell whether it still
 * runs: a process id alone may have been given to a stranger since, or be of
 * another machine or container.
 */
#ifndef AFT_REPORT_PROCESS_H
#define AFT_REPORT_PROCESS_H

#include "base/json.h"

#include <stdint.h>

struct aft_process {
    int64_t pid;
    int64_t start_ticks;    /* when it began, in clock ticks since the boot: /proc/PID/stat */
    char boot_id[48];       /* of this boot of this machine; "" where not known, … */
    char pid_namespace[48]; /* … and where its pid counts */
    char host[256];         /* for people */
};

enum aft_process_presence {
    AFT_PROCESS_RUNS,
    AFT_PROCESS_GONE,
    AFT_PROCESS_ELSEWHERE, /* another machine's, boot's or container's: not to be told from here */
};

void aft_process_self(struct aft_process *process);
enum aft_process_presence aft_process_presence(const struct aft_process *process);

/* Sets the members pid, start_ticks, boot_id, pid_namespace and host; and reads them back. */
void aft_process_set(struct aft_json *object, const struct aft_process *process);
void aft_process_get(struct aft_process *process, const struct aft_json *object);

#endif
