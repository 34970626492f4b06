#include "service/index_schema.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Goes up with every change of the tables or of what is in them. */
#define FORMAT "1"
#define APPLICATION "0x41465452" /* "AFTR" */

static const char tables[] =
    "PRAGMA application_id = " APPLICATION
    ";"
    "PRAGMA user_version = " FORMAT
    ";"
    "CREATE TABLE about(models TEXT NOT NULL);"
    "CREATE TABLE runs(key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, active REAL,"
    " summary TEXT);"
    /* how far files have been read: struct aft_file_mark */
    "CREATE TABLE files(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, file INTEGER,"
    " inode INTEGER, size INTEGER, mtime_ns INTEGER, offset INTEGER, tail BLOB, problem TEXT,"
    " PRIMARY KEY(run, file)) WITHOUT ROWID;"
    /* the lines of events.jsonl that are no evaluations and no rotated archives */
    "CREATE TABLE events(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, number INTEGER,"
    " event TEXT, line TEXT, PRIMARY KEY(run, number)) WITHOUT ROWID;"
    "CREATE TABLE sessions(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " number INTEGER, run_id TEXT, name TEXT, started TEXT, last TEXT, host TEXT, pid INTEGER,"
    " outcome TEXT, exit_code INTEGER, resumed_from TEXT, start_step INTEGER, end_step INTEGER,"
    " start_stage INTEGER, end_stage INTEGER, engine TEXT, start TEXT,"
    " PRIMARY KEY(run, number)) WITHOUT ROWID;"
    "CREATE TABLE stages(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " stage INTEGER, name TEXT, magnitude REAL, force_limit_n REAL, timesteps INTEGER,"
    " attempts INTEGER, completed TEXT, seconds REAL, PRIMARY KEY(run, stage)) WITHOUT ROWID;"
    "CREATE TABLE evaluations(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " number INTEGER, time TEXT, stage INTEGER, attempt INTEGER, step INTEGER,"
    " total_steps INTEGER, score REAL, last_of_stage INTEGER, of_stages TEXT,"
    " PRIMARY KEY(run, number)) WITHOUT ROWID;"
    "CREATE TABLE archives(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, path TEXT,"
    " inode INTEGER, size INTEGER, mtime_ns INTEGER, kind TEXT, stage INTEGER, attempt INTEGER,"
    " timestep INTEGER, total_steps INTEGER, score REAL, valid INTEGER, reason TEXT,"
    " set_aside INTEGER, run_id TEXT, sha256 TEXT, state_sha256 TEXT, settings TEXT,"
    " PRIMARY KEY(run, path)) WITHOUT ROWID;"
    "CREATE TABLE settings(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " number INTEGER, key TEXT, value TEXT, PRIMARY KEY(run, number)) WITHOUT ROWID;"
    "CREATE TABLE metric_columns(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " number INTEGER, name TEXT, PRIMARY KEY(run, number)) WITHOUT ROWID;"
    /* rows of progress.csv in groups: where in the file they begin, and their range of steps */
    "CREATE TABLE metric_chunks(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " chunk INTEGER, offset INTEGER, tail BLOB, rows INTEGER, low REAL, high REAL,"
    " last REAL, PRIMARY KEY(run, chunk)) WITHOUT ROWID;"
    /* a column of a group: float64 in this machine's byte order */
    "CREATE TABLE metric_values(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " number INTEGER, chunk INTEGER, numbers BLOB, UNIQUE(run, number, chunk));";

static const char *first_text(struct aft_database *database, const char *sql)
{
    struct aft_query *query = aft_query(database, sql);
    return aft_query_next(query) && aft_query_text(query, 0) != NULL ? aft_query_text(query, 0)
                                                                     : "";
}

/* Whether it has these tables, for that folder, and is sound. */
static bool fits(struct aft_database *database, const char *models)
{
    aft_database_begin(database);
    bool fit = aft_database_number(database, "PRAGMA user_version") == strtol(FORMAT, NULL, 0) &&
               strcmp(first_text(database, "SELECT models FROM about"), models) == 0 &&
               strcmp(first_text(database, "PRAGMA quick_check(1)"), "ok") == 0;
    aft_database_cancel(database);
    return fit;
}

/* Somebody else's database is not for us to delete, nor to change by opening it for writing. One
 * without tables is taken over; of a damaged one it is the number that tells. */
static enum aft_code refuse_foreign(const char *path, struct aft_error *error)
{
    struct aft_database *database;
    enum aft_code code = aft_database_open(&database, path, AFT_DATABASE_READ, error);
    if (code == AFT_ERR_MISSING || code == AFT_ERR_CORRUPT) {
        return AFT_OK;
    }
    if (code != AFT_OK) {
        return code;
    }
    aft_database_begin(database);
    int64_t number = aft_database_number(database, "PRAGMA application_id");
    int64_t tables_there = aft_database_number(database, "SELECT count(*) FROM sqlite_master");
    code = aft_database_end(database, error);
    aft_database_close(database);
    if (number != strtol(APPLICATION, NULL, 0) && (number != 0 || tables_there > 0)) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "keep the index in '%s': it is a database of another program", path);
    }
    return code == AFT_ERR_CORRUPT ? AFT_OK : code;
}

/* Nor is any other file; a torn database may begin with zeros. */
static enum aft_code refuse_other_file(const char *path, struct aft_error *error)
{
    static const char magic[16] = "SQLite format 3";
    static const char zeros[16] = {0};
    char start[16];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return errno == ENOENT ? AFT_OK : aft_fail_errno(error, "open index '%s'", path);
    }
    size_t n = fread(start, 1, sizeof start, file);
    bool other = n > 0 && memcmp(start, magic, n) != 0 && memcmp(start, zeros, n) != 0;
    (void)fclose(file);
    return other ? aft_fail(error, AFT_ERR_REFUSED,
                            "keep the index in '%s': a file that is no database is there", path)
                 : AFT_OK;
}

static enum aft_code make_tables(struct aft_database *database, const char *models,
                                 struct aft_error *error)
{
    aft_database_begin(database);
    aft_database_execute(database, tables);
    struct aft_query *query = aft_query(database, "INSERT INTO about(models) VALUES(?)");
    aft_query_put_text(query, models);
    (void)aft_query_run(query);
    return aft_database_end(database, error);
}

enum aft_code aft_index_database_renew(struct aft_database *database, const char *models,
                                       struct aft_error *error)
{
    enum aft_code code = aft_database_reset(database, error);
    return code == AFT_OK ? make_tables(database, models, error) : code;
}

static enum aft_code delete_files(const char *path, struct aft_error *error)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char name[PATH_MAX];
        if (snprintf(name, sizeof name, "%s%s", path, ends[i]) >= (int)sizeof name) {
            return aft_fail(error, AFT_ERR_USAGE, "delete index '%.100s': path too long", path);
        }
        if (unlink(name) != 0 && errno != ENOENT) {
            return aft_fail_errno(error, "delete index '%s'", name);
        }
    }
    return AFT_OK;
}

enum aft_code aft_index_database_open(struct aft_database **database, const char *path,
                                      const char *models, struct aft_error *error)
{
    *database = NULL;
    enum aft_code code = refuse_other_file(path, error);
    if (code == AFT_OK) {
        code = refuse_foreign(path, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    code = aft_database_open(database, path, AFT_DATABASE_WRITE, error);
    if (code == AFT_OK && fits(*database, models)) {
        return AFT_OK;
    }
    aft_database_close(*database);
    *database = NULL;
    if (code == AFT_OK || code == AFT_ERR_CORRUPT) {
        code = delete_files(path, error);
    }
    if (code == AFT_OK) {
        code = aft_database_open(database, path, AFT_DATABASE_WRITE, error);
    }
    if (code == AFT_OK) {
        code = make_tables(*database, models, error);
    }
    if (code != AFT_OK) {
        aft_database_close(*database);
        *database = NULL;
    }
    return code;
}
