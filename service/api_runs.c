/* What is known of runs: handlers that read the registry. */
#include "base/path.h"
#include "service/api.h"
#include "service/confine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Gives the document, or what kept it from being made; takes it over. */
static void answer(struct aft_http_exchange *exchange, enum aft_code code,
                   struct aft_json *document, const struct aft_error *error)
{
    if (code != AFT_OK) {
        aft_http_answer_failure(exchange, error);
        return;
    }
    aft_http_answer_json(exchange, 200, document);
    aft_json_destroy(document);
}

void aft_api_runs(void *context, struct aft_http_exchange *exchange)
{
    const struct aft_api *api = context;
    struct aft_error error;
    struct aft_json *runs = NULL;
    enum aft_code code = aft_index_runs(&runs, api->view, &error);
    answer(exchange, code, runs, &error);
}

void aft_api_run(void *context, struct aft_http_exchange *exchange)
{
    const struct aft_api *api = context;
    struct aft_error error;
    struct aft_json *run = NULL;
    enum aft_code code = aft_index_run(&run, api->view, aft_http_parameter(exchange, 0),
                                       aft_http_query(exchange, "against"), &error);
    answer(exchange, code, run, &error);
}

/* False where the parameter is there and no such number. */
static bool read_number(double *value, const struct aft_http_exchange *exchange, const char *name)
{
    const char *text = aft_http_query(exchange, name);
    char *end = NULL;
    if (text == NULL) {
        return true;
    }
    *value = strtod(text, &end);
    return end != text && *end == '\0' && !isnan(*value);
}

/* Cuts text at its commas; -1 where there are too many. */
static int split(const char **names, char *text)
{
    int n = 0;
    char *rest = text;
    for (char *name = strtok_r(text, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        if (n == AFT_INDEX_MAX_SERIES) {
            return -1;
        }
        names[n++] = name;
    }
    return n;
}

void aft_api_metrics(void *context, struct aft_http_exchange *exchange)
{
    const struct aft_api *api = context;
    const char *names[AFT_INDEX_MAX_SERIES];
    const char *asked = aft_http_query(exchange, "names");
    struct aft_metrics_query query = {.names = names, .from = -INFINITY, .to = INFINITY};
    double points = 1000;
    if (!read_number(&query.from, exchange, "from") || !read_number(&query.to, exchange, "to") ||
        !read_number(&points, exchange, "points") || !(points >= 2) ||
        !(points <= AFT_INDEX_MAX_POINTS)) {
        char detail[128];
        (void)snprintf(detail, sizeof detail,
                       "from and to are steps of the run, points is a number from 2 to %d",
                       AFT_INDEX_MAX_POINTS);
        aft_http_answer_problem(exchange, 400, detail);
        return;
    }
    query.points = (int)points;
    char *text = strdup(asked != NULL ? asked : "");
    query.n_names = text != NULL ? split(names, text) : 0;
    if (query.n_names < 0) {
        char detail[64];
        (void)snprintf(detail, sizeof detail, "names: at most %d", AFT_INDEX_MAX_SERIES);
        aft_http_answer_problem(exchange, 400, detail);
    } else {
        struct aft_error error;
        struct aft_json *metrics = NULL;
        enum aft_code code =
            aft_index_metrics(&metrics, api->view, aft_http_parameter(exchange, 0), &query, &error);
        answer(exchange, code, metrics, &error);
    }
    free(text);
}

void aft_api_report(void *context, struct aft_http_exchange *exchange)
{
    const struct aft_api *api = context;
    struct aft_error error;
    char within[PATH_MAX], path[PATH_MAX];
    const char *file = aft_http_parameter(exchange, 1);
    size_t length = strlen(file);
    enum aft_code code =
        length > 5 && strcmp(file + length - 5, ".html") == 0 && !strchr(file, '/')
            ? aft_path_join(within, aft_http_parameter(exchange, 0), file, &error)
            : aft_fail(&error, AFT_ERR_MISSING, "'%s': not an evaluation report", file);
    if (code == AFT_OK) {
        code = aft_confine(path, api->models_folder, within, &error);
    }
    if (code != AFT_OK) {
        aft_http_answer_failure(exchange, &error);
        return;
    }
    aft_http_answer_file(exchange, "text/html; charset=utf-8", path);
}

void aft_api_models(void *context, struct aft_http_exchange *exchange)
{
    const struct aft_api *api = context;
    struct aft_error error;
    struct aft_json *models = NULL;
    enum aft_code code =
        aft_index_models(&models, api->view, aft_http_query(exchange, "run"), &error);
    answer(exchange, code, models, &error);
}

static bool goes_on(const struct aft_json *summary)
{
    const char *state = aft_json_get_string(summary, "state", "");
    return strcmp(state, "running") == 0 || strcmp(state, "silent") == 0;
}

static enum aft_code make_status(struct aft_json **status, const struct aft_api *api, time_t now,
                                 struct aft_error *error)
{
    struct aft_json *all = NULL;
    enum aft_code code = aft_index_runs(&all, api->view, error);
    if (code != AFT_OK) {
        return code;
    }
    struct aft_json *document = aft_json_object(), *runs = aft_json_array();
    const struct aft_json *list = aft_json_get(all, "runs");
    for (size_t i = 0; i < aft_json_length(list); i++) {
        if (goes_on(aft_json_at(list, i))) {
            aft_json_append(runs, aft_json_copy(aft_json_at(list, i)));
        }
    }
    struct tm utc;
    char text[32];
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    aft_json_set_string(document, "time", text);
    aft_json_set_string(document, "version", AFT_VERSION);
    aft_json_set_boolean(document, "read_only", api->steering == NULL);
    aft_json_set_boolean(document, "active", aft_json_length(runs) > 0);
    aft_json_set(document, "runs", runs);
    aft_json_destroy(all);
    *status = document;
    return AFT_OK;
}

void aft_api_status(void *context, struct aft_http_exchange *exchange)
{
    struct aft_api *api = context;
    struct aft_error error;
    struct aft_json *run = NULL;
    const char *id = aft_http_query(exchange, "run");
    enum aft_code code = AFT_OK;
    long changes = atomic_load(&api->changes);
    time_t now = time(NULL);
    if (api->status_text == NULL || api->status_of != changes || api->status_time != now) {
        aft_api_clear(api);
        code = make_status(&api->status, api, now, &error);
        if (code == AFT_OK) {
            code = aft_json_write(&api->status_text, &api->status_size, api->status, false, &error);
        }
        api->status_of = changes;
        api->status_time = now;
    }
    if (code == AFT_OK && id != NULL) {
        code = aft_index_run_summary(&run, api->view, id, &error);
    }
    if (code != AFT_OK) {
        aft_http_answer_failure(exchange, &error);
        return;
    }
    if (run == NULL) {
        aft_http_answer_json_text(exchange, 200, api->status_text, api->status_size);
        return;
    }
    struct aft_json *document = aft_json_copy(api->status);
    aft_json_set(document, "run", run);
    answer(exchange, AFT_OK, document, &error);
}

void aft_api_events(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    aft_http_answer_stream(exchange, aft_http_query(exchange, "run"));
}
