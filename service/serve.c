/* aftershock serve: its course. The main thread refreshes the registry, carries out what was
 * asked for, and waits for the signal that ends it; the server has a thread of its own. */
#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "runner/exit_code.h"
#include "service/api.h"
#include "service/http_guard.h"
#include "service/service.h"
#include "service/token.h"
#include "service/user_folder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BODY = 64 * 1024, MAX_CONNECTIONS = 512, TIMEOUT_S = 15 };
static const int calm_ms = 1000, busy_ms = 100;

struct serve {
    const struct aft_serve_options *options;
    struct aft_token token;
    char index_path[PATH_MAX];
    struct aft_index *index;
    struct aft_index_view *view; /* of this thread; the API has its own */
    struct aft_steering *steering;
    struct aft_http_server *server;
    char name[256];     /* the machine's, where it listens on all addresses; or empty */
    const char **hosts; /* the options', and that name */
    struct aft_api api;
    struct aft_api background_api; /* of the background's thread */
    int wake_fd, signal_fd;
    bool complained; /* that the registry cannot be refreshed */
};

static double clock_s(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void on_run_changed(void *context, const char *id, const struct aft_json *summary)
{
    struct serve *serve = context;
    atomic_fetch_add(&serve->api.changes, 1);
    aft_http_publish(serve->server, id, "run", summary);
}

static void on_run_event(void *context, const char *id, const struct aft_json *event)
{
    struct serve *serve = context;
    struct aft_json *data = aft_json_object();
    aft_json_set_string(data, "run", id);
    aft_json_set(data, "event", aft_json_copy(event));
    aft_http_publish(serve->server, id, "event", data);
    aft_json_destroy(data);
    if (serve->steering != NULL) {
        aft_steering_note_event(serve->steering, id, event);
    }
}

static void on_metrics_grew(void *context, const char *id, int64_t total_steps)
{
    struct serve *serve = context;
    struct aft_json *data = aft_json_object();
    aft_json_set_string(data, "run", id);
    aft_json_set_integer(data, "total_steps", total_steps);
    aft_http_publish(serve->server, id, "metrics", data);
    aft_json_destroy(data);
}

static void on_run_removed(void *context, const char *id)
{
    struct serve *serve = context;
    struct aft_json *data = aft_json_object();
    aft_json_set_string(data, "run", id);
    atomic_fetch_add(&serve->api.changes, 1);
    aft_http_publish(serve->server, id, "removed", data);
    aft_json_destroy(data);
}

/* One that fails is tried again: a disk may be full, or a share gone, for a while. */
static void refresh(struct serve *serve)
{
    const struct aft_index_listener listener = {.context = serve,
                                                .run_changed = on_run_changed,
                                                .run_event = on_run_event,
                                                .metrics_grew = on_metrics_grew,
                                                .run_removed = on_run_removed};
    struct aft_error error;
    enum aft_code code =
        aft_index_refresh(serve->index, clock_s(CLOCK_REALTIME), &listener, &error);
    if (code != AFT_OK && !serve->complained) {
        (void)fprintf(stderr, "aftershock serve: the registry is not up to date: %s\n",
                      error.message);
    }
    serve->complained = code != AFT_OK;
}

static enum aft_code whole_path(char out[PATH_MAX], const char *path, struct aft_error *error)
{
    return realpath(path, out) ? AFT_OK : aft_fail_errno(error, "open '%s'", path);
}

/* One index for each models folder. */
static enum aft_code choose_index(struct serve *serve, struct aft_error *error)
{
    char folder[PATH_MAX], hex[AFT_SHA256_HEX_SIZE], name[64];
    if (serve->options->index_path != NULL) {
        (void)snprintf(serve->index_path, sizeof serve->index_path, "%s",
                       serve->options->index_path);
        return AFT_OK;
    }
    enum aft_code code = aft_user_folder(folder, "XDG_CACHE_HOME", ".cache", error);
    if (code != AFT_OK) {
        return code;
    }
    aft_sha256_hex(serve->api.models_folder, strlen(serve->api.models_folder), hex);
    (void)snprintf(name, sizeof name, "runs-%.16s.sqlite", hex);
    return aft_path_join(serve->index_path, folder, name, error);
}

static enum aft_code open_registry(struct serve *serve, struct aft_error *error)
{
    const struct aft_serve_options *options = serve->options;
    enum aft_code code =
        options->read_only ? AFT_OK : aft_file_make_folder(options->models_dir, error);
    if (code == AFT_OK) {
        code = whole_path(serve->api.models_folder, options->models_dir, error);
    }
    if (code == AFT_OK) {
        code = whole_path(serve->api.curricula_folder, options->curricula_dir, error);
    }
    if (code == AFT_OK) {
        code = choose_index(serve, error);
    }
    if (code == AFT_OK) {
        code = aft_index_open(&serve->index, serve->index_path, serve->api.models_folder, error);
    }
    if (code == AFT_OK) {
        code = aft_index_view_open(&serve->view, serve->index_path, error);
    }
    if (code == AFT_OK) {
        code = aft_index_view_open(&serve->api.view, serve->index_path, error);
    }
    if (code == AFT_OK) {
        serve->background_api = serve->api;
        serve->background_api.view = NULL;
        code = aft_index_view_open(&serve->background_api.view, serve->index_path, error);
    }
    return code;
}

/* Signals become readable before any thread is started, so that no thread takes one. */
static enum aft_code take_signals(struct serve *serve, struct aft_error *error)
{
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) { /* nohup */
        (void)sigaddset(&ends, SIGHUP);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    serve->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sigprocmask(SIG_BLOCK, &ends, NULL) != 0 ||
        (serve->signal_fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK)) < 0 ||
        serve->wake_fd < 0) {
        return aft_fail_errno(error, "wait for signals");
    }
    return AFT_OK;
}

/* The address that is printed has to be one that is let in. */
static enum aft_code collect_hosts(struct serve *serve, struct aft_error *error)
{
    const struct aft_serve_options *options = serve->options;
    bool everywhere =
        strcmp(options->address, "0.0.0.0") == 0 || strcmp(options->address, "::") == 0;
    if (!everywhere || gethostname(serve->name, sizeof serve->name - 1) != 0) {
        serve->name[0] = '\0';
    }
    serve->hosts = calloc((size_t)options->n_hosts + 1, sizeof *serve->hosts);
    if (serve->hosts == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "start the server: out of memory");
    }
    for (int i = 0; i < options->n_hosts; i++) {
        serve->hosts[i] = options->hosts[i];
    }
    serve->hosts[options->n_hosts] = serve->name;
    return AFT_OK;
}

static enum aft_code start_server(struct serve *serve, struct aft_error *error)
{
    const struct aft_serve_options *options = serve->options;
    enum aft_code code = collect_hosts(serve, error);
    if (code != AFT_OK) {
        return code;
    }
    const struct aft_http_config config = {
        .address = options->address,
        .port = options->port,
        .token = serve->token.text,
        .hosts = serve->hosts,
        .n_hosts = options->n_hosts + (*serve->name != '\0'),
        .routes = aft_api_routes(),
        .context = &serve->api,
        .max_body = MAX_BODY,
        .max_connections = MAX_CONNECTIONS,
        .timeout_s = TIMEOUT_S,
    };
    if (!options->read_only) {
        code = aft_steering_create(&serve->steering, serve->api.models_folder, serve->view,
                                   serve->wake_fd, error);
    }
    serve->api.steering = serve->steering;
    if (code == AFT_OK) {
        code = aft_background_create(&serve->api.background, &serve->background_api, error);
    }
    return code == AFT_OK ? aft_http_start(&serve->server, &config, error) : code;
}

/* Where it is, and how to get in. A token is shown on a terminal only: logs are kept. */
static void announce(const struct serve *serve)
{
    const char *address = serve->options->address;
    bool six = strchr(address, ':') != NULL;
    char host[300];
    (void)snprintf(host, sizeof host, "%s%s%s", six ? "[" : "", address, six ? "]" : "");
    bool shown = isatty(STDOUT_FILENO) != 0;
    (void)printf("Runs in %s are at http://%s:%d/%s%s\n", serve->api.models_folder,
                 *serve->name != '\0' ? serve->name : host, aft_http_port(serve->server),
                 shown ? "#token=" : "", shown ? serve->token.text : "");
    if (!shown) {
        (void)printf("The token is %s%s\n", *serve->token.path ? "in " : "that of AFTERSHOCK_TOKEN",
                     serve->token.path);
    }
    if (!aft_http_is_loopback(address)) {
        (void)printf(
            "Others on the network can reach it, and the connection is not encrypted: "
            "see docs/service.md\n");
    }
    (void)printf("Ctrl+C ends the server; runs go on\n");
    (void)fflush(stdout);
}

static void loop(struct serve *serve)
{
    struct pollfd ready[] = {{.fd = serve->signal_fd, .events = POLLIN},
                             {.fd = serve->wake_fd, .events = POLLIN}};
    bool ends = false;
    while (!ends) {
        eventfd_t woken;
        refresh(serve);
        bool busy =
            serve->steering != NULL && aft_steering_step(serve->steering, clock_s(CLOCK_MONOTONIC));
        if (poll(ready, sizeof ready / sizeof *ready, busy ? busy_ms : calm_ms) < 0 &&
            errno != EINTR) {
            break;
        }
        ends = (ready[0].revents & POLLIN) != 0;
        (void)eventfd_read(serve->wake_fd, &woken);
    }
}

static void clear(struct serve *serve)
{
    aft_http_stop(serve->server);
    aft_background_destroy(serve->api.background);
    free(serve->hosts);
    aft_steering_destroy(serve->steering);
    aft_api_clear(&serve->api);
    aft_index_view_close(serve->background_api.view);
    aft_index_view_close(serve->api.view);
    aft_index_view_close(serve->view);
    aft_index_close(serve->index);
    for (int i = 0; i < 2; i++) {
        int fd = i == 0 ? serve->wake_fd : serve->signal_fd;
        if (fd >= 0) {
            (void)close(fd);
        }
    }
}

int aft_serve(const struct aft_serve_options *options)
{
    struct serve serve = {.options = options, .wake_fd = -1, .signal_fd = -1};
    struct aft_error error;
    enum aft_code code = take_signals(&serve, &error);
    if (code == AFT_OK) {
        code = aft_token_find(&serve.token, options->token_file, &error);
    }
    if (code == AFT_OK) {
        code = open_registry(&serve, &error);
    }
    if (code == AFT_OK) {
        code = start_server(&serve, &error);
    }
    if (code == AFT_OK) {
        announce(&serve);
        loop(&serve);
    } else {
        (void)fprintf(stderr, "aftershock serve: %s\n", error.message);
    }
    clear(&serve);
    return aft_exit_code_of(code);
}
