/* A place to torture the program in: a folder with a curriculum, and the program started there. */
#ifndef AFT_TESTS_TORTURE_PLACE_H
#define AFT_TESTS_TORTURE_PLACE_H

#include "tests/runner/program.h"
#include "tests/torture/torture.h"

#include <limits.h>
#include <stddef.h>

enum place_size {
    PLACE_TINY,  /* two stages of two iterations: a twentieth of a second */
    PLACE_SMALL, /* two stages of thirty iterations */
};

struct place {
    char folder[PATH_MAX];
    char curriculum[PATH_MAX];
    char models[PATH_MAX]; /* folder/models */
    char run[PATH_MAX];    /* folder/models/small */
    char output[PATH_MAX]; /* of the program's last start */
    const struct reference *reference;
};

void place_open(struct place *place, struct torture *torture, enum place_size size);
void place_close(const struct place *place);
/* Removes everything that training left there. */
void place_clear(const struct place *place);

enum { PLACE_TIMED_OUT = -1, PLACE_SIGNALLED = 1000 };

/* Starts training, with --progress none and what the program knows of checkpoints; arguments and
 * the prefix (a tracer's command line) may be NULL. */
void place_start(struct program *program, const struct place *place, const struct torture *torture,
                 const char *const *prefix, const char *const *arguments);
/* Exit status, PLACE_SIGNALLED + signal, or PLACE_TIMED_OUT (then it is killed). Returns once
 * nothing of the process group is left; a worker that outlives its keeper counts as timed out. */
int place_wait(const struct program *program, double limit_s);
int place_train(const struct place *place, const struct torture *torture,
                const char *const *arguments);

/* The newest sealed snapshot of a running program, and what its worker does; false where nothing
 * is sealed or the program has ended. */
bool place_peek(const struct program *program, struct aft_snapshot_info *info,
                enum aft_worker_phase *phase);

/* The text of a file, cut at size - 1; empty where there is none. */
void place_read(char *text, size_t size, const char *path);
bool place_said(const struct place *place, const char *text);

/* Runs a command silently; its exit status, 127 where there is none. */
int place_command(const char *const *arguments);

#endif
