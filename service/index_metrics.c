/* progress.csv into the tables metric_columns, metric_chunks and metric_values: its rows in chunks,
 * a column of a chunk as one run of float64. The file's writer may cut it back (a rollback, a row
 * that is written again): then the chunks behind the last place that is the same go. */
#include "base/path.h"
#include "report/iteration_figures.h"
#include "service/index_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct table { /* of one run, as far as it is being read */
    struct aft_database *database;
    int64_t key;
    struct aft_growing_file *file;
    int columns, step_column; /* 0 columns: the header has not been read */
    /* the chunk that is being filled */
    int64_t chunk;
    struct aft_file_place begin;
    int rows, rows_stored;
    double *values; /* [AFT_METRIC_COLUMNS][AFT_METRIC_CHUNK] */
    bool changed;
};

static struct aft_query *of_run(const struct table *table, const char *sql)
{
    struct aft_query *query = aft_query(table->database, sql);
    aft_query_put_integer(query, table->key);
    return query;
}

static void load_columns(struct table *table)
{
    struct aft_query *query =
        of_run(table, "SELECT number, name FROM metric_columns WHERE run = ? ORDER BY number");
    table->step_column = -1;
    while (table->columns < AFT_METRIC_COLUMNS && aft_query_next(query)) {
        const char *name = aft_query_text(query, 1);
        if (name != NULL && strcmp(name, AFT_TOTAL_STEPS) == 0) {
            table->step_column = table->columns;
        }
        table->columns++;
    }
    aft_query_done(query);
    if (table->step_column < 0) { /* none yet: the header is to be read */
        table->columns = 0;
    }
}

/* The last chunk, if it has room; else a new one begins behind it. */
static void load_last_chunk(struct table *table)
{
    struct aft_query *query =
        of_run(table,
               "SELECT chunk, rows, offset, tail FROM metric_chunks WHERE run = ? "
               "ORDER BY chunk DESC LIMIT 1");
    if (!aft_query_next(query)) {
        return;
    }
    table->chunk = aft_query_integer(query, 0);
    table->rows = (int)aft_query_integer(query, 1);
    table->begin.offset = aft_query_integer(query, 2);
    const void *tail = aft_query_bytes(query, 3, &table->begin.tail_size);
    if (tail != NULL && table->begin.tail_size <= AFT_FILE_TAIL) {
        memcpy(table->begin.tail, tail, table->begin.tail_size);
    }
    aft_query_done(query);
    if (table->rows >= AFT_METRIC_CHUNK || table->rows < 0) {
        table->chunk++;
        table->rows = 0;
    }
    table->rows_stored = table->rows;
    if (table->rows == 0) {
        return;
    }
    query = of_run(table,
                   "SELECT number, numbers FROM metric_values WHERE run = ?1 AND "
                   "chunk = (SELECT MAX(chunk) FROM metric_chunks WHERE run = ?1)");
    while (aft_query_next(query)) {
        size_t size;
        int64_t number = aft_query_integer(query, 0);
        const void *numbers = aft_query_bytes(query, 1, &size);
        if (number >= 0 && number < table->columns &&
            size == (size_t)table->rows * sizeof(double)) {
            memcpy(table->values + number * AFT_METRIC_CHUNK, numbers, size);
        }
    }
}

static void delete_chunks_from(const struct table *table, int64_t chunk)
{
    struct aft_query *query =
        of_run(table, "DELETE FROM metric_values WHERE run = ?1 AND chunk >= ?2");
    aft_query_put_integer(query, chunk);
    (void)aft_query_run(query);
    query = of_run(table, "DELETE FROM metric_chunks WHERE run = ?1 AND chunk >= ?2");
    aft_query_put_integer(query, chunk);
    (void)aft_query_run(query);
}

static void forget(struct table *table)
{
    delete_chunks_from(table, 0);
    (void)aft_query_run(of_run(table, "DELETE FROM metric_columns WHERE run = ?"));
    table->changed = true;
}

/* Deletes the chunks behind the last whose beginning is still the same. Its place is where reading
 * goes on; false where no chunk's is. */
static bool cut_back(struct aft_file_place *place, struct table *table)
{
    struct aft_query *query = of_run(table,
                                     "SELECT chunk, offset, tail FROM metric_chunks WHERE run = ? "
                                     "ORDER BY chunk DESC");
    bool found = false;
    int64_t chunk = 0;
    while (!found && aft_query_next(query)) {
        const void *tail = aft_query_bytes(query, 2, &place->tail_size);
        chunk = aft_query_integer(query, 0);
        place->offset = aft_query_integer(query, 1);
        if (tail != NULL && place->tail_size <= AFT_FILE_TAIL) {
            memcpy(place->tail, tail, place->tail_size);
            found = aft_growing_file_has(table->file, place);
        }
    }
    aft_query_done(query);
    if (found) {
        delete_chunks_from(table, chunk);
        table->changed = true;
    }
    return found;
}

static void range_of(double *low, double *high, double *last, const struct table *table)
{
    const double *steps = table->values + (ptrdiff_t)table->step_column * AFT_METRIC_CHUNK;
    *low = *high = steps[0];
    for (int i = 1; i < table->rows; i++) {
        *low = steps[i] < *low ? steps[i] : *low;
        *high = steps[i] > *high ? steps[i] : *high;
    }
    *last = steps[table->rows - 1];
}

static void store_chunk(struct table *table)
{
    double low, high, last;
    if (table->rows == table->rows_stored) {
        return;
    }
    range_of(&low, &high, &last, table);
    struct aft_query *query =
        of_run(table,
               "INSERT OR REPLACE INTO metric_chunks(run, chunk, offset, tail, rows, low, "
               "high, last) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    aft_query_put_integer(query, table->chunk);
    aft_query_put_integer(query, table->begin.offset);
    aft_query_put_bytes(query, table->begin.tail, table->begin.tail_size);
    aft_query_put_integer(query, table->rows);
    aft_query_put_real(query, low);
    aft_query_put_real(query, high);
    aft_query_put_real(query, last);
    (void)aft_query_run(query);
    for (int i = 0; i < table->columns; i++) {
        query = of_run(table,
                       "INSERT INTO metric_values(run, number, chunk, numbers) "
                       "VALUES(?1, ?2, ?3, ?4) ON CONFLICT(run, number, chunk) DO UPDATE "
                       "SET numbers = excluded.numbers");
        aft_query_put_integer(query, i);
        aft_query_put_integer(query, table->chunk);
        aft_query_put_bytes(query, table->values + (ptrdiff_t)i * AFT_METRIC_CHUNK,
                            (size_t)table->rows * sizeof(double));
        (void)aft_query_run(query);
    }
    table->rows_stored = table->rows;
    table->changed = true;
}

static void cut_return(char *line)
{
    line[strcspn(line, "\r")] = '\0';
}

/* The header. A name twice, or one too long to be ours, makes it no table of ours. */
static enum aft_code take_header(struct table *table, char *line, struct aft_error *error)
{
    char *rest = line;
    const char *name;
    table->step_column = -1;
    while ((name = strsep(&rest, ",")) != NULL) {
        if (table->columns == AFT_METRIC_COLUMNS || strlen(name) >= AFT_FIGURE_NAME_SIZE) {
            break;
        }
        if (strcmp(name, AFT_TOTAL_STEPS) == 0) {
            table->step_column = table->columns;
        }
        struct aft_json *text = aft_json_string(name); /* valid UTF-8 */
        struct aft_query *query =
            of_run(table, "INSERT INTO metric_columns(run, number, name) VALUES(?1, ?2, ?3)");
        aft_query_put_integer(query, table->columns++);
        aft_query_put_text(query, aft_json_string_value(text, "?"));
        (void)aft_query_run(query);
        aft_json_destroy(text);
    }
    if (name != NULL || table->step_column < 0) {
        forget(table);
        table->columns = 0;
        return aft_fail(error, AFT_ERR_CORRUPT, "progress.csv: %s",
                        name != NULL ? "too many columns, or too long a name"
                                     : "no column " AFT_TOTAL_STEPS);
    }
    table->changed = true;
    return AFT_OK;
}

/* A decimal of at most 15 digits and a power of ten up to 22 are exact as doubles, so that their
 * product or quotient is the number rounded once, as strtod gives it (Clinger, "How to read
 * floating point numbers accurately", PLDI 1990). Gives false for any other text. */
static bool read_short_number(double *number, const char *cell)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *c = cell + (*cell == '-');
    int64_t mantissa = 0;
    int digits = 0, power = 0;
    bool fraction = false;
    for (; (*c >= '0' && *c <= '9') || (*c == '.' && !fraction); c++) {
        if (*c == '.') {
            fraction = true;
            continue;
        }
        mantissa = 10 * mantissa + (*c - '0');
        power -= fraction;
        if (++digits > 15) {
            return false;
        }
    }
    if (*c == 'e' && (c[1] == '-' || c[1] == '+') && c[2] >= '0' && c[2] <= '9' && c[3] >= '0' &&
        c[3] <= '9') {
        int exponent = 10 * (c[2] - '0') + (c[3] - '0');
        power += c[1] == '-' ? -exponent : exponent;
        c += 4;
    }
    if (digits == 0 || (*c != ',' && *c != '\0') || power < -22 || power > 22) {
        return false;
    }
    double size = power < 0 ? (double)mantissa / powers[-power] : (double)mantissa * powers[power];
    *number = *cell == '-' ? -size : size;
    return true;
}

/* Empty or no number: NaN. */
static double number_of(const char *cell)
{
    char *end;
    double number;
    if (*cell == ',' || *cell == '\0') {
        return (double)NAN;
    }
    if (read_short_number(&number, cell)) {
        return number;
    }
    number = strtod(cell, &end);
    return end == cell || (*end != '\0' && *end != ',') ? (double)NAN : number;
}

/* A row without a step is passed over. */
static void take_row(struct table *table, const char *line, const struct aft_file_place *before)
{
    double row[AFT_METRIC_COLUMNS];
    const char *cell = line;
    for (int i = 0; i < table->columns; i++) {
        row[i] = cell != NULL ? number_of(cell) : (double)NAN;
        cell = cell != NULL ? strchr(cell, ',') : NULL;
        cell = cell != NULL ? cell + 1 : NULL;
    }
    if (!isfinite(row[table->step_column])) {
        return;
    }
    if (table->rows == 0) {
        table->begin = *before;
    }
    for (int i = 0; i < table->columns; i++) {
        table->values[i * AFT_METRIC_CHUNK + table->rows] = row[i];
    }
    if (++table->rows == AFT_METRIC_CHUNK) {
        store_chunk(table);
        table->chunk++;
        table->rows = table->rows_stored = 0;
    }
}

static enum aft_code read_lines(struct table *table, struct aft_error *error)
{
    for (;;) {
        char *line;
        size_t length;
        struct aft_file_place before = {.offset = 0};
        if (table->rows == 0 && table->columns > 0) {
            aft_growing_file_place(&before, table->file);
        }
        enum aft_code code = aft_growing_file_line(&line, &length, table->file, error);
        if (code != AFT_OK || line == NULL) {
            return code;
        }
        cut_return(line);
        if (table->columns > 0) {
            take_row(table, line, &before);
        } else if (line[0] != '#') {
            code = take_header(table, line, error);
        }
        if (code != AFT_OK) {
            return code;
        }
    }
}

static enum aft_code read_on(struct table *table, struct aft_index_run *run,
                             struct aft_error *error)
{
    struct aft_file_place place = run->metrics.end;
    bool same_file = run->metrics.inode == (int64_t)table->file->status.st_ino;
    if (!same_file || (!aft_growing_file_has(table->file, &place) && !cut_back(&place, table))) {
        forget(table);
        place.offset = 0;
    }
    aft_growing_file_go_to(table->file, place.offset);
    load_columns(table);
    if (table->columns == 0) { /* so far without a header, or it was not to be believed */
        forget(table);
        aft_growing_file_go_to(table->file, 0);
    }
    load_last_chunk(table);
    enum aft_code code = read_lines(table, error);
    store_chunk(table);
    return code;
}

static enum aft_code read_table(struct table *table, struct aft_index_run *run, const char *path,
                                int64_t *budget, struct aft_error *error)
{
    struct aft_growing_file file;
    enum aft_code code = aft_growing_file_open(&file, path, budget, error);
    if (code == AFT_ERR_MISSING) {
        forget(table);
        run->metrics = (struct aft_file_mark){.inode = 0};
        return AFT_OK;
    }
    if (code == AFT_OK) {
        table->file = &file;
        code = read_on(table, run, error);
        aft_growing_file_mark(&run->metrics, &file);
        aft_growing_file_close(&file);
        table->file = NULL;
    }
    return code;
}

enum aft_code aft_index_take_metrics(bool *changed, struct aft_database *database,
                                     struct aft_index_run *run, struct aft_index_budget *budget,
                                     struct aft_error *error)
{
    char path[PATH_MAX];
    struct aft_error cause = {.code = AFT_OK};
    struct table table = {.database = database, .key = run->key};
    enum aft_code code = aft_path_join(path, run->folder, "progress.csv", error);
    if (code != AFT_OK || aft_file_is_as_marked(&run->metrics, path)) {
        return code;
    }
    table.values = malloc((size_t)AFT_METRIC_COLUMNS * AFT_METRIC_CHUNK * sizeof *table.values);
    code = table.values != NULL ? read_table(&table, run, path, &budget->bytes, &cause)
                                : AFT_ERR_MEMORY;
    free(table.values);
    if (code == AFT_ERR_MEMORY) {
        return aft_fail(error, code, "read '%s': out of memory", path);
    }
    run->problems[AFT_INDEX_METRICS][0] = '\0';
    if (code != AFT_OK) {
        aft_index_problem(run, AFT_INDEX_METRICS, &cause);
    }
    *changed = *changed || table.changed;
    return AFT_OK;
}

int64_t aft_index_last_metric_step(struct aft_database *database, int64_t key)
{
    struct aft_query *query = aft_query(
        database, "SELECT last FROM metric_chunks WHERE run = ? ORDER BY chunk DESC LIMIT 1");
    aft_query_put_integer(query, key);
    double last = aft_query_next(query) ? aft_query_real(query, 0) : 0;
    aft_query_done(query);
    return last > 0 && last < 9e18 ? (int64_t)last : 0;
}
