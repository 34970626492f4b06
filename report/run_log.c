/* run.log: what happened, one line per event that is no mere data, for people who come back later.
 */
#include "base/error.h"
#include "report/append_file.h"
#include "report/observers.h"
#include "report/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *level_of(const struct aft_event *event)
{
    if (event->type == AFT_EVENT_INCIDENT || event->type == AFT_EVENT_WORKER_LOST) {
        return "ERROR";
    }
    if (event->type == AFT_EVENT_GATE && !event->u.gate.passed) {
        return "WARN ";
    }
    if (event->type == AFT_EVENT_RUN_ENDS && event->u.ends.exit_code != 0) {
        return "WARN ";
    }
    return "INFO ";
}

static void on_event(void *self, const struct aft_event *event)
{
    if (aft_event_is_data(event)) {
        return;
    }
    char text[AFT_TEXT_SIZE], line[AFT_TEXT_SIZE + 128], when[32] = "";
    aft_text_event(text, event);
    for (char *c = text; *c; c++) {
        if (*c == '\n' || *c == '\r') {
            *c = ' '; /* one event, one line */
        }
    }
    time_t seconds = (time_t)floor(event->unix_time);
    struct tm utc;
    if (gmtime_r(&seconds, &utc)) {
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    char place[64] = "";
    if (event->stage > 0) {
        (void)snprintf(place, sizeof place, "[stage %d step %lld] ", event->stage,
                       (long long)event->stage_step);
    }
    int n = snprintf(line, sizeof line, "%s %s %s%s\n", when, level_of(event), place, text);
    if (n > 0) {
        aft_append_file_write(self, line, strlen(line));
    }
}

static void destroy(void *self)
{
    aft_append_file_close(self);
    free(self);
}

enum aft_code aft_run_log_create(struct aft_observer *observer, const char *folder,
                                 struct aft_error *error)
{
    struct aft_append_file *file = calloc(1, sizeof *file);
    if (!file) {
        return aft_fail(error, AFT_ERR_MEMORY, "open run.log in '%s': out of memory", folder);
    }
    enum aft_code code = aft_append_file_open(file, folder, "run.log", error);
    if (code != AFT_OK) {
        free(file);
        return code;
    }
    *observer = (struct aft_observer){.self = file, .on_event = on_event, .destroy = destroy};
    return AFT_OK;
}
