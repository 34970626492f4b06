/* The index's file: who may write it, what becomes of a damaged one, and of a killed writer. */
#include "service/database.h"
#include "service/network_file_system.h"
#include "tests/service/index_place.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static void write_run(const struct place *place, const char *id, int rows)
{
    char path[PATH_MAX];
    struct aft_process process;
    aft_process_self(&process);
    place_write_heartbeat(place, id, &process, place_now(),
                          "\"state\":\"complete\",\"exit_code\":0,");
    place_write(place, id, "events.jsonl", "w",
                "{\"v\":1,\"event\":\"run_started\",\"time\":\"2026-01-01T00:00:00.000Z\"}\n");
    place_path(path, place, id, "progress.csv");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("time/total_timesteps,train/loss\n", file);
    for (int i = 1; i <= rows; i++) {
        (void)fprintf(file, "%d,%d.5\n", 10 * i, i % 7);
    }
    assert_int_equal(fclose(file), 0);
}

/* Runs, the run in full, archives and metrics, as text. */
static char *documents_of(const struct place *place, const char *id)
{
    const char *name = "train/loss";
    const struct aft_metrics_query query = {&name, 1, -1e300, 1e300, 20000};
    struct aft_json *all = aft_json_array(), *document;
    char *text = NULL;
    assert_int_equal(aft_index_runs(&document, place->view, NULL), AFT_OK);
    aft_json_append(all, document);
    aft_json_append(all, place_run(place, id));
    assert_int_equal(aft_index_models(&document, place->view, NULL, NULL), AFT_OK);
    aft_json_append(all, document);
    assert_int_equal(aft_index_metrics(&document, place->view, id, &query, NULL), AFT_OK);
    aft_json_append(all, document);
    assert_int_equal(aft_json_write(&text, NULL, all, true, NULL), AFT_OK);
    aft_json_destroy(all);
    return text;
}

static void expect_same_documents(const struct place *place, const char *id, const char *expected)
{
    char *text = documents_of(place, id);
    assert_string_equal(text, expected);
    free(text);
}

static void index__has_one_writer(void **state)
{
    struct place *place = *state;
    struct aft_index *second;
    struct aft_error error = {0};
    write_run(place, "run", 3);
    place_refresh(place);
    assert_int_equal(aft_index_open(&second, place->index_path, place->models, &error),
                     AFT_ERR_BUSY);
    assert_null(second);
    assert_non_null(strstr(error.message, "held by process"));
    aft_index_close(place->index);
    place->index = NULL;
    assert_int_equal(aft_index_open(&second, place->index_path, place->models, &error), AFT_OK);
    aft_index_close(second);
    assert_true(place_has_run(place, "run")); /* the view stays good */
}

static void index__is_the_same_when_it_is_made_anew(void **state)
{
    struct place *place = *state;
    write_run(place, "run", 1200);
    place_write(place, "run", "stage1_50kN.zip", "w", "damaged");
    place_refresh(place);
    char *before = documents_of(place, "run");
    place_close_index(place);
    assert_int_equal(unlink(place->index_path), 0);
    place_refresh(place);
    expect_same_documents(place, "run", before);
    place_close_index(place);
    place_refresh(place); /* nor does opening it change anything */
    expect_same_documents(place, "run", before);
    free(before);
}

static void index__damaged_file_is_made_anew(void **state)
{
    struct place *place = *state;
    write_run(place, "run", 5000);
    place_refresh(place);
    char *before = documents_of(place, "run");
    place_close_index(place);
    struct stat status;
    assert_int_equal(stat(place->index_path, &status), 0);
    const off_t places[] = {0, 24, 100, 4096, 8192, 40960};
    for (size_t i = 0; i < 2 * sizeof places / sizeof *places; i++) {
        off_t at = places[i / 2];
        char bytes[600];
        memset(bytes, i % 2 == 0 ? 0 : 0xa5, sizeof bytes);
        int fd = open(place->index_path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        if (at == 0 && i % 2 == 1) {
            assert_int_equal(ftruncate(fd, status.st_size / 2), 0); /* else it is no database */
        } else {
            assert_int_equal(pwrite(fd, bytes, sizeof bytes, at), sizeof bytes);
        }
        assert_int_equal(close(fd), 0);
        place_refresh(place);
        expect_same_documents(place, "run", before);
        place_close_index(place);
    }
    free(before);
}

static void index__damage_while_it_is_open_heals_under_its_views(void **state)
{
    struct place *place = *state;
    write_run(place, "run", 5000);
    place_refresh(place);
    place_close_index(place); /* so that all is in the file, not in the log */
    place_refresh(place);
    struct stat status;
    char bytes[4096];
    memset(bytes, 0xa5, sizeof bytes);
    assert_int_equal(stat(place->index_path, &status), 0);
    int fd = open(place->index_path, O_WRONLY | O_CLOEXEC);
    for (off_t at = 4096; at < status.st_size; at += 4096) { /* all but the first page */
        assert_int_equal(pwrite(fd, bytes, sizeof bytes, at), sizeof bytes);
    }
    assert_int_equal(close(fd), 0);
    for (int i = 0; i < 40; i++) { /* until a page is read that is not in memory */
        char id[16];
        (void)snprintf(id, sizeof id, "more%d", i);
        write_run(place, id, 600);
        place_refresh(place);
    }
    write_run(place, "run", 5000);
    place_refresh(place);
    struct aft_json *runs;
    assert_int_equal(aft_index_runs(&runs, place->view, NULL), AFT_OK);
    assert_int_equal(aft_json_length(aft_json_get(runs, "runs")), 41);
    aft_json_destroy(runs);
}

static void index__of_another_models_folder_is_made_anew(void **state)
{
    struct place *place = *state;
    write_run(place, "one", 3);
    place_refresh(place);
    place_close_index(place);
    (void)snprintf(place->models, sizeof place->models, "%s/others", place->folder);
    assert_int_equal(mkdir(place->models, 0777), 0);
    write_run(place, "two", 3);
    place_refresh(place);
    assert_false(place_has_run(place, "one"));
    assert_true(place_has_run(place, "two"));
}

static void index__takes_no_file_that_is_not_its_own(void **state)
{
    struct place *place = *state;
    static const char text[] = "[run]\nname = precious\n";
    char found[64] = "";
    struct aft_error error = {0};
    (void)snprintf(place->index_path, sizeof place->index_path, "%s/stages.ini", place->folder);
    FILE *file = fopen(place->index_path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(aft_index_open(&place->index, place->index_path, place->models, &error),
                     AFT_ERR_REFUSED);
    file = fopen(place->index_path, "r");
    assert_int_equal(fread(found, 1, sizeof found, file), sizeof text - 1);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(found, text);
}

static void index__takes_no_database_of_another_program(void **state)
{
    struct place *place = *state;
    struct aft_database *theirs;
    struct aft_error error = {0};
    (void)snprintf(place->index_path, sizeof place->index_path, "%s/theirs.db", place->folder);
    assert_int_equal(aft_database_open(&theirs, place->index_path, AFT_DATABASE_WRITE, NULL),
                     AFT_OK);
    aft_database_execute(theirs, "CREATE TABLE thesis(chapter)");
    assert_int_equal(aft_index_open(&place->index, place->index_path, place->models, &error),
                     AFT_ERR_REFUSED);
    assert_int_equal(aft_database_number(theirs, "SELECT count(*) FROM thesis"), 0);
    assert_false(aft_database_failed(theirs));
    aft_database_close(theirs);
}

static void index__missing_models_folder_is_told(void **state)
{
    struct place *place = *state;
    struct aft_error error = {0};
    assert_int_equal(rmdir(place->models), 0);
    assert_int_equal(aft_index_open(&place->index, place->index_path, place->models, &error),
                     AFT_ERR_MISSING);
    assert_non_null(strstr(error.message, "models"));
}

/* A writer is killed again and again at any moment; each next one goes on, and in the end the
 * documents are those of an index that nobody disturbed. */
static void index__survives_a_writer_that_is_killed(void **state)
{
    struct place *place = *state;
    enum { RUNS = 30, KILLS = 25 };
    for (int i = 0; i < RUNS; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "run%02d", i);
        write_run(place, id, 700);
    }
    for (int i = 0; i < KILLS; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct aft_index *index;
            if (aft_index_open(&index, place->index_path, place->models, NULL) != AFT_OK) {
                _exit(1);
            }
            for (;;) {
                if (aft_index_refresh(index, place_now(), NULL, NULL) != AFT_OK) {
                    _exit(1);
                }
            }
        }
        struct timespec moment = {.tv_nsec = 1000000L * (1 + 3 * i)};
        (void)nanosleep(&moment, NULL);
        int status;
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* it did not fail before */
    }
    place_refresh(place);
    char *got = documents_of(place, "run07");
    place_close_index(place);
    assert_int_equal(unlink(place->index_path), 0);
    place_refresh(place);
    expect_same_documents(place, "run07", got);
    free(got);
}

static void network_file_systems__are_known_by_their_type(void **state)
{
    const struct place *place = *state;
    assert_string_equal(aft_network_file_system_name(0x6969), "NFS");
    assert_string_equal(aft_network_file_system_name((long)(int)0xFF534D42U), "CIFS");
    assert_string_equal(aft_network_file_system_name(0xFE534D42L), "SMB2");
    assert_string_equal(aft_network_file_system_name(0x0BD00BD0L), "Lustre");
    assert_null(aft_network_file_system_name(0xEF53));     /* ext4 */
    assert_null(aft_network_file_system_name(0x01021994)); /* tmpfs */
    assert_null(aft_network_file_system_name(0x794C7630)); /* overlayfs */
    assert_int_equal(aft_refuse_network_file_system(place->index_path, NULL), AFT_ERR_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(index__has_one_writer),
        IN_A_PLACE(index__is_the_same_when_it_is_made_anew),
        IN_A_PLACE(index__damaged_file_is_made_anew),
        IN_A_PLACE(index__damage_while_it_is_open_heals_under_its_views),
        IN_A_PLACE(index__of_another_models_folder_is_made_anew),
        IN_A_PLACE(index__takes_no_file_that_is_not_its_own),
        IN_A_PLACE(index__takes_no_database_of_another_program),
        IN_A_PLACE(index__missing_models_folder_is_told),
        IN_A_PLACE(index__survives_a_writer_that_is_killed),
        IN_A_PLACE(network_file_systems__are_known_by_their_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
