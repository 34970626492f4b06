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

enum { AFT_COMPUTE_VERSION = 6 };
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

enum aft_evaluate_scale { /* of the motions of `aftershock evaluate` */
                          AFT_EVALUATE_AS_STAGE,
                          AFT_EVALUATE_AT_PGA,
                          AFT_EVALUATE_AT_SA, /* 5 % damped, at the first period */
                          AFT_EVALUATE_UNSCALED
};

struct aft_evaluate_options { /* of `aftershock evaluate`; strings are borrowed */
    const char *archive;
    const char *against;         /* another archive, whose policy is the baseline; NULL: none */
    const char *curriculum_path; /* of an archive that carries none; NULL: stages.ini */
    const char *engine, *device;
    int threads;           /* 0: all cores */
    int stage;             /* from 1; 0: all up to the archive's */
    int motions_per_stage; /* unseen motions, where neither records nor a magnitude are given */
    uint64_t seed;         /* of generated motions and of the sensors' noise */
    const char *const *records; /* files or folders */
    int n_records;
    double magnitude; /* 0: none are generated beside the stage's own */
    double distance_km;
    int count;
    enum aft_evaluate_scale scale;
    double scale_g;
    const char *controllers;      /* "policy,lqg"; NULL: all */
    const char *const *overrides; /* "SECTION.KEY=VALUE" */
    int n_overrides;
    bool bound; /* the controller that knows the future takes part */
    bool robustness, json;
    const char *csv_path, *report_path; /* NULL: not written */
};

enum aft_export_format {
    AFT_EXPORT_TORCHSCRIPT,
    AFT_EXPORT_ONNX,
    AFT_EXPORT_SAFETENSORS,
    AFT_EXPORT_CSOURCE
};

struct aft_export_options {       /* of `aftershock export`; strings are borrowed */
    const char *archive, *output; /* "-": standard output, and what is said goes to the other */
    enum aft_export_format format;
    const char *curriculum_path; /* of an archive that carries none; NULL: stages.ini */
    int stage;                   /* whose force limit and settings; 0: the archive's */
    bool json;
};

/* All return the program's exit code and have printed what there is to say. */
struct aft_compute_interface {
    int version; /* AFT_COMPUTE_VERSION, or the module is of another build */
    int (*motion)(const struct aft_motion_options *options);
    int (*bench)(const struct aft_bench_options *options);
    int (*work)(int argc, char **argv);
    int (*evaluate)(const struct aft_evaluate_options *options);
    int (*export_policy)(const struct aft_export_options *options);
};

typedef const struct aft_compute_interface *(*aft_compute_module_function)(void);

/* What the module exports. */
const struct aft_compute_interface *aft_compute_module(void);

/* The entry points behind it. */
int aft_run_motion(const struct aft_motion_options *options);     /* motion.c */
int aft_run_bench(const struct aft_bench_options *options);       /* bench/bench.c */
int aft_run_evaluate(const struct aft_evaluate_options *options); /* evaluate/evaluate.c */
int aft_run_export(const struct aft_export_options *options);     /* export/export.c */

#endif
