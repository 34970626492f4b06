#include "tests/runner/run_files.h"

#include "base/file.h"
#include "report/heartbeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void take_line(struct story *story, const char *line, size_t length)
{
    struct aft_error error;
    assert_true(story->n < RUN_FILES_MOST_LINES);
    if (aft_json_parse(&story->lines[story->n], line, length, "events.jsonl", &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    const struct aft_json *event = story->lines[story->n++];
    assert_int_equal(aft_json_get_integer(event, "v", 0), 1);
    assert_int_equal(strlen(aft_json_get_string(event, "run_id", "")), 32);
    assert_int_equal(strlen(aft_json_get_string(event, "time", "")),
                     strlen("2026-03-01T09:08:07.654Z"));
    assert_true(aft_json_get_integer(event, "total_steps", -1) >= 0);
    if (story->n > 1) {
        assert_true(aft_json_get_integer(event, "seq", 0) >
                    aft_json_get_integer(story->lines[story->n - 2], "seq", 0));
    }
}

void story_read(struct story *story, const struct place *place, const char *folder)
{
    char path[PATH_MAX];
    char *text = NULL;
    size_t size;
    story_clear(story);
    (void)snprintf(path, sizeof path, "%.3000s/%s/events.jsonl", place->folder,
                   folder != NULL ? folder : "models/small");
    assert_int_equal(aft_file_read(&text, &size, path, 1 << 26, NULL), AFT_OK);
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        assert_non_null(newline);
        take_line(story, text + at, (size_t)(newline - (text + at)));
        at = (size_t)(newline - text) + 1;
    }
    free(text);
}

void story_clear(struct story *story)
{
    for (int i = 0; i < story->n; i++) {
        aft_json_destroy(story->lines[i]);
    }
    story->n = 0;
}

static bool is(const struct story *story, int line, const char *event)
{
    return strcmp(aft_json_get_string(story->lines[line], "event", ""), event) == 0;
}

int story_find(const struct story *story, const char *event, int from)
{
    for (int i = from; i < story->n; i++) {
        if (is(story, i, event)) {
            return i;
        }
    }
    return -1;
}

int story_count(const struct story *story, const char *event)
{
    int count = 0;
    for (int i = 0; i < story->n; i++) {
        count += is(story, i, event);
    }
    return count;
}

const struct aft_json *story_expect(const struct story *story, const char *event, const char *key,
                                    const char *text)
{
    for (int i = 0; i < story->n; i++) {
        if (is(story, i, event) &&
            strcmp(aft_json_get_string(story->lines[i], key, ""), text) == 0) {
            return story->lines[i];
        }
    }
    fail_msg("no %s with %s '%s'", event, key, text);
    return NULL;
}

struct aft_json *heartbeat_read(const struct place *place)
{
    char folder[PATH_MAX];
    struct aft_json *heartbeat = NULL;
    struct aft_error error;
    (void)snprintf(folder, sizeof folder, "%.4000s/models/small", place->folder);
    if (aft_heartbeat_read(&heartbeat, folder, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return heartbeat;
}
