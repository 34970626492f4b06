/*
 * The compute module, aftershock_compute.so: everything that needs BLAS, and so
 * is never linked into the executable. (OpenBLAS starts threads when it is
 * merely loaded; such a thread takes a signal that the keeper has blocked.) The
 * command line loads it with dlopen where a command computes.
 */
#ifndef AFT_RUNNER_COMPUTE_H
#define AFT_RUNNER_COMPUTE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { AFT_COMPUTE_VERSION = 2 };
#define AFT_COMPUTE_MODULE_FILE "aftershock_compute.so"
#define AFT_COMPUTE_MODULE_SYMBOL "aft_compute_module"

/* The worker is this program, started as `aftershock _work …` (not for people:
 * no help lists it). All of argv goes to work(), so argv[1] is this word. */
#define AFT_WORK_COMMAND "_work"

struct aft_motion_options { /* of `aftershock motion` */
    const char *file;       /* a record to read; NULL: make one */
    double magnitude, distance_km;
    uint64_t seed;
    double pga_g;                    /* scale to this; 0: as it is */
    double dt_s;                     /* step of a motion that is made */
    const char *csv_path, *svg_path; /* NULL: not written */
    bool json;
};

enum aft_bench_part {
    AFT_BENCH_UPDATE = 1,
    AFT_BENCH_ENV_STEP = 2,
    AFT_BENCH_ROLLOUT = 4,
    AFT_BENCH_TRAIN = 8,
    AFT_BENCH_ARCHIVE_SAVE = 16,
    AFT_BENCH_ARCHIVE_LOAD = 32,
    AFT_BENCH_STARTUP = 64,
};
enum aft_bench_format { AFT_BENCH_TABLE, AFT_BENCH_MARKDOWN, AFT_BENCH_JSON };

struct aft_bench_options { /* of `aftershock bench` */
    unsigned parts;        /* of enum aft_bench_part; 0: all */
    int threads;           /* what "all" means; 0: all cores */
    const char *engine, *device;
    bool quick, growth;
    enum aft_bench_format format;
    const char *csv_path, *svg_path; /* NULL: not written; the picture is of growth */
};

/* All return the program's exit code and have printed what there is to say. */
struct aft_compute_interface {
    int version; /* AFT_COMPUTE_VERSION, or the module is of another build */
    int (*motion)(const struct aft_motion_options *options);
    int (*bench)(const struct aft_bench_options *options);
    int (*work)(int argc, char **argv);
};

typedef const struct aft_compute_interface *(*aft_compute_module_function)(void);

/* What the module exports. */
const struct aft_compute_interface *aft_compute_module(void);

/* The entry points behind it. */
int aft_run_motion(const struct aft_motion_options *options); /* motion.c */
int aft_run_bench(const struct aft_bench_options *options);   /* bench/bench.c */

#endif
