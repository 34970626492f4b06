/* A temporary folder with models/ and an index beside it, for the tests of the index. */
#ifndef AFT_TESTS_SERVICE_INDEX_PLACE_H
#define AFT_TESTS_SERVICE_INDEX_PLACE_H

#include "base/json.h"
#include "report/process.h"
#include "service/index.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[PATH_MAX / 4], models[PATH_MAX / 3], index_path[PATH_MAX / 3];
    struct aft_index *index; /* NULL: not open */
    struct aft_index_view *view;
};

static inline int place_remove_entry(const char *path, const struct stat *status, int type,
                                     struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline int place_open(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    const char *base = getenv("TMPDIR");
    assert_non_null(place);
    (void)snprintf(place->folder, sizeof place->folder, "%s/aftershock-index-XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->models, sizeof place->models, "%s/models", place->folder);
    (void)snprintf(place->index_path, sizeof place->index_path, "%s/index/runs.db", place->folder);
    assert_int_equal(mkdir(place->models, 0777), 0);
    *state = place;
    return 0;
}

static inline void place_close_index(struct place *place)
{
    aft_index_view_close(place->view);
    aft_index_close(place->index);
    place->view = NULL;
    place->index = NULL;
}

static inline int place_close(void **state)
{
    struct place *place = *state;
    place_close_index(place);
    (void)nftw(place->folder, place_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(place);
    return 0;
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)

static inline double place_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline void place_open_index(struct place *place)
{
    struct aft_error error = {0};
    if (aft_index_open(&place->index, place->index_path, place->models, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
}

/* Opens the index where it is not, refreshes it, and opens the view where it is not. */
static inline void place_refresh_for(struct place *place, const struct aft_index_listener *listener)
{
    struct aft_error error = {0};
    if (place->index == NULL) {
        place_open_index(place);
    }
    if (aft_index_refresh(place->index, place_now(), listener, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    if (place->view == NULL) {
        assert_int_equal(aft_index_view_open(&place->view, place->index_path, &error), AFT_OK);
    }
}

static inline void place_refresh(struct place *place)
{
    place_refresh_for(place, NULL);
}

static inline void place_path(char path[PATH_MAX], const struct place *place, const char *run,
                              const char *file)
{
    (void)snprintf(path, PATH_MAX, "%s/%s", place->models, run);
    (void)mkdir(path, 0777);
    assert_true(snprintf(path, PATH_MAX, "%s/%s/%s", place->models, run, file) < PATH_MAX);
}

/* Writes a file of a run (mode "w"), or adds to it ("a"). */
static inline void place_write_bytes(const struct place *place, const char *run, const char *name,
                                     const char *mode, const char *bytes, size_t size)
{
    char path[PATH_MAX];
    place_path(path, place, run, name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void place_write(const struct place *place, const char *run, const char *name,
                               const char *mode, const char *text)
{
    place_write_bytes(place, run, name, mode, text, strlen(text));
}

/* heartbeat.json of a process, its other members as given ("" or "\"step\": 3,"). */
static inline void place_write_heartbeat(const struct place *place, const char *run,
                                         const struct aft_process *process, double time,
                                         const char *members)
{
    char text[4096], when[40], *about = NULL;
    time_t seconds = (time_t)time;
    struct tm utc;
    struct aft_json *object = aft_json_object();
    aft_process_set(object, process);
    assert_int_equal(aft_json_write(&about, NULL, object, false, NULL), AFT_OK);
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S.000Z", &utc);
    (void)snprintf(text, sizeof text,
                   "{\"v\": 1, \"time\": \"%s\", \"interval_s\": 2, \"run\": \"%s\", %s "
                   "\"process\": %s}\n",
                   when, run, members, about);
    place_write(place, run, "heartbeat.json", "w", text);
    free(about);
    aft_json_destroy(object);
}

/* Documents, which the caller destroys; they fail the test where there is none. */
static inline struct aft_json *place_run(const struct place *place, const char *id)
{
    struct aft_json *run;
    struct aft_error error = {0};
    if (aft_index_run(&run, place->view, id, NULL, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return run;
}

static inline struct aft_json *place_summary(const struct place *place, const char *id)
{
    struct aft_json *summary;
    struct aft_error error = {0};
    if (aft_index_run_summary(&summary, place->view, id, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return summary;
}

static inline bool place_has_run(const struct place *place, const char *id)
{
    struct aft_json *summary = NULL;
    enum aft_code code = aft_index_run_summary(&summary, place->view, id, NULL);
    aft_json_destroy(summary);
    assert_true(code == AFT_OK || code == AFT_ERR_MISSING);
    return code == AFT_OK;
}

static inline void place_expect_state(const struct place *place, const char *id, const char *state)
{
    struct aft_json *summary = place_summary(place, id);
    assert_string_equal(aft_json_get_string(summary, "state", ""), state);
    aft_json_destroy(summary);
}

#endif
