/*
 * SQLite, as little of it as the index needs: the one place that includes it.
 * A failure is kept by the database: after the first, queries give no rows and
 * change nothing, and aft_database_end reports it. So a transaction is written
 * without a check per line. One thread uses a database at a time.
 */
#ifndef AFT_SERVICE_DATABASE_H
#define AFT_SERVICE_DATABASE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aft_database;
struct aft_query;

enum aft_database_use {
    AFT_DATABASE_WRITE, /* makes the file where it is missing; write-ahead log */
    AFT_DATABASE_READ,  /* MISSING where there is no file */
};

/* CORRUPT for a file that is no database. */
enum aft_code aft_database_open(struct aft_database **database, const char *path,
                                enum aft_database_use use, struct aft_error *error);
void aft_database_close(struct aft_database *database);

/* A transaction: for a reader, one state of the database; for the writer, all or nothing.
 * The end commits, or rolls back where something failed, and forgets the failure it reports. */
void aft_database_begin(struct aft_database *database);
enum aft_code aft_database_end(struct aft_database *database, struct aft_error *error);
void aft_database_cancel(struct aft_database *database);
/* Keeps a failure of the caller's, so that the transaction is rolled back. */
void aft_database_fail(struct aft_database *database, const struct aft_error *error);
bool aft_database_failed(const struct aft_database *database);

/* Statements without parameters and results, separated by semicolons. */
void aft_database_execute(struct aft_database *database, const char *sql);
/* The first column of the first row of a statement without parameters; 0 without a row. */
int64_t aft_database_number(struct aft_database *database, const char *sql);

/* Empties a database whose bytes cannot be believed, in place: it has no tables then, and
 * those who have it open see so. Not within a transaction. */
enum aft_code aft_database_reset(struct aft_database *database, struct aft_error *error);

/* A statement, prepared once and kept until close: sql is a literal, known by its address.
 * One use of it at a time; never NULL. */
struct aft_query *aft_query(struct aft_database *database, const char *sql);

/* Parameters in their order, from ?1 on. Texts and bytes are borrowed until the query is run or
 * done. Text NULL, bytes NULL and a real that is not a number: null. */
void aft_query_put_integer(struct aft_query *query, int64_t value);
void aft_query_put_real(struct aft_query *query, double value);
void aft_query_put_text(struct aft_query *query, const char *text);
void aft_query_put_bytes(struct aft_query *query, const void *bytes, size_t size);

/* To the next row; false when there is none, or something failed: the query is done then. */
bool aft_query_next(struct aft_query *query);
/* Where the rest of the rows is not wanted. */
void aft_query_done(struct aft_query *query);
/* All of it, for its effect; gives the number of rows that it changed. */
int64_t aft_query_run(struct aft_query *query);

/* Columns of the row, from 0. Text and bytes are borrowed until the next row. */
int64_t aft_query_integer(const struct aft_query *query, int column);  /* 0: null */
double aft_query_real(const struct aft_query *query, int column);      /* NaN: null */
const char *aft_query_text(const struct aft_query *query, int column); /* NULL: null */
const void *aft_query_bytes(const struct aft_query *query, int column, size_t *size);
bool aft_query_is_null(const struct aft_query *query, int column);
/* The id that the last INSERT gave. */
int64_t aft_database_last_id(const struct aft_database *database);

#endif
