/* aftershock bench: what is measured in which order, and how it ends. */
#include "runner/bench/bench.h"

#include "runner/exit_code.h"
#include "runner/worker_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double busy_load = 0.5;

/* --- stopping --- */

static volatile sig_atomic_t stop_signal;

static void note_signal(int number)
{
    stop_signal = number;
}

/* Once: a second signal ends the program at once. */
static void watch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND};
    stop_signal = 0;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            (void)sigaction(signals[i], &action, NULL);
        }
    }
}

bool aft_bench_stopped(void)
{
    return stop_signal != 0;
}

/* --- what is said on the way --- */

bool aft_bench_wants(const struct aft_bench *bench, enum aft_bench_part part)
{
    return bench->options->parts == 0 || (bench->options->parts & (unsigned)part) != 0;
}

static void warn_of_load(const struct aft_bench *bench)
{
    double load = aft_bench_machine_load(bench->machine);
    if (load > busy_load) {
        (void)fprintf(stderr,
                      "aftershock bench: warning: the machine is busy (load average %.2f): "
                      "figures will be too low\n",
                      load);
    }
}

/* As soon as it is loaded: an engine brings it, or LAPACK with the first building. */
static void warn_of_blas(struct aft_bench *bench)
{
    char path[256];
    if (!bench->warned_of_blas && aft_bench_reference_blas(bench->machine, path, sizeof path)) {
        bench->warned_of_blas = true;
        (void)fprintf(stderr,
                      "aftershock bench: WARNING: the reference BLAS is loaded (%s). libtorch, and "
                      "any engine that calls it, is up to 40 times slower with it; install "
                      "libopenblas0-pthread, or choose OpenBLAS with update-alternatives\n",
                      path);
    }
}

/* --- the ordinary measurements --- */

static enum aft_code measure_machine(struct aft_bench *bench, int threads, struct aft_error *error)
{
    struct aft_bench_result sgemm = {
        .name = "sgemm", .threads = threads, .unit = "GFLOP/s", .bound = (double)NAN};
    sgemm.fraction = sgemm.bound;
    struct aft_bench_result memory = sgemm;
    double gflops[8], gb_s[8];
    memory.name = "memory";
    memory.unit = "GB/s";
    (void)aft_bench_sgemm_gflops(bench->machine, threads); /* wakes the cores */
    for (int i = 0; i < bench->rounds; i++) {
        gflops[i] = aft_bench_sgemm_gflops(bench->machine, threads);
        gb_s[i] = aft_bench_memory_gb_s(bench->machine, threads);
        if (aft_bench_stopped()) {
            return aft_fail(error, AFT_ERR_BUSY, "stopped");
        }
    }
    sgemm.value = aft_bench_median(gflops, bench->rounds);
    sgemm.spread = (gflops[bench->rounds - 1] - gflops[0]) / sgemm.value;
    memory.value = aft_bench_median(gb_s, bench->rounds);
    memory.spread = (gb_s[bench->rounds - 1] - gb_s[0]) / memory.value;
    enum aft_code code = aft_bench_add(bench, &sgemm, error);
    return code == AFT_OK ? aft_bench_add(bench, &memory, error) : code;
}

typedef enum aft_code (*part)(struct aft_bench *bench, int threads, struct aft_error *error);

static enum aft_code measure_env_step(struct aft_bench *bench, int threads, struct aft_error *error)
{
    return aft_bench_measure_env_step(bench, &(struct aft_bench_place){64, threads, NULL}, error);
}

static enum aft_code measure_rollout(struct aft_bench *bench, int threads, struct aft_error *error)
{
    return aft_bench_measure_rollout(bench, &(struct aft_bench_place){64, threads, NULL}, error);
}

static enum aft_code measure_update(struct aft_bench *bench, int threads, struct aft_error *error)
{
    static const struct aft_bench_update updates[] = {
        {.hidden = {2, {64, 64}}, .activation = AFT_TANH, .batch = 64},
        {.hidden = {2, {64, 64}}, .activation = AFT_TANH, .batch = 256},
        {.hidden = {2, {64, 64}}, .activation = AFT_TANH, .batch = 2048},
        {.hidden = {3, {256, 256, 256}}, .activation = AFT_RELU, .batch = 256},
    };
    enum aft_code code = AFT_OK;
    for (size_t i = 0; i < sizeof updates / sizeof *updates && code == AFT_OK; i++) {
        struct aft_bench_update update = updates[i];
        update.threads = threads;
        code = aft_bench_measure_update(bench, &update, error);
    }
    return code;
}

static enum aft_code measure_training(struct aft_bench *bench, int threads, struct aft_error *error)
{
    enum aft_code code = aft_bench_measure_training(bench, AFT_BENCH_STAGES, threads, error);
    return code == AFT_OK ? aft_bench_measure_training(bench, AFT_BENCH_V9_ADVANCED, threads, error)
                          : code;
}

static bool prints_on_the_way(const struct aft_bench *bench)
{
    return bench->options->format != AFT_BENCH_JSON && !bench->options->growth;
}

/* On one thread and on all, and then its rows. */
static enum aft_code measure_part(struct aft_bench *bench, part measure, struct aft_error *error)
{
    int first = bench->n_results;
    enum aft_code code = measure(bench, 1, error);
    if (code == AFT_OK && bench->threads > 1) {
        code = measure(bench, bench->threads, error);
    }
    warn_of_blas(bench);
    if (code == AFT_OK && prints_on_the_way(bench)) {
        aft_bench_print_rows(bench, first);
    }
    return code;
}

static enum aft_code measure_parts(struct aft_bench *bench, struct aft_error *error)
{
    static const struct {
        enum aft_bench_part name;
        part measure;
    } parts[] = {
        {AFT_BENCH_ENV_STEP, measure_env_step},
        {AFT_BENCH_ROLLOUT, measure_rollout},
        {AFT_BENCH_UPDATE, measure_update},
        {AFT_BENCH_TRAIN, measure_training},
    };
    enum aft_code code = AFT_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && code == AFT_OK; i++) {
        if (aft_bench_wants(bench, parts[i].name)) {
            code = measure_part(bench, parts[i].measure, error);
        }
    }
    return code;
}

/* --- what needs files --- */

static void remove_folder(const char *folder)
{
    DIR *stream = opendir(folder);
    for (struct dirent *entry = stream != NULL ? readdir(stream) : NULL; entry != NULL;
         entry = readdir(stream)) {
        (void)unlinkat(dirfd(stream), entry->d_name, 0); /* "." and ".." refuse */
    }
    if (stream != NULL) {
        (void)closedir(stream);
    }
    (void)rmdir(folder);
}

static enum aft_code measure_files(struct aft_bench *bench, struct aft_error *error)
{
    const char *base = getenv("TMPDIR");
    char folder[512];
    int first = bench->n_results;
    enum aft_code code = AFT_OK;
    bool archives = aft_bench_wants(bench, AFT_BENCH_ARCHIVE_SAVE) ||
                    aft_bench_wants(bench, AFT_BENCH_ARCHIVE_LOAD);
    if (!archives && !aft_bench_wants(bench, AFT_BENCH_STARTUP)) {
        return AFT_OK;
    }
    (void)snprintf(folder, sizeof folder, "%s/aftershock-bench-XXXXXX",
                   base != NULL && *base != '\0' ? base : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return aft_fail_errno(error, "create folder '%s'", folder);
    }
    if (archives) {
        code = aft_bench_measure_archive(bench, folder, error);
    }
    if (code == AFT_OK && aft_bench_wants(bench, AFT_BENCH_STARTUP)) {
        code = aft_bench_measure_startup(bench, folder, error);
    }
    remove_folder(folder);
    if (code == AFT_OK && prints_on_the_way(bench)) {
        aft_bench_print_rows(bench, first);
    }
    return code;
}

/* --- the whole --- */

/* A small engine, to learn what it is and whether it is there at all. */
static enum aft_code meet_engine(struct aft_bench *bench, struct aft_error *error)
{
    static const struct aft_int_list hidden = {1, {8}};
    const struct aft_bench_model_config config = {
        .network = aft_bench_network(4, &hidden, AFT_TANH),
        .max_rows = 8,
        .max_batch = 8,
        .threads = bench->threads,
    };
    struct aft_bench_model model;
    enum aft_code code = aft_bench_model_open(&model, bench, &config, error);
    if (code == AFT_OK) {
        model.engine.use->describe(model.engine.self, bench->engine, sizeof bench->engine);
        bench->on_gpu = strstr(bench->engine, "cuda") != NULL;
    }
    aft_bench_model_close(&model);
    return code;
}

static enum aft_code measure_all(struct aft_bench *bench, struct aft_error *error)
{
    enum aft_code code = meet_engine(bench, error);
    if (code != AFT_OK) {
        return code;
    }
    warn_of_load(bench);
    if (bench->options->format != AFT_BENCH_JSON) {
        aft_bench_print_heading(bench);
    }
    code = measure_part(bench, measure_machine, error);
    if (code == AFT_OK && bench->options->growth) {
        code = aft_bench_measure_growth(bench, error);
    } else if (code == AFT_OK) {
        code = measure_parts(bench, error);
    }
    if (code == AFT_OK && !bench->options->growth) {
        code = measure_files(bench, error);
    }
    return code;
}

static enum aft_code report(const struct aft_bench *bench, struct aft_error *error)
{
    const struct aft_bench_options *options = bench->options;
    enum aft_code code = AFT_OK;
    if (options->format == AFT_BENCH_JSON) {
        code = aft_bench_print_json(bench, error);
    } else if (options->growth) {
        aft_bench_print_growth(bench);
    }
    if (code == AFT_OK && options->csv_path != NULL) {
        code = aft_bench_write_csv(bench, options->csv_path, error);
    }
    if (code == AFT_OK && options->svg_path != NULL) {
        code = aft_bench_draw_growth(bench, options->svg_path, error);
    }
    return code;
}

int aft_run_bench(const struct aft_bench_options *options)
{
    struct aft_error error = {0};
    struct aft_bench bench = {
        .options = options,
        .rounds = options->quick    ? 2
                  : options->growth ? 3
                                    : 5,
        .burst_s = options->quick    ? 0.02
                   : options->growth ? 0.15
                                     : 0.3,
        .began_s = aft_monotonic_s(),
    };
    watch_signals();
    enum aft_code code =
        aft_bench_machine_create(&bench.machine, options->threads, options->quick, &error);
    if (code == AFT_OK) {
        bench.threads = aft_bench_machine_threads(bench.machine);
        code = measure_all(&bench, &error);
    }
    if (code == AFT_OK && !aft_bench_stopped()) {
        code = report(&bench, &error);
    }
    aft_bench_machine_destroy(bench.machine);
    free(bench.results);
    if (aft_bench_stopped()) {
        return 128 + (int)stop_signal;
    }
    if (code != AFT_OK) {
        (void)fprintf(stderr, "aftershock bench: %s\n", error.message);
        return code == AFT_ERR_USAGE ? AFT_EXIT_USAGE : AFT_EXIT_FAILED;
    }
    return AFT_EXIT_OK;
}
