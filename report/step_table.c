#include "report/step_table.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const size_t size_limit = (size_t)1 << 30;

static void add_column(struct aft_step_table *table, const char *name, size_t length)
{
    if (table->n_columns == AFT_TABLE_COLUMNS) {
        return;
    }
    char *column = table->columns[table->n_columns++];
    if (length >= AFT_TABLE_NAME_SIZE) {
        length = AFT_TABLE_NAME_SIZE - 1;
    }
    memcpy(column, name, length);
    column[length] = '\0';
}

void aft_step_table_add_column(struct aft_step_table *table, const char *name)
{
    add_column(table, name, strlen(name));
}

static void read_header(struct aft_step_table *table, const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == '\n')) {
        length--;
    }
    for (size_t start = 0; start <= length;) {
        const char *comma = memchr(line + start, ',', length - start);
        size_t end = comma ? (size_t)(comma - line) : length;
        add_column(table, line + start, end - start);
        start = end + 1;
    }
}

static int place_of(const struct aft_step_table *table, const char *column)
{
    for (int i = 0; i < table->n_columns; i++) {
        if (strcmp(table->columns[i], column) == 0) {
            return i;
        }
    }
    return -1;
}

const char *aft_step_table_cell(const struct aft_step_table *table, const char *row,
                                const char *column)
{
    const char *cell = row;
    int place = place_of(table, column);
    if (place < 0) {
        return NULL;
    }
    for (; place > 0; place--) {
        cell += strcspn(cell, ",\n");
        if (*cell != ',') {
            return NULL;
        }
        cell++;
    }
    return cell;
}

/* -1 where the row has none. The row ends in a newline. */
static int64_t step_of_row(const struct aft_step_table *table, const char *row)
{
    const char *cell = aft_step_table_cell(table, row, table->step_column);
    char *rest = NULL;
    if (cell == NULL || strchr("0123456789", *cell) == NULL) {
        return -1;
    }
    long long step = strtoll(cell, &rest, 10);
    return strchr(",\r\n", *rest) != NULL ? (int64_t)step : -1;
}

static void copy_line(char to[AFT_TABLE_LINE_SIZE], const char *line, size_t length)
{
    if (length >= AFT_TABLE_LINE_SIZE) {
        length = AFT_TABLE_LINE_SIZE - 1;
    }
    memcpy(to, line, length);
    to[length] = '\0';
}

/* Whether the line stays; learns from it. */
static bool take_line(struct aft_step_table *table, const char *line, size_t length,
                      int64_t keep_step)
{
    if (table->n_columns == 0 && line[0] == '#') {
        if (table->comment[0] == '\0' && length < AFT_TABLE_LINE_SIZE) {
            copy_line(table->comment, line, length);
        }
        return true;
    }
    if (table->n_columns == 0) {
        read_header(table, line, length);
        return true;
    }
    int64_t step = step_of_row(table, line);
    if (step < 0 || step > keep_step) {
        return false;
    }
    table->last_step = step;
    copy_line(table->last_row, line, length);
    return true;
}

/* Moves the lines that stay to the front of text; returns their size. What goes:
 * rows beyond keep_step, rows without a step, and a line without a newline.
 * *moved tells whether a line that stays had one before it that goes. */
static size_t keep_lines(struct aft_step_table *table, char *text, size_t size, int64_t keep_step,
                         bool *moved)
{
    size_t kept = 0;
    *moved = false;
    table->n_columns = 0;
    table->last_step = -1;
    table->comment[0] = table->last_row[0] = '\0';
    for (size_t start = 0; start < size;) {
        const char *newline = memchr(text + start, '\n', size - start);
        if (!newline) {
            break;
        }
        size_t length = (size_t)(newline - (text + start)) + 1;
        if (take_line(table, text + start, length, keep_step)) {
            *moved = *moved || kept != start;
            memmove(text + kept, text + start, length);
            kept += length;
        }
        start += length;
    }
    return kept;
}

struct text { /* of a file */
    char *bytes;
    size_t size, kept; /* the lines that stay are its beginning */
    bool moved;        /* a line that stays had one before it that goes */
};

/* Bytes are NULL where there is no file (any more). */
static enum aft_code read_lines(struct text *text, struct aft_step_table *table, int64_t keep_step,
                                struct aft_error *error)
{
    struct aft_error cause;
    const char *path = table->file.path;
    *text = (struct text){0};
    enum aft_code code = aft_file_read(&text->bytes, &text->size, path, size_limit, &cause);
    if (code == AFT_ERR_MISSING) {
        table->n_columns = 0;
        table->last_step = -1;
        return AFT_OK;
    }
    if (code != AFT_OK) {
        return aft_fail(error, code, "%s", cause.message);
    }
    text->kept = keep_lines(table, text->bytes, text->size, keep_step, &text->moved);
    if (table->n_columns > 0 && place_of(table, table->step_column) < 0) {
        free(text->bytes); /* not a file of ours: never rewritten */
        text->bytes = NULL;
        return aft_fail(error, AFT_ERR_REFUSED, "continue '%s': it has no column %s", path,
                        table->step_column);
    }
    return AFT_OK;
}

/* Leaves the lines that stay in the file, and opens it again. */
static enum aft_code cut(struct aft_step_table *table, const struct text *text,
                         struct aft_error *error)
{
    const char *path = table->file.path;
    if (text->kept != text->size && !text->moved) { /* only the end goes: needs no space */
        if (truncate(path, (off_t)text->kept) != 0) {
            return aft_fail_errno(error, "shorten '%s'", path);
        }
    } else if (text->kept != text->size) {
        enum aft_code code = aft_file_publish(path, text->bytes, text->kept, error);
        if (code != AFT_OK) {
            return code;
        }
    }
    return aft_append_file_reopen(&table->file, error);
}

enum aft_code aft_step_table_open(struct aft_step_table *table, const char *folder,
                                  const char *name, const char *step_column, int64_t keep_step,
                                  struct aft_error *error)
{
    *table = (struct aft_step_table){.step_column = step_column, .last_step = -1};
    enum aft_code code = aft_append_file_open(&table->file, folder, name, error);
    if (code == AFT_OK && aft_append_file_is_regular(&table->file)) {
        struct text text;
        code = read_lines(&text, table, keep_step, error);
        if (code == AFT_OK) {
            code = cut(table, &text, error);
            free(text.bytes);
        }
    }
    if (code != AFT_OK) {
        aft_append_file_close(&table->file);
    }
    return code;
}

static void mention(struct aft_step_table *table, const struct aft_error *error)
{
    if (table->file.lines_lost++ == 0) {
        (void)fprintf(stderr, "warning: %s; training goes on\n", error->message);
    }
}

void aft_step_table_return_to(struct aft_step_table *table, int64_t step)
{
    struct aft_error error;
    struct text text;
    free(table->kept);
    table->kept = NULL;
    enum aft_code code = read_lines(&text, table, step - 1, &error);
    if (code == AFT_OK && table->n_columns > 0) {
        table->kept = text.bytes;
        table->kept_size = text.kept;
        return;
    }
    if (code == AFT_OK) { /* the header is to be written first, and appended */
        code = cut(table, &text, &error);
        free(text.bytes);
    }
    if (code != AFT_OK) {
        mention(table, &error);
        table->last_step = step - 1;
    }
}

void aft_step_table_write_header(struct aft_step_table *table, const char *comment)
{
    char header[AFT_TABLE_LINE_SIZE + AFT_TABLE_COLUMNS * (AFT_TABLE_NAME_SIZE + 1) + 1];
    size_t used = 0;
    if (comment != NULL && table->comment[0] == '\0') {
        used = (size_t)snprintf(header, AFT_TABLE_LINE_SIZE, "%s", comment);
    }
    for (int i = 0; i < table->n_columns; i++) {
        used += (size_t)snprintf(header + used, sizeof header - used, "%s%s", i ? "," : "",
                                 table->columns[i]);
    }
    header[used++] = '\n';
    int64_t lost = table->file.lines_lost;
    aft_append_file_write(&table->file, header, used);
    if (table->file.lines_lost != lost) {
        table->n_columns = 0; /* tried again with the next row */
    }
}

/* What is kept and the rows become the file. */
static enum aft_code put_behind_kept(struct aft_step_table *table, const char *rows, size_t size,
                                     struct aft_error *error)
{
    char *whole = realloc(table->kept, table->kept_size + size);
    if (whole == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write '%s': out of memory", table->file.path);
    }
    table->kept = whole;
    memcpy(whole + table->kept_size, rows, size);
    enum aft_code code = aft_file_publish(table->file.path, whole, table->kept_size + size, error);
    return code == AFT_OK ? aft_append_file_reopen(&table->file, error) : code;
}

void aft_step_table_write(struct aft_step_table *table, const char *rows, size_t size,
                          int64_t last_step)
{
    struct aft_error error;
    if (table->kept == NULL) {
        aft_append_file_write(&table->file, rows, size);
    } else if (put_behind_kept(table, rows, size, &error) != AFT_OK) {
        mention(table, &error);
    }
    free(table->kept);
    table->kept = NULL;
    table->last_step = last_step;
}

void aft_step_table_close(struct aft_step_table *table)
{
    if (table->file.lines_lost > 1) {
        (void)fprintf(stderr, "warning: '%s' lacks %" PRId64 " pieces that could not be written\n",
                      table->file.path, table->file.lines_lost);
    }
    aft_append_file_close(&table->file);
    free(table->kept);
    table->kept = NULL;
}
