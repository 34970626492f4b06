/* The results as a table for people (plain or Markdown), as JSON and as CSV. */
#include "base/json.h"
#include "report/text.h"
#include "runner/bench/bench.h"
#include "runner/output_file.h"
#include "runner/worker_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 32, COLUMNS = 3 };

/* --- cells --- */

static void figure_text(char out[CELL], double value)
{
    char rate[AFT_TEXT_NUMBER];
    if (!isfinite(value)) {
        (void)snprintf(out, CELL, "-");
    } else if (value < 999.5) {
        (void)snprintf(out, CELL, "%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
    } else {
        (void)snprintf(out, CELL, "%s", aft_text_rate(rate, value));
    }
}

static void share_text(char out[CELL], double fraction)
{
    if (isfinite(fraction)) {
        (void)snprintf(out, CELL, "%.*f %%", fraction < 0.0995 ? 1 : 0, 100 * fraction);
    } else {
        (void)snprintf(out, CELL, "-");
    }
}

/* What tells the row from others of its name. */
static void describe(char *text, size_t size, const struct aft_bench *bench,
                     const struct aft_bench_result *result)
{
    int n = 0;
    text[0] = '\0';
    if (strcmp(result->name, "sgemm") == 0) {
        n = snprintf(text, size, "%d x %d, OpenBLAS", aft_bench_machine_sgemm_size(bench->machine),
                     aft_bench_machine_sgemm_size(bench->machine));
    } else if (result->curriculum != NULL) {
        n = snprintf(text, size, "%s, stage 1", result->curriculum);
    } else if (result->batch > 0) {
        n = snprintf(text, size, "%s batch %d", result->network, result->batch);
    } else if (result->n_envs > 0) {
        n = snprintf(text, size, "%d environments%s%s", result->n_envs,
                     result->network[0] != '\0' ? ", " : "", result->network);
    } else {
        n = snprintf(text, size, "%s", result->network);
    }
    if (result->variant != NULL) {
        (void)snprintf(text + n, size - (size_t)n, "%s%s", n > 0 ? ", " : "", result->variant);
    }
}

/* --- rows --- */

static void print_cells(const struct aft_bench *bench, const struct aft_bench_result *result)
{
    bool markdown = bench->options->format == AFT_BENCH_MARKDOWN;
    char cells[COLUMNS][CELL] = {"", "", ""};
    if (result == NULL && !markdown) {
        return;
    }
    if (result != NULL) {
        figure_text(cells[0], result->value);
        figure_text(cells[1], result->bound);
        share_text(cells[2], result->fraction);
    }
    (void)printf(markdown ? " %s | %s | %s |" : " %8s %8s %6s", cells[0], cells[1], cells[2]);
}

static void print_row(const struct aft_bench *bench, const struct aft_bench_result *one,
                      const struct aft_bench_result *all)
{
    bool markdown = bench->options->format == AFT_BENCH_MARKDOWN;
    const struct aft_bench_result *told = one != NULL ? one : all;
    char what[96];
    describe(what, sizeof what, bench, told);
    (void)printf(markdown ? "| %s | %s | %s |" : "%-13s %-36s %9s", told->name, what, told->unit);
    print_cells(bench, one);
    if (bench->threads > 1) {
        print_cells(bench, all);
    }
    (void)printf("\n");
}

/* The result of a later measurement with more threads that belongs beside this one. */
static const struct aft_bench_result *partner(const struct aft_bench *bench, int index)
{
    const struct aft_bench_result *one = &bench->results[index];
    for (int i = index + 1; i < bench->n_results; i++) {
        const struct aft_bench_result *other = &bench->results[i];
        if (other->threads != one->threads && strcmp(other->name, one->name) == 0 &&
            strcmp(other->network, one->network) == 0 && other->batch == one->batch &&
            other->n_envs == one->n_envs && other->variant == one->variant &&
            other->curriculum == one->curriculum) {
            return other;
        }
    }
    return NULL;
}

void aft_bench_print_rows(const struct aft_bench *bench, int first)
{
    for (int i = first; i < bench->n_results; i++) {
        const struct aft_bench_result *result = &bench->results[i];
        if (result->threads == 1) {
            print_row(bench, result, partner(bench, i));
        } else if (bench->on_gpu) {
            print_row(bench, NULL, result);
        }
    }
    (void)fflush(stdout);
}

void aft_bench_print_heading(const struct aft_bench *bench)
{
    bool markdown = bench->options->format == AFT_BENCH_MARKDOWN;
    const char *end = markdown ? "  \n" : "\n";
    (void)printf("%s; %s%sengine: %s%s\n", aft_bench_machine_name(bench->machine),
                 aft_bench_machine_blas(bench->machine), end, bench->engine, end);
    if (bench->options->growth) {
        return;
    }
    if (markdown) {
        (void)printf("| name | what | unit | 1 thread | bound | share |");
        if (bench->threads > 1) {
            (void)printf(" %d threads | bound | share |", bench->threads);
        }
        (void)printf("\n|---|---|---|--:|--:|--:|%s\n", bench->threads > 1 ? "--:|--:|--:|" : "");
        return;
    }
    char all[CELL];
    (void)snprintf(all, sizeof all, "%d threads", bench->threads);
    (void)printf("%-13s %-36s %9s %8s %8s %6s", "", "", "", "1 thread", "bound", "share");
    if (bench->threads > 1) {
        (void)printf(" %10s %6s %6s", all, "bound", "share");
    }
    (void)printf("\n");
}

/* --- JSON and CSV --- */

static bool is_of_machine(const struct aft_bench_result *result)
{
    return strcmp(result->name, "sgemm") == 0 || strcmp(result->name, "memory") == 0;
}

static struct aft_json *text_or_null(const char *text)
{
    return aft_json_string(text != NULL && text[0] != '\0' ? text : NULL);
}

static struct aft_json *count_or_null(int count)
{
    return count > 0 ? aft_json_integer(count) : aft_json_null();
}

static struct aft_json *json_of_result(const struct aft_bench_result *result)
{
    struct aft_json *object = aft_json_object();
    aft_json_set_string(object, "name", result->name);
    aft_json_set(object, "network", text_or_null(result->network));
    aft_json_set(object, "batch", count_or_null(result->batch));
    aft_json_set_integer(object, "threads", result->threads);
    aft_json_set_real(object, "value", result->value);
    aft_json_set_string(object, "unit", result->unit);
    aft_json_set_real(object, "bound", result->bound);
    aft_json_set_real(object, "fraction", result->fraction);
    aft_json_set_real(object, "spread", result->spread);
    aft_json_set(object, "n_envs", count_or_null(result->n_envs));
    aft_json_set(object, "curriculum", text_or_null(result->curriculum));
    aft_json_set(object, "variant", text_or_null(result->variant));
    aft_json_set(object, "axis", text_or_null(result->axis));
    return object;
}

/* { "1": one thread, "all": all } of SGEMM or memory */
static struct aft_json *json_of_peaks(const struct aft_bench *bench, const char *name)
{
    struct aft_json *object = aft_json_object();
    for (int i = 0; i < bench->n_results; i++) {
        const struct aft_bench_result *result = &bench->results[i];
        if (strcmp(result->name, name) == 0 && result->threads == 1) {
            aft_json_set_real(object, "1", result->value);
        }
        if (strcmp(result->name, name) == 0 && result->threads == bench->threads) {
            aft_json_set_real(object, "all", result->value);
        }
    }
    return object;
}

enum aft_code aft_bench_print_json(const struct aft_bench *bench, struct aft_error *error)
{
    struct aft_json *document = aft_json_object(), *results = aft_json_array();
    aft_json_set_string(document, "machine", aft_bench_machine_name(bench->machine));
    aft_json_set_string(document, "blas", aft_bench_machine_blas(bench->machine));
    aft_json_set_boolean(document, "reference_blas", bench->warned_of_blas);
    aft_json_set_string(document, "version", AFT_VERSION);
    aft_json_set_string(document, "engine", bench->engine);
    aft_json_set_integer(document, "threads", bench->threads);
    aft_json_set_boolean(document, "quick", bench->options->quick);
    aft_json_set_real(document, "load_average", aft_bench_machine_load(bench->machine));
    aft_json_set_integer(document, "sgemm_size", aft_bench_machine_sgemm_size(bench->machine));
    aft_json_set(document, "sgemm_gflops", json_of_peaks(bench, "sgemm"));
    aft_json_set(document, "memory_gb_s", json_of_peaks(bench, "memory"));
    for (int i = 0; i < bench->n_results; i++) {
        if (!is_of_machine(&bench->results[i])) {
            aft_json_append(results, json_of_result(&bench->results[i]));
        }
    }
    aft_json_set(document, "results", results);
    aft_json_set_real(document, "seconds", aft_monotonic_s() - bench->began_s);
    enum aft_code code = aft_json_print(stdout, document, error);
    aft_json_destroy(document);
    return code;
}

/* Nothing where there is no such number. */
static void csv_number(FILE *out, double number, const char *end)
{
    if (isfinite(number)) {
        (void)fprintf(out, "%.9g", number);
    }
    (void)fputs(end, out);
}

static void csv_row(FILE *out, const struct aft_bench_result *result)
{
    (void)fprintf(out, "%s,\"%s\",%d,%d,%d,%s,%s,%s,%s,", result->name, result->network,
                  result->batch, result->n_envs, result->threads,
                  result->curriculum != NULL ? result->curriculum : "",
                  result->variant != NULL ? result->variant : "",
                  result->axis != NULL ? result->axis : "", result->unit);
    csv_number(out, result->value, ",");
    csv_number(out, result->bound, ",");
    csv_number(out, result->fraction, ",");
    csv_number(out, result->spread, "\n");
}

enum aft_code aft_bench_write_csv(const struct aft_bench *bench, const char *path,
                                  struct aft_error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write '%s': out of memory", path);
    }
    (void)fputs(
        "name,network,batch,n_envs,threads,curriculum,variant,axis,unit,value,bound,"
        "fraction,spread\n",
        out);
    for (int i = 0; i < bench->n_results; i++) {
        csv_row(out, &bench->results[i]);
    }
    enum aft_code code = fclose(out) == 0
                             ? aft_output_file_write(path, text, size, error)
                             : aft_fail(error, AFT_ERR_MEMORY, "write '%s': out of memory", path);
    free(text);
    return code;
}
