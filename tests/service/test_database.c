/* The wrapper around SQLite: failures that are kept, transactions, values. */
#include "service/database.h"
#include "tests/service/index_place.h"

#include <math.h>

static struct aft_database *open_database(const struct place *place, enum aft_database_use use)
{
    char path[PATH_MAX];
    struct aft_error error = {0};
    struct aft_database *database;
    (void)snprintf(path, sizeof path, "%s/values.db", place->folder);
    if (aft_database_open(&database, path, use, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return database;
}

static void database__gives_back_what_it_was_given(void **state)
{
    struct aft_database *database = open_database(*state, AFT_DATABASE_WRITE);
    const char bytes[] = {0, 1, '\'', 0, (char)0xff};
    size_t size;
    aft_database_begin(database);
    aft_database_execute(database, "CREATE TABLE t(a, b, c, d, e, f)");
    struct aft_query *query = aft_query(database, "INSERT INTO t VALUES(?, ?, ?, ?, ?, ?)");
    aft_query_put_integer(query, INT64_MIN);
    aft_query_put_real(query, 0.1);
    aft_query_put_text(query, "it's; DROP TABLE t");
    aft_query_put_bytes(query, bytes, sizeof bytes);
    aft_query_put_real(query, (double)NAN);
    aft_query_put_text(query, NULL);
    assert_int_equal(aft_query_run(query), 1);
    assert_int_equal(aft_database_end(database, NULL), AFT_OK);

    query = aft_query(database, "SELECT * FROM t");
    assert_true(aft_query_next(query));
    assert_true(aft_query_integer(query, 0) == INT64_MIN);
    assert_true(aft_query_real(query, 1) == 0.1);
    assert_string_equal(aft_query_text(query, 2), "it's; DROP TABLE t");
    assert_memory_equal(aft_query_bytes(query, 3, &size), bytes, sizeof bytes);
    assert_int_equal(size, sizeof bytes);
    assert_true(aft_query_is_null(query, 4) && isnan(aft_query_real(query, 4)));
    assert_null(aft_query_text(query, 5));
    assert_false(aft_query_next(query));
    aft_database_close(database);
}

static void database__rolls_back_after_a_failure_and_forgets_it(void **state)
{
    struct aft_database *database = open_database(*state, AFT_DATABASE_WRITE);
    struct aft_error error = {0};
    aft_database_execute(database, "CREATE TABLE t(a UNIQUE)");
    aft_database_begin(database);
    aft_database_execute(database, "INSERT INTO t VALUES(1)");
    aft_database_execute(database, "INSERT INTO t VALUES(1)"); /* fails */
    aft_database_execute(database, "INSERT INTO t VALUES(2)"); /* not done */
    assert_true(aft_database_failed(database));
    assert_int_not_equal(aft_database_end(database, &error), AFT_OK);
    assert_non_null(strstr(error.message, "UNIQUE"));
    assert_false(aft_database_failed(database));
    assert_int_equal(aft_database_number(database, "SELECT count(*) FROM t"), 0);

    /* One that cannot be prepared gives no rows, and is told in the end. */
    aft_database_begin(database);
    assert_false(aft_query_next(aft_query(database, "SELECT nothing FROM nowhere")));
    assert_int_not_equal(aft_database_end(database, &error), AFT_OK);
    aft_database_close(database);
}

static void database__reader_sees_one_state_and_changes_nothing(void **state)
{
    struct aft_database *writer = open_database(*state, AFT_DATABASE_WRITE);
    aft_database_execute(writer, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    struct aft_database *reader = open_database(*state, AFT_DATABASE_READ);
    static const char count[] = "SELECT count(*) FROM t";
    aft_database_begin(reader);
    assert_int_equal(aft_database_number(reader, count), 1);
    aft_database_execute(writer, "INSERT INTO t VALUES(2)");
    assert_false(aft_database_failed(writer));
    assert_int_equal(aft_database_number(reader, count), 1);
    assert_int_equal(aft_database_end(reader, NULL), AFT_OK);
    assert_int_equal(aft_database_number(reader, count), 2);
    aft_database_execute(reader, "INSERT INTO t VALUES(3)");
    assert_true(aft_database_failed(reader));
    aft_database_close(reader);
    aft_database_close(writer);
}

static void database__reset_empties_it_under_its_readers(void **state)
{
    struct aft_database *writer = open_database(*state, AFT_DATABASE_WRITE);
    aft_database_execute(writer, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    struct aft_database *reader = open_database(*state, AFT_DATABASE_READ);
    static const char tables[] = "SELECT count(*) FROM sqlite_master";
    assert_int_equal(aft_database_number(reader, tables), 1);
    assert_int_equal(aft_database_reset(writer, NULL), AFT_OK);
    assert_int_equal(aft_database_number(reader, tables), 0);
    aft_database_close(reader);
    aft_database_close(writer);
}

static void database__missing_file_is_told_to_a_reader(void **state)
{
    const struct place *place = *state;
    struct aft_database *database;
    assert_int_equal(aft_database_open(&database, place->index_path, AFT_DATABASE_READ, NULL),
                     AFT_ERR_MISSING);
    assert_null(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(database__gives_back_what_it_was_given),
        IN_A_PLACE(database__rolls_back_after_a_failure_and_forgets_it),
        IN_A_PLACE(database__reader_sees_one_state_and_changes_nothing),
        IN_A_PLACE(database__reset_empties_it_under_its_readers),
        IN_A_PLACE(database__missing_file_is_told_to_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
