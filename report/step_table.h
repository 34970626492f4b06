/*
 * A CSV file that grows with training, one of whose columns counts the run's
 * steps. When training returns to a step, the rows beyond it go, so that no step
 * stands there twice. Columns are found by name: a file begun by an earlier
 * process (or an earlier version) keeps its header, and rows are written to fit
 * it. Lines before the header that begin with '#' are kept as they are.
 */
#ifndef AFT_REPORT_STEP_TABLE_H
#define AFT_REPORT_STEP_TABLE_H

#include "report/append_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AFT_TABLE_COLUMNS = 64, AFT_TABLE_NAME_SIZE = 64, AFT_TABLE_LINE_SIZE = 512 };

struct aft_step_table {
    struct aft_append_file file;
    const char *step_column; /* borrowed */
    int n_columns;           /* 0: the header is still to be written */
    char columns[AFT_TABLE_COLUMNS][AFT_TABLE_NAME_SIZE];
    char comment[AFT_TABLE_LINE_SIZE];  /* the first line, if it begins with '#', and is so short */
    char last_row[AFT_TABLE_LINE_SIZE]; /* the beginning of the last row kept by the opening */
    int64_t last_step;                  /* of the last row; -1 where there is none */
    char *kept;                         /* what stays before the next rows; NULL: all of the file */
    size_t kept_size;
};

/* Opens or begins the file; rows beyond keep_step, and a line torn by a kill, are removed
 * (atomically; where only the end goes, by truncation, which needs no space). REFUSED where
 * there is a header without the step column: the file is not ours, and is left alone. What is no
 * regular file (a device) is only appended to. */
enum aft_code aft_step_table_open(struct aft_step_table *table, const char *folder,
                                  const char *name, const char *step_column, int64_t keep_step,
                                  struct aft_error *error);

/* Before a row of an earlier step than the last, or of its: the next rows that are written take
 * the place of those from that step on, at once, so that a kill loses no row. A file that is gone
 * is begun anew, and has no columns then. What fails is mentioned on standard error. */
void aft_step_table_return_to(struct aft_step_table *table, int64_t step);

void aft_step_table_add_column(struct aft_step_table *table, const char *name);
/* Writes the columns, below the comment line (NULL: none) unless the file has one already. When
 * that fails it is mentioned, and the table has no columns again. */
void aft_step_table_write_header(struct aft_step_table *table, const char *comment);

/* Writes whole rows, whose last is of that step. Rows whose place they cannot take stay. */
void aft_step_table_write(struct aft_step_table *table, const char *rows, size_t size,
                          int64_t last_step);

/* The place of the column's cell in a row, or NULL. */
const char *aft_step_table_cell(const struct aft_step_table *table, const char *row,
                                const char *column);

/* Says on standard error how much could not be written, and closes the file. */
void aft_step_table_close(struct aft_step_table *table);

#endif
