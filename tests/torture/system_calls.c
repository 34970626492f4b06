/*
 * (a) and (b): the keeper, which is the process that saves, is killed at, or
 * given an error by, each of its system calls, one after the other. strace -D
 * leaves the program the child of this process; without -f the worker, which
 * writes no file, is not traced, so that when=N counts the keeper's calls only.
 */
#include "tests/torture/examine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum goal { TO_THE_END, UNTIL_INTERRUPTED, UNTIL_WORKER_LOST };
enum { MAX_POINTS = 512 };
static const double WAIT_LIMIT_S = 60.0;

struct scenario {
    const char *name;
    const char *saves; /* what is saved in it */
    enum goal goal;
    const char *before[3]; /* what was done before, as arguments of a run; NULL: nothing */
    const char *removed;   /* then this archive was taken away */
    const char *arguments[5];
    int status; /* at the end, undisturbed */
};

static const struct scenario scenarios[] = {
    {.name = "stage", .saves = "a stage's archive", .before = {"--stop-after-stage", "1", NULL}},
    {.name = "superseded",
     .saves = "stage archives, with an older one in the way",
     .before = {"--stop-after-stage", "2", NULL},
     .removed = "stage1_50kN.zip"},
    {.name = "interrupted",
     .saves = "an INTERRUPTED archive",
     .goal = UNTIL_INTERRUPTED,
     .before = {"--stop-after-stage", "1", NULL},
     .arguments = {"--set", "stage 2.timesteps=100000000", NULL},
     .status = 128 + SIGINT},
    {.name = "error",
     .saves = "an ERROR archive",
     .goal = UNTIL_WORKER_LOST,
     .before = {"--stop-after-stage", "1", NULL},
     .arguments = {"--set", "stage 2.timesteps=100000000", "--set", "recovery.retries=0", NULL},
     .status = 1},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

static const char *const calls[] = {"openat",   "write", "fsync",    "rename",    "unlink",
                                    "unlinkat", "close", "pwrite64", "ftruncate", "mkdir"};
enum { CALLS = sizeof calls / sizeof *calls };

struct bench { /* a scenario, ready to be started again and again */
    struct torture *torture;
    const struct scenario *scenario;
    struct place place;
    char prepared[PATH_MAX]; /* copy of models as it was before */
    char trace[PATH_MAX];
};

static void copy_folder(const char *from, const char *to)
{
    const char *const copy[] = {"cp", "-a", from, to, NULL};
    if (place_command(copy) != 0) {
        (void)fprintf(stderr, "torture: cp -a %s %s failed\n", from, to);
        exit(1);
    }
}

static void bench_open(struct bench *bench, struct torture *torture,
                       const struct scenario *scenario)
{
    char path[PATH_MAX];
    memset(bench, 0, sizeof *bench);
    bench->torture = torture;
    bench->scenario = scenario;
    place_open(&bench->place, torture, PLACE_TINY);
    bool fits =
        snprintf(bench->prepared, PATH_MAX, "%s/prepared", bench->place.folder) < PATH_MAX &&
        snprintf(bench->trace, PATH_MAX, "%s/trace.txt", bench->place.folder) < PATH_MAX &&
        snprintf(path, PATH_MAX, "%s/%s", bench->place.run,
                 scenario->removed != NULL ? scenario->removed : "") < PATH_MAX;
    if (!fits || place_train(&bench->place, torture, scenario->before) != 0 ||
        (scenario->removed != NULL && unlink(path) != 0)) {
        (void)fprintf(stderr, "torture: cannot prepare '%s'\n", scenario->name);
        program_show_output(bench->place.folder);
        exit(1);
    }
    copy_folder(bench->place.run, bench->prepared);
}

static void bench_restore(const struct bench *bench)
{
    place_clear(&bench->place);
    copy_folder(bench->prepared, bench->place.run);
}

/* Starts the scenario with one call tampered with (NULL: only traced) and drives it to its goal. */
static int bench_run(const struct bench *bench, const char *call, const char *tamper)
{
    char trace[64];
    char inject[96];
    const struct scenario *scenario = bench->scenario;
    struct program program;
    (void)snprintf(trace, sizeof trace, "trace=%s", call);
    (void)snprintf(inject, sizeof inject, "inject=%s:%s", call, tamper != NULL ? tamper : "");
    const char *const prefix[] = {"strace",     "-D", "-y",  "-o",
                                  bench->trace, "-e", trace, tamper != NULL ? "-e" : NULL,
                                  inject,       NULL};
    place_start(&program, &bench->place, bench->torture, prefix, scenario->arguments);
    if (scenario->goal != TO_THE_END && program_await_step(&program, 2, 256)) {
        if (scenario->goal == UNTIL_INTERRUPTED) {
            (void)kill(program.pid, SIGINT);
        } else {
            (void)program_signal_worker(&program, SIGKILL);
        }
    }
    return place_wait(&program, WAIT_LIMIT_S);
}

/* The ordinals of the calls in the trace that concern the run's folder, or what was printed. */
static int points_of_trace(int points[MAX_POINTS], const struct bench *bench)
{
    char *line = NULL;
    size_t capacity = 0;
    int n_calls = 0;
    int n = 0;
    FILE *file = fopen(bench->trace, "r");
    while (file != NULL && getline(&line, &capacity, file) > 0 && n < MAX_POINTS) {
        n_calls += strchr(line, '(') != NULL && strncmp(line, "---", 3) != 0 &&
                   strncmp(line, "+++", 3) != 0;
        bool of_run =
            strstr(line, bench->place.run) != NULL || strstr(line, bench->place.output) != NULL;
        if (of_run && strncmp(line, "---", 3) != 0) {
            points[n++] = n_calls;
        }
    }
    free(line);
    if (file != NULL) {
        (void)fclose(file);
    }
    return n;
}

/* The same after a run of its own, that only counts. */
static int find_points(int points[MAX_POINTS], const struct bench *bench, const char *call)
{
    bench_restore(bench);
    (void)bench_run(bench, call, NULL);
    return points_of_trace(points, bench);
}

/* True where there is such a call. */
static bool kill_at(struct row *row, const struct bench *bench, const char *call, int n)
{
    char tamper[64];
    char done[128];
    (void)snprintf(tamper, sizeof tamper, "signal=KILL:when=%d", n);
    (void)snprintf(done, sizeof done, "kill at %s %d of '%s'", call, n, bench->scenario->name);
    bench_restore(bench);
    int status = bench_run(bench, call, tamper);
    examine(row, &bench->place, done);
    if (status != PLACE_SIGNALLED + SIGKILL) {
        if (status != bench->scenario->status) {
            examine_wrong(row, &bench->place, done, "it ended with %d", status);
        }
        return false;
    }
    row->tried++;
    examine_finish(row, &bench->place, bench->torture, NULL, done);
    return true;
}

/* Between two calls that concern the run's folder the disk does not change, so the short form
 * leaves out the others, and takes half of these. */
static void kill_at_every(struct row *row, const struct bench *bench, const char *call)
{
    int points[MAX_POINTS];
    if (bench->torture->long_form) {
        for (int n = 1; kill_at(row, bench, call, n); n++) {
        }
    } else {
        int n = find_points(points, bench, call);
        for (int i = 0; i < n; i++) {
            if (torture_chance(bench->torture, 2) == 0) {
                (void)kill_at(row, bench, call, points[i]);
            }
        }
    }
}

static void fail_at(struct row *row, struct bench *bench, const char *call, int n,
                    const char *error)
{
    char tamper[64];
    char done[128];
    (void)snprintf(tamper, sizeof tamper, "error=%s:when=%d", error, n);
    (void)snprintf(done, sizeof done, "%s at %s %d of '%s'", error, call, n, bench->scenario->name);
    bench_restore(bench);
    int status = bench_run(bench, call, tamper);
    row->tried++;
    examine(row, &bench->place, done);
    /* 1: failed at run time; 3: what is on disk could not be judged */
    if (status != bench->scenario->status && status != 1 && status != 3) {
        examine_wrong(row, &bench->place, done, "it ended with %d", status);
    }
    examine_finish(row, &bench->place, bench->torture, NULL, done);
}

static void fail_at_every(struct row *row, struct bench *bench, const char *call)
{
    static const char *const errors[] = {"EIO", "ENOSPC"};
    int points[MAX_POINTS];
    int n = find_points(points, bench, call);
    for (int i = 0; i < n; i++) {
        for (int e = 0; e < 2; e++) {
            if (bench->torture->long_form || torture_chance(bench->torture, 12) == 0) {
                fail_at(row, bench, call, points[i], errors[e]);
            }
        }
    }
}

void attack_system_calls_by_kill(struct torture *torture)
{
    for (int s = 0; s < SCENARIOS; s++) {
        char attack[96];
        struct bench bench;
        (void)snprintf(attack, sizeof attack, "kill at every system call around %s",
                       scenarios[s].saves);
        struct row *row = torture_row(torture, attack);
        if (torture->no_strace[0] != '\0') {
            (void)snprintf(row->why, sizeof row->why, "%s", torture->no_strace);
            continue;
        }
        if (!torture->long_form) {
            (void)snprintf(row->why, sizeof row->why, "every call: in the long form");
        }
        bench_open(&bench, torture, &scenarios[s]);
        for (int c = 0; c < CALLS; c++) {
            kill_at_every(row, &bench, calls[c]);
        }
        place_close(&bench.place);
    }
}

void attack_system_calls_by_error(struct torture *torture)
{
    for (int s = 0; s < SCENARIOS; s++) {
        char attack[96];
        struct bench bench;
        (void)snprintf(attack, sizeof attack, "EIO and ENOSPC at system calls around %s",
                       scenarios[s].saves);
        struct row *row = torture_row(torture, attack);
        if (torture->no_strace[0] != '\0') {
            (void)snprintf(row->why, sizeof row->why, "%s", torture->no_strace);
            continue;
        }
        if (!torture->long_form) {
            (void)snprintf(row->why, sizeof row->why, "every call: in the long form");
        }
        bench_open(&bench, torture, &scenarios[s]);
        for (int c = 0; c < CALLS; c++) {
            fail_at_every(row, &bench, calls[c]);
        }
        place_close(&bench.place);
    }
}
