/* Drives build/aftershock as a user does: its own process group, output to a file. */
#ifndef AFT_TESTS_RUNNER_PROGRAM_H
#define AFT_TESTS_RUNNER_PROGRAM_H

#include "base/digest.h"
#include "recovery/snapshot.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct program {
    pid_t pid;             /* also its process group */
    char output[PATH_MAX]; /* file with stdout and stderr */
};

/* A fresh temporary folder, removed by program_remove_folder. */
void program_make_folder(char folder[PATH_MAX]);
void program_remove_folder(const char *folder);

/* Writes a curriculum of two small stages there, as NAME, and gives its path. */
void program_write_curriculum(char path[PATH_MAX], const char *folder, const char *name);

/* Starts `aftershock train CURRICULUM --models FOLDER/models ARGUMENTS…` (NULL-terminated). */
void program_start_train(struct program *program, const char *folder, const char *curriculum,
                         const char *const *arguments);
/* Waits (at most a minute, then kills and fails) and gives the exit status: 0…255, or 1000 +
 * signal. */
int program_wait(struct program *program);
int program_train(const char *folder, const char *curriculum, const char *const *arguments);
bool program_said(const char *folder, const char *text); /* in the output of the last start */
int program_times_said(const char *folder, const char *text);
/* Waits until the running program has said it; false if it ended without. */
bool program_await_said(const struct program *program, const char *folder, const char *text);
void program_show_output(const char *folder);

/* The worker of a running `train`, or 0. */
pid_t program_worker(const struct program *program);

/* Sends that signal to the worker; false if there is none (never to 0, which is the tests' own
 * process group). */
bool program_signal_worker(const struct program *program, int number);

/* Ends the worker by SIGKILL and waits for the next one; false if there was none to end. */
bool program_replace_worker(const struct program *program);

/* Waits until the worker of the program is in that phase of that stage; false if the program
 * ended before. */
bool program_await_phase(const struct program *program, int stage, enum aft_worker_phase phase);
/* Waits for a snapshot at or beyond a step of a stage. */
bool program_await_step(const struct program *program, int stage, long long step);
/* The same of an attempt at a stage, counted from 1, or of a later attempt. */
bool program_await_attempt(const struct program *program, int stage, int attempt, long long step);

/* The training state of an archive, hashed from its members' contents: of one of the run
 * "small", and of any in the folder. */
void program_state_hash(char hex[AFT_SHA256_HEX_SIZE], const char *folder, const char *archive);
void program_hash_of(char hex[AFT_SHA256_HEX_SIZE], const char *folder, const char *archive);
bool program_has_file(const char *folder, const char *name);

#endif
