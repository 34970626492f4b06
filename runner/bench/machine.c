/* What the machine can do at best: SGEMM and memory, on one core and on all. */
#include "runner/bench/bench.h"
#include "runner/bench/blas.h"
#include "runner/worker_run.h"

#include <dlfcn.h>
#include <link.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 2048, QUICK_SIZE = 1024, ALIGNMENT = 64, MEMORY_PASSES = 4, MAX_THREADS = 1024 };

struct aft_bench_machine {
    char name[160], blas_name[256];
    double load;
    int threads, size;
    size_t memory_n; /* doubles of each of the three arrays */
    struct aft_blas blas;
    struct aft_thread_pool *pool;
    float *a, *b, *c; /* [size][size]; c is [threads][size][size] */
};

static void name_machine(struct aft_bench_machine *machine)
{
    char line[256], model[128] = "unknown processor";
    FILE *file = fopen("/proc/cpuinfo", "re");
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "model name : %127[^\n]", model) == 1) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)snprintf(machine->name, sizeof machine->name, "%s, %d core%s", model, cores,
                   cores == 1 ? "" : "s");
}

/* Far beyond the last cache, within reason. */
static size_t memory_elements(bool quick)
{
    enum { LEAST = 32 << 20, MOST = 128 << 20 };
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    size_t bytes = cache > 0 ? 2 * (size_t)cache : LEAST;
    bytes = bytes < LEAST || quick ? LEAST : bytes > MOST ? MOST : bytes;
    return bytes / sizeof(double);
}

static void fill_task(void *context, int task, int thread)
{
    struct aft_bench_machine *machine = context;
    size_t n = (size_t)machine->size * (size_t)machine->size;
    (void)thread;
    memset(machine->c + (size_t)task * n, 0, n * sizeof(float));
}

static enum aft_code make_matrices(struct aft_bench_machine *machine, struct aft_error *error)
{
    size_t n = (size_t)machine->size * (size_t)machine->size;
    machine->a = aligned_alloc(ALIGNMENT, n * sizeof(float));
    machine->b = aligned_alloc(ALIGNMENT, n * sizeof(float));
    machine->c = aligned_alloc(ALIGNMENT, (size_t)machine->threads * n * sizeof(float));
    if (machine->a == NULL || machine->b == NULL || machine->c == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "measure SGEMM: out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        machine->a[i] = (float)(i % 7) - 3.0f;
        machine->b[i] = (float)(i % 5) - 2.0f;
    }
    aft_thread_pool_run(machine->pool, machine->threads, fill_task, machine);
    return AFT_OK;
}

enum aft_code aft_bench_machine_create(struct aft_bench_machine **out, int threads, bool quick,
                                       struct aft_error *error)
{
    struct aft_bench_machine *machine = calloc(1, sizeof *machine);
    *out = machine;
    if (machine == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "look at the machine: out of memory");
    }
    machine->size = quick ? QUICK_SIZE : SIZE;
    machine->memory_n = memory_elements(quick);
    if (getloadavg(&machine->load, 1) != 1) {
        machine->load = (double)NAN;
    }
    name_machine(machine);
    enum aft_code code = aft_blas_open(&machine->blas, error);
    if (code == AFT_OK) {
        aft_blas_describe(&machine->blas, machine->blas_name, sizeof machine->blas_name);
        code = aft_thread_pool_create(&machine->pool, threads, error);
    }
    if (code == AFT_OK) {
        machine->threads = aft_thread_pool_threads(machine->pool);
        code = make_matrices(machine, error);
    }
    return code;
}

void aft_bench_machine_destroy(struct aft_bench_machine *machine)
{
    if (machine != NULL) {
        aft_thread_pool_destroy(machine->pool);
        free(machine->a);
        free(machine->b);
        free(machine->c);
        free(machine);
    }
}

int aft_bench_machine_threads(const struct aft_bench_machine *machine)
{
    return machine->threads;
}

const char *aft_bench_machine_name(const struct aft_bench_machine *machine)
{
    return machine->name;
}

const char *aft_bench_machine_blas(const struct aft_bench_machine *machine)
{
    return machine->blas_name;
}

double aft_bench_machine_load(const struct aft_bench_machine *machine)
{
    return machine->load;
}

int aft_bench_machine_sgemm_size(const struct aft_bench_machine *machine)
{
    return machine->size;
}

struct products {
    struct aft_bench_machine *machine;
    double *gflops; /* [tasks] */
};

static void product_task(void *context, int task, int thread)
{
    struct products *products = context;
    struct aft_bench_machine *machine = products->machine;
    int n = machine->size;
    double begin = aft_monotonic_s();
    (void)thread;
    machine->blas.sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0f, machine->a, n,
                        machine->b, n, 0.0f, machine->c + (size_t)task * (size_t)n * (size_t)n, n);
    products->gflops[task] = 2e-9 * n * n * n / (aft_monotonic_s() - begin);
}

double aft_bench_sgemm_gflops(struct aft_bench_machine *machine, int threads)
{
    double gflops[MAX_THREADS], sum = 0;
    struct products products = {machine, gflops};
    aft_thread_pool_run(machine->pool, threads, product_task, &products);
    for (int i = 0; i < threads; i++) {
        sum += gflops[i];
    }
    return sum;
}

struct triad {
    double *a, *b, *c; /* [n] */
    size_t n;
    int threads;
    double scale;
};

static void triad_task(void *context, int task, int thread)
{
    const struct triad *triad = context;
    size_t first = triad->n * (size_t)task / (size_t)triad->threads;
    size_t end = triad->n * (size_t)(task + 1) / (size_t)triad->threads;
    double *restrict a = triad->a;
    const double *restrict b = triad->b, *restrict c = triad->c;
    (void)thread;
    for (size_t i = first; i < end; i++) {
        a[i] = b[i] + triad->scale * c[i];
    }
}

double aft_bench_memory_gb_s(struct aft_bench_machine *machine, int threads)
{
    size_t n = machine->memory_n;
    struct triad triad = {.b = malloc(n * sizeof(double)),
                          .c = malloc(n * sizeof(double)),
                          .a = malloc(n * sizeof(double)),
                          .n = n,
                          .threads = threads,
                          .scale = 3.0};
    double best_s = HUGE_VAL;
    if (triad.a != NULL && triad.b != NULL && triad.c != NULL) {
        memset(triad.b, 0, n * sizeof(double));
        memset(triad.c, 0, n * sizeof(double));
        for (int i = 0; i < MEMORY_PASSES; i++) { /* the first one gets the pages of a */
            double begin = aft_monotonic_s();
            aft_thread_pool_run(machine->pool, threads, triad_task, &triad);
            best_s = fmin(best_s, aft_monotonic_s() - begin);
        }
    }
    free(triad.a);
    free(triad.b);
    free(triad.c);
    return 24e-9 * (double)n / best_s;
}

struct search {
    char *path;
    size_t size;
    bool found;
};

/* One libblas.so, as whoever asks for "the" BLAS gets it. */
static int look_at_library(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    const char *slash = strrchr(info->dlpi_name, '/');
    (void)size;
    if (slash != NULL && strncmp(slash + 1, "libblas.so", 10) == 0) {
        (void)snprintf(search->path, search->size, "%s", info->dlpi_name);
        search->found = true;
    }
    return search->found;
}

/* OpenBLAS, MKL and BLIS are also installed under that name; each has a symbol of its own. */
static bool is_reference(const char *path)
{
    static const char *const others[] = {"openblas_get_config", "MKL_Get_Version",
                                         "bli_info_get_version_str", "ATL_buildinfo"};
    void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    bool reference = library != NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others && reference; i++) {
        reference = dlsym(library, others[i]) == NULL;
    }
    if (library != NULL) {
        (void)dlclose(library);
    }
    return reference;
}

bool aft_bench_reference_blas(const struct aft_bench_machine *machine, char *path, size_t size)
{
    struct search search = {path, size, false};
    if (machine->blas.reference) {
        (void)snprintf(path, size, "cblas_sgemm");
        return true;
    }
    (void)dl_iterate_phdr(look_at_library, &search);
    return search.found && is_reference(path);
}
