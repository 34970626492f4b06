/*
 * `aftershock train` as a process of its own: started with an argument vector, in a
 * session of its own, so that nothing that happens to the server happens to it; and
 * signalled, also where somebody else started it.
 */
#ifndef AFT_SERVICE_TRAINING_PROCESS_H
#define AFT_SERVICE_TRAINING_PROCESS_H

#include "base/error.h"
#include "report/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct aft_training_process { /* one that was started here */
    pid_t pid;
    int output; /* a file without a name that takes what it prints */
};

/* arguments[0] is "train"; ends in NULL. */
enum aft_code aft_training_start(struct aft_training_process *process, char *const *arguments,
                                 struct aft_error *error);

/* True once it has ended, with its exit status (128 + signal where it was killed). */
bool aft_training_ended(struct aft_training_process *process, int *exit_status);

/* What it has printed so far, at most size - 1 bytes of it, the last; without control characters.
 */
void aft_training_said(char *text, size_t size, const struct aft_training_process *process);

/* Closes the output; the process goes on. */
void aft_training_forget(struct aft_training_process *process);

/* Sends the signal to the very process, not to one that was given its number since. MISSING
 * where it is gone, REFUSED where it is of another machine or user, or is not `aftershock train`.
 */
enum aft_code aft_training_signal(const struct aft_process *process, int number,
                                  struct aft_error *error);

#endif
