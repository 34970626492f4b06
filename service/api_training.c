/* Starting, stopping and checkpointing runs: handlers that check what is asked for and pass it
 * on to the service's loop. */
#include "base/path.h"
#include "runner/curriculum_summary.h"
#include "service/api.h"
#include "service/confine.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 200, MOST_CURRICULA = 500 };

struct words { /* a growing list of allocated strings, ended by NULL */
    char *items[MOST_WORDS + 1];
    int n;
    bool failed; /* out of memory, or too many */
};

static void clear_words(struct words *words)
{
    for (int i = 0; i < words->n; i++) {
        free(words->items[i]);
    }
    *words = (struct words){.n = 0};
}

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    bool made = words->n < MOST_WORDS && vasprintf(&text, format, arguments) >= 0;
    va_end(arguments);
    if (made) {
        words->items[words->n++] = text;
    } else {
        words->failed = true;
    }
}

/* False, with the request answered, where a member is not among the known ones, or not of its
 * kind: 's' a string, 'b' a boolean, 'i' an integer, 'o' an object; null stands for none. */
static bool check_members(struct aft_http_exchange *exchange, const struct aft_json *body,
                          const char *const *known, const char *kinds)
{
    char detail[256];
    for (size_t i = 0; i < aft_json_length(body); i++) {
        const struct aft_json *value;
        const char *key = aft_json_key_at(body, i, &value);
        size_t k = 0;
        while (known[k] != NULL && strcmp(known[k], key) != 0) {
            k++;
        }
        if (known[k] == NULL) {
            (void)snprintf(detail, sizeof detail, "'%.100s' is not known here", key);
            aft_http_answer_problem(exchange, 400, detail);
            return false;
        }
        bool fits = aft_json_is_null(value) ||
                    (kinds[k] == 's' && aft_json_string_value(value, NULL) != NULL) ||
                    (kinds[k] == 'b' && aft_json_get_boolean(body, key, true) ==
                                            aft_json_get_boolean(body, key, false)) ||
                    (kinds[k] == 'i' && aft_json_integer_value(value, -1) >= 1) ||
                    (kinds[k] == 'o' && aft_json_is_object(value));
        if (!fits) {
            const char *expected = kinds[k] == 's'   ? "a string"
                                   : kinds[k] == 'b' ? "true or false"
                                   : kinds[k] == 'i' ? "a whole number from 1"
                                                     : "an object";
            (void)snprintf(detail, sizeof detail, "'%s' must be %s", key, expected);
            aft_http_answer_problem(exchange, 400, detail);
            return false;
        }
    }
    return true;
}

/* The settings of the curriculum, as --set has them. */
static enum aft_code take_overrides(struct words *settings, const struct aft_json *overrides,
                                    struct aft_error *error)
{
    for (size_t i = 0; i < aft_json_length(overrides); i++) {
        const struct aft_json *value;
        const char *key = aft_json_key_at(overrides, i, &value);
        const char *text = aft_json_string_value(value, NULL);
        char *written = NULL;
        size_t size;
        if (aft_setting_names_files(key)) {
            return aft_fail(error, AFT_ERR_USAGE,
                            "overrides: %.100s names files, and belongs into the curriculum", key);
        }
        if (strchr(key, '.') == NULL || strchr(key, '=') != NULL || aft_json_is_object(value) ||
            aft_json_is_array(value) || aft_json_is_null(value)) {
            return aft_fail(error, AFT_ERR_USAGE,
                            "overrides: '%.100s': expected \"SECTION.KEY\": value", key);
        }
        if (text == NULL) {
            enum aft_code code = aft_json_write(&written, &size, value, false, error);
            if (code != AFT_OK) {
                return code;
            }
        }
        add(settings, "%s=%s", key, text != NULL ? text : written);
        free(written);
    }
    return AFT_OK;
}

/* What a start asks for, checked. */
struct start {
    char config[PATH_MAX];     /* whole */
    char checkpoint[PATH_MAX]; /* "stage", "latest", a whole path, or "" */
    char run[NAME_MAX + 1];
    struct words settings;
};

static enum aft_code take_paths(struct start *start, const struct aft_api *api,
                                const struct aft_json *body, struct aft_error *error)
{
    const char *config = aft_json_get_string(body, "config_path", NULL);
    const char *checkpoint = aft_json_get_string(body, "checkpoint_path", "");
    if (config == NULL) {
        return aft_fail(error, AFT_ERR_USAGE, "config_path: which curriculum?");
    }
    enum aft_code code = aft_confine(start->config, api->curricula_folder, config, error);
    if (code != AFT_OK) {
        return code;
    }
    if (*checkpoint == '\0' || strcmp(checkpoint, "stage") == 0 ||
        strcmp(checkpoint, "latest") == 0) {
        (void)snprintf(start->checkpoint, sizeof start->checkpoint, "%s", checkpoint);
        return AFT_OK;
    }
    return aft_confine(start->checkpoint, api->models_folder, checkpoint, error);
}

static enum aft_code take_start(struct start *start, const struct aft_api *api,
                                const struct aft_json *body, struct aft_error *error)
{
    const char *name = aft_json_get_string(body, "run_name", NULL);
    const char *device = aft_json_get_string(body, "device", NULL);
    struct aft_json *summary = NULL;
    enum aft_code code = take_paths(start, api, body, error);
    if (code == AFT_OK) {
        code = take_overrides(&start->settings, aft_json_get(body, "overrides"), error);
    }
    if (code != AFT_OK) {
        return code;
    }
    if (name != NULL) {
        add(&start->settings, "run.name=%s", name);
    }
    if (device != NULL) {
        add(&start->settings, "run.device=%s", device);
    }
    if (start->settings.failed) {
        return aft_fail(error, AFT_ERR_USAGE, "overrides: at most %d", MOST_WORDS);
    }
    code =
        aft_curriculum_summary(&summary, start->config, (const char *const *)start->settings.items,
                               start->settings.n, error);
    (void)snprintf(start->run, sizeof start->run, "%s", aft_json_get_string(summary, "run", ""));
    aft_json_destroy(summary);
    return code;
}

/* The arguments of `train`, allocated as aft_steering_start takes them; NULL: out of memory. */
static char **arguments_of(const struct start *start, const struct aft_api *api,
                           const struct aft_json *body)
{
    struct words words = {.n = 0};
    int64_t last = aft_json_get_integer(body, "stop_after_stage", 0);
    add(&words, "train");
    add(&words, "%s", start->config);
    add(&words, "--models");
    add(&words, "%s", api->models_folder);
    add(&words, "--progress");
    add(&words, "none");
    for (int i = 0; i < start->settings.n; i++) {
        add(&words, "--set");
        add(&words, "%s", start->settings.items[i]);
    }
    if (*start->checkpoint != '\0') {
        add(&words, "--resume");
        add(&words, "%s", start->checkpoint);
    }
    if (last > 0) {
        add(&words, "--stop-after-stage");
        add(&words, "%" PRId64, last);
    }
    if (aft_json_get_boolean(body, "accept_changes", false)) {
        add(&words, "--accept-changes");
    }
    char **list = words.failed ? NULL : calloc((size_t)words.n + 1, sizeof *list);
    if (list == NULL) {
        clear_words(&words);
        return NULL;
    }
    memcpy(list, words.items, (size_t)words.n * sizeof *list);
    return list;
}

static bool may_steer(const struct aft_api *api, struct aft_http_exchange *exchange)
{
    if (api->steering == NULL) {
        aft_http_answer_problem(exchange, 403, "this server only shows runs (--read-only)");
    }
    return api->steering != NULL;
}

void aft_api_start(void *context, struct aft_http_exchange *exchange)
{
    static const char *const known[] = {"config_path",     "run_name",  "device",
                                        "checkpoint_path", "overrides", "stop_after_stage",
                                        "accept_changes",  NULL};
    const struct aft_api *api = context;
    const struct aft_json *body = aft_http_body(exchange);
    struct aft_error error;
    if (!may_steer(api, exchange) || !check_members(exchange, body, known, "ssssoib")) {
        return;
    }
    struct start *start = calloc(1, sizeof *start);
    enum aft_code code = start != NULL ? take_start(start, api, body, &error)
                                       : aft_fail(&error, AFT_ERR_MEMORY, "start: out of memory");
    char **arguments = NULL;
    if (code == AFT_OK) {
        arguments = arguments_of(start, api, body);
        code = arguments != NULL
                   ? AFT_OK
                   : aft_fail(&error, AFT_ERR_USAGE, "overrides: too many to pass on");
    }
    if (code == AFT_ERR_REFUSED) { /* a path that leads out */
        aft_http_answer_problem(exchange, 403, error.message);
    } else if (code != AFT_OK) {
        aft_http_answer_failure(exchange, &error);
    } else {
        aft_steering_start(api->steering, exchange, start->run, arguments);
    }
    if (start != NULL) {
        clear_words(&start->settings);
    }
    free(start);
}

/* The run that a stop or a checkpoint names, if it may be had; NULL with the request answered. */
static const char *run_of(const struct aft_api *api, struct aft_http_exchange *exchange)
{
    static const char *const known[] = {"run", NULL};
    const struct aft_json *body = aft_http_body(exchange);
    if (!may_steer(api, exchange) || !check_members(exchange, body, known, "s")) {
        return NULL;
    }
    struct aft_error error;
    struct aft_json *summary = NULL;
    const char *run = aft_json_get_string(body, "run", NULL);
    if (run == NULL) {
        aft_http_answer_problem(exchange, 400, "run: which one?");
        return NULL;
    }
    if (aft_index_run_summary(&summary, api->view, run, &error) != AFT_OK) {
        aft_http_answer_failure(exchange, &error);
        return NULL;
    }
    aft_json_destroy(summary);
    return run;
}

void aft_api_stop(void *context, struct aft_http_exchange *exchange)
{
    const struct aft_api *api = context;
    const char *run = run_of(api, exchange);
    if (run != NULL) {
        aft_steering_stop(api->steering, exchange, run);
    }
}

void aft_api_checkpoint(void *context, struct aft_http_exchange *exchange)
{
    const struct aft_api *api = context;
    const char *run = run_of(api, exchange);
    if (run != NULL) {
        aft_steering_checkpoint(api->steering, exchange, run);
    }
}

static struct aft_json *describe_curriculum(const char *name, const char *path)
{
    struct aft_error error;
    struct aft_json *summary = NULL;
    struct aft_json *item = aft_json_object(), *names = aft_json_array();
    enum aft_code code = aft_curriculum_summary(&summary, path, NULL, 0, &error);
    const struct aft_json *stages = aft_json_get(summary, "stages");
    for (size_t i = 0; i < aft_json_length(stages); i++) {
        aft_json_append(names,
                        aft_json_string(aft_json_get_string(aft_json_at(stages, i), "name", "")));
    }
    aft_json_set_string(item, "path", name);
    aft_json_set_string(item, "run", aft_json_get_string(summary, "run", NULL));
    aft_json_set(item, "stages", names);
    aft_json_set_string(item, "problem", code == AFT_OK ? NULL : error.message);
    aft_json_destroy(summary);
    return item;
}

static int is_curriculum(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && *entry->d_name != '.' && strcmp(entry->d_name + length - 4, ".ini") == 0;
}

void aft_api_curricula(void *context, struct aft_http_exchange *exchange)
{
    const struct aft_api *api = context;
    struct dirent **entries = NULL;
    int n = scandir(api->curricula_folder, &entries, is_curriculum, alphasort);
    struct aft_json *document = aft_json_object(), *list = aft_json_array();
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        const char *name = entries[i]->d_name;
        if (i < MOST_CURRICULA && aft_confine(path, api->curricula_folder, name, NULL) == AFT_OK) {
            aft_json_append(list, describe_curriculum(name, path));
        }
        free(entries[i]);
    }
    free(entries);
    aft_json_set(document, "curricula", list);
    aft_http_answer_json(exchange, 200, document);
    aft_json_destroy(document);
}
