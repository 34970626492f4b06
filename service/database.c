#include "service/database.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_QUERIES = 96, BUSY_TIMEOUT_MS = 5000 };

struct aft_query {
    struct aft_database *database;
    const char *sql;
    sqlite3_stmt *statement; /* NULL: could not be prepared */
    int parameters;          /* put so far */
};

struct aft_database {
    sqlite3 *handle;
    bool writes;
    bool in_transaction;
    struct aft_error failure; /* code AFT_OK: none */
    int n_queries;
    struct aft_query queries[MAX_QUERIES];
    struct aft_query none; /* stands for one too many */
    char path[];
};

static enum aft_code code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return AFT_OK;
    case SQLITE_FULL:
        return AFT_ERR_SPACE;
    case SQLITE_NOMEM:
        return AFT_ERR_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return AFT_ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return AFT_ERR_CORRUPT;
    default:
        return AFT_ERR_IO;
    }
}

static void keep_failure(struct aft_database *database, int result, const char *doing)
{
    if (code_of(result) == AFT_OK || database->failure.code != AFT_OK) {
        return;
    }
    int number = sqlite3_system_errno(database->handle);
    enum aft_code code = code_of(result);
    if (code == AFT_ERR_IO && (number == ENOSPC || number == EDQUOT)) {
        code = AFT_ERR_SPACE;
    }
    (void)aft_fail(&database->failure, code, "%s index '%.150s': %.60s", doing, database->path,
                   sqlite3_errmsg(database->handle));
}

static int configure(struct aft_database *database)
{
    sqlite3 *handle = database->handle;
    int result = sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
    (void)sqlite3_extended_result_codes(handle, 1);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (result == SQLITE_OK && database->writes) {
        result = sqlite3_exec(handle,
                              "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                              "PRAGMA foreign_keys = ON",
                              NULL, NULL, NULL);
    } else if (result == SQLITE_OK) {
        result = sqlite3_exec(handle, "PRAGMA query_only = ON", NULL, NULL, NULL);
    }
    return result == SQLITE_OK
               ? sqlite3_exec(handle, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL)
               : result;
}

enum aft_code aft_database_open(struct aft_database **database, const char *path,
                                enum aft_database_use use, struct aft_error *error)
{
    size_t length = strlen(path) + 1;
    struct aft_database *opened = calloc(1, sizeof *opened + length);
    *database = NULL;
    if (opened == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "open index '%s': out of memory", path);
    }
    memcpy(opened->path, path, length);
    opened->writes = use == AFT_DATABASE_WRITE;
    opened->none.database = opened;
    if (!opened->writes && access(path, F_OK) != 0) {
        free(opened);
        return aft_fail_errno(error, "open index '%s'", path);
    }
    /* A reader may have to make the shared memory of the log, so it opens for writing too. */
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (opened->writes ? SQLITE_OPEN_CREATE : 0);
    int result = sqlite3_open_v2(path, &opened->handle, flags, NULL);
    if (result == SQLITE_OK) {
        result = configure(opened);
    }
    if (result != SQLITE_OK) {
        keep_failure(opened, result, "open");
        enum aft_code code = aft_fail(error, opened->failure.code, "%s", opened->failure.message);
        aft_database_close(opened);
        return code;
    }
    *database = opened;
    return AFT_OK;
}

void aft_database_close(struct aft_database *database)
{
    if (database == NULL) {
        return;
    }
    for (int i = 0; i < database->n_queries; i++) {
        (void)sqlite3_finalize(database->queries[i].statement);
    }
    (void)sqlite3_close(database->handle);
    free(database);
}

void aft_database_fail(struct aft_database *database, const struct aft_error *error)
{
    if (database->failure.code == AFT_OK) {
        database->failure = *error;
    }
}

bool aft_database_failed(const struct aft_database *database)
{
    return database->failure.code != AFT_OK;
}

void aft_database_execute(struct aft_database *database, const char *sql)
{
    if (!aft_database_failed(database)) {
        keep_failure(database, sqlite3_exec(database->handle, sql, NULL, NULL, NULL), "change");
    }
}

int64_t aft_database_number(struct aft_database *database, const char *sql)
{
    struct aft_query *query = aft_query(database, sql);
    int64_t number = aft_query_next(query) ? aft_query_integer(query, 0) : 0;
    aft_query_done(query);
    return number;
}

void aft_database_begin(struct aft_database *database)
{
    aft_database_execute(database, database->writes ? "BEGIN IMMEDIATE" : "BEGIN");
    database->in_transaction = !aft_database_failed(database);
}

void aft_database_cancel(struct aft_database *database)
{
    for (int i = 0; i < database->n_queries; i++) {
        aft_query_done(&database->queries[i]);
    }
    if (sqlite3_get_autocommit(database->handle) == 0) {
        (void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    }
    database->in_transaction = false;
    database->failure.code = AFT_OK;
}

enum aft_code aft_database_end(struct aft_database *database, struct aft_error *error)
{
    if (database->in_transaction) {
        aft_database_execute(database, "COMMIT");
    }
    struct aft_error failure = database->failure;
    aft_database_cancel(database); /* after a commit there is nothing to roll back */
    return failure.code == AFT_OK ? AFT_OK : aft_fail(error, failure.code, "%s", failure.message);
}

enum aft_code aft_database_reset(struct aft_database *database, struct aft_error *error)
{
    sqlite3 *handle = database->handle;
    aft_database_cancel(database);
    for (int i = 0; i < database->n_queries; i++) {
        (void)sqlite3_finalize(database->queries[i].statement);
    }
    database->n_queries = 0;
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
    aft_database_execute(database, "VACUUM");
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return aft_database_end(database, error);
}

struct aft_query *aft_query(struct aft_database *database, const char *sql)
{
    for (int i = 0; i < database->n_queries; i++) {
        if (database->queries[i].sql == sql) {
            aft_query_done(&database->queries[i]);
            return &database->queries[i];
        }
    }
    if (database->n_queries == MAX_QUERIES) {
        struct aft_error error;
        (void)aft_fail(&error, AFT_ERR_IO, "query index '%.150s': too many kinds of queries",
                       database->path);
        aft_database_fail(database, &error);
    }
    if (aft_database_failed(database)) {
        return &database->none;
    }
    struct aft_query *query = &database->queries[database->n_queries];
    *query = (struct aft_query){.database = database, .sql = sql};
    int result = sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    &query->statement, NULL);
    if (result != SQLITE_OK) {
        keep_failure(database, result, "query");
        return &database->none;
    }
    database->n_queries++;
    return query;
}

void aft_query_put_integer(struct aft_query *query, int64_t value)
{
    keep_failure(query->database,
                 query->statement == NULL
                     ? SQLITE_OK
                     : sqlite3_bind_int64(query->statement, ++query->parameters, value),
                 "query");
}

void aft_query_put_real(struct aft_query *query, double value)
{
    keep_failure(query->database,
                 query->statement == NULL
                     ? SQLITE_OK
                     : sqlite3_bind_double(query->statement, ++query->parameters, value),
                 "query");
}

void aft_query_put_text(struct aft_query *query, const char *text)
{
    keep_failure(query->database,
                 query->statement == NULL ? SQLITE_OK
                                          : sqlite3_bind_text(query->statement, ++query->parameters,
                                                              text, -1, SQLITE_STATIC),
                 "query");
}

void aft_query_put_bytes(struct aft_query *query, const void *bytes, size_t size)
{
    keep_failure(query->database,
                 query->statement == NULL
                     ? SQLITE_OK
                     : sqlite3_bind_blob64(query->statement, ++query->parameters, bytes, size,
                                           SQLITE_STATIC),
                 "query");
}

bool aft_query_next(struct aft_query *query)
{
    if (query->statement == NULL || aft_database_failed(query->database)) {
        aft_query_done(query);
        return false;
    }
    int result = sqlite3_step(query->statement);
    if (result == SQLITE_ROW) {
        return true;
    }
    keep_failure(query->database, result, "query");
    aft_query_done(query);
    return false;
}

void aft_query_done(struct aft_query *query)
{
    if (query->statement != NULL) {
        (void)sqlite3_reset(query->statement);
        (void)sqlite3_clear_bindings(query->statement);
    }
    query->parameters = 0;
}

int64_t aft_query_run(struct aft_query *query)
{
    while (aft_query_next(query)) {
    }
    return aft_database_failed(query->database) ? 0 : sqlite3_changes(query->database->handle);
}

int64_t aft_query_integer(const struct aft_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

double aft_query_real(const struct aft_query *query, int column)
{
    return aft_query_is_null(query, column) ? (double)NAN
                                            : sqlite3_column_double(query->statement, column);
}

const char *aft_query_text(const struct aft_query *query, int column)
{
    return (const char *)sqlite3_column_text(query->statement, column);
}

const void *aft_query_bytes(const struct aft_query *query, int column, size_t *size)
{
    const void *bytes = sqlite3_column_blob(query->statement, column);
    *size = (size_t)sqlite3_column_bytes(query->statement, column);
    return bytes;
}

bool aft_query_is_null(const struct aft_query *query, int column)
{
    return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

int64_t aft_database_last_id(const struct aft_database *database)
{
    return sqlite3_last_insert_rowid(database->handle);
}
