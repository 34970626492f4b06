/* events.jsonl and heartbeat.json of the run "small", read as another program would. */
#ifndef AFT_TESTS_RUNNER_RUN_FILES_H
#define AFT_TESTS_RUNNER_RUN_FILES_H

#include "base/json.h"
#include "tests/runner/place.h"

enum { RUN_FILES_MOST_LINES = 1000 };

struct story { /* zeroed to begin with */
    int n;
    struct aft_json *lines[RUN_FILES_MOST_LINES];
};

/* Reads events.jsonl in the folder within the place (NULL: models/small) and fails unless every
 * line is a whole event and seq increases. */
void story_read(struct story *story, const struct place *place, const char *folder);
void story_clear(struct story *story);

/* The index of the first such event from a line on; -1 where there is none. */
int story_find(const struct story *story, const char *event, int from);
int story_count(const struct story *story, const char *event);
/* The same, with the member's text; fails where there is none. */
const struct aft_json *story_expect(const struct story *story, const char *event, const char *key,
                                    const char *text);

/* heartbeat.json, which the caller destroys. */
struct aft_json *heartbeat_read(const struct place *place);

#endif
