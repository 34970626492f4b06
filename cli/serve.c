/* aftershock serve: its command line. What serves is in the service module. */
#include "cli/module_loader.h"
#include "cli/options.h"
#include "service/service.h"

#include <string.h>

enum { USUAL_PORT = 8420, MOST_PORT = 65535 };

struct command_line {
    struct aft_serve_options options;
    struct aft_texts hosts;
};

static enum aft_code load(const struct aft_service_interface **service, struct aft_error *error)
{
    void *symbol = NULL;
    enum aft_code code =
        aft_module_load(&symbol, AFT_SERVICE_MODULE_FILE, AFT_SERVICE_MODULE_SYMBOL, error);
    if (code != AFT_OK) {
        return code;
    }
    aft_service_module_function entry;
    memcpy(&entry, &symbol, sizeof entry); /* POSIX's way from void * to a function */
    *service = entry();
    return (*service)->version == AFT_SERVICE_VERSION
               ? AFT_OK
               : aft_fail(error, AFT_ERR_REFUSED,
                          "load '%s': it is of another build (version %d, not %d)",
                          AFT_SERVICE_MODULE_FILE, (*service)->version, AFT_SERVICE_VERSION);
}

#define OPTION(member) offsetof(struct command_line, options.member)

static const struct aft_option options[] = {
    {.name = "models",
     .value = "DIR",
     .help = "where runs are kept (default: models)",
     .kind = AFT_FOLDER,
     .offset = OPTION(models_dir),
     .environment = "AFTERSHOCK_MODELS"},
    {.name = "curricula",
     .value = "DIR",
     .help = "the folder whose INI files runs may be started from (default: the working folder)",
     .kind = AFT_FOLDER,
     .offset = OPTION(curricula_dir)},
    {.name = "address",
     .value = "ADDRESS",
     .help = "the address to listen on (default: 127.0.0.1, this machine alone; 0.0.0.0 and :: "
             "are all of its addresses)",
     .kind = AFT_TEXT,
     .offset = OPTION(address)},
    {.name = "port",
     .value = "N",
     .help = "the port (default: 8420; 0: any free one, which is printed)",
     .kind = AFT_WHOLE,
     .most = MOST_PORT,
     .offset = OPTION(port)},
    {.name = "host",
     .value = "NAME",
     .help = "a further name by which browsers call the server, behind a proxy or on a network; "
             "may be given again",
     .kind = AFT_FILES,
     .offset = offsetof(struct command_line, hosts)},
    {.name = "token-file",
     .value = "FILE",
     .help = "holds the token that is needed to change anything (default: the variable "
             "AFTERSHOCK_TOKEN, or a file of yours that is made when it is missing)",
     .kind = AFT_FILE,
     .offset = OPTION(token_file)},
    {.name = "index",
     .value = "FILE",
     .help = "the registry's database, on a local disk; it may be deleted at any time (default: in "
             "your cache folder)",
     .kind = AFT_FILE,
     .offset = OPTION(index_path)},
    {.name = "read-only",
     .help = "shows runs; none can be started, stopped or checkpointed",
     .kind = AFT_FLAG,
     .offset = OPTION(read_only)},
    {0},
};

static int serve(struct command_line *line)
{
    const struct aft_service_interface *service = NULL;
    struct aft_error error;
    line->options.hosts = (const char *const *)line->hosts.items;
    line->options.n_hosts = line->hosts.n;
    if (load(&service, &error) != AFT_OK) {
        return aft_report_failure(&aft_command_serve, &error);
    }
    return service->serve(&line->options);
}

static int run(int argc, char **argv)
{
    struct command_line line = {.options = {.models_dir = "models",
                                            .curricula_dir = ".",
                                            .address = "127.0.0.1",
                                            .port = USUAL_PORT}};
    int code;
    if (aft_options_parse(&code, &line, &aft_command_serve, argc, argv)) {
        code = optind < argc ? aft_usage_error(&aft_command_serve, "expected no operand, not '%s'",
                                               argv[optind])
                             : serve(&line);
    }
    aft_texts_clear(&line.hosts);
    return code;
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose =
         "Serves a dashboard and a JSON API that show every run below the models folder, of this "
         "machine and of others that share it, while they are trained and afterwards; and starts, "
         "stops and checkpoints the runs of this machine. Needs no other server.\n\n"
         "What it knows it reads from the runs' folders. Runs do not depend on it: it may be "
         "ended or killed at any time. Anything that changes a run needs a token; where it "
         "listens on more than this machine, so does looking."},
    {0},
};

static const struct aft_entry environment[] = {
    {"AFTERSHOCK_TOKEN", "the token, where --token-file is not given"},
    {"XDG_STATE_HOME", "your own token is in aftershock/token there (default: ~/.local/state)"},
    {"XDG_CACHE_HOME", "the registry is in aftershock/ there (default: ~/.cache)"},
    {0},
};

static const struct aft_entry exit_codes[] = {
    AFT_COMMON_EXIT_CODES, {"4", "another process serves these runs"}, {0}};

static const struct aft_entry examples[] = {
    {"aftershock serve", "http://127.0.0.1:8420/ shows the runs in models/"},
    {"aftershock serve --models /shared/models --read-only", "look at a cluster's runs"},
    {"ssh -L 8420:127.0.0.1:8420 workstation", "look at a distant machine's, from your own"},
    {0},
};

const struct aft_command aft_command_serve = {
    .name = "serve",
    .summary = "dashboard and HTTP API for all runs",
    .synopsis = "[options]",
    .description = description,
    .options = options,
    .environment = environment,
    .exit_codes = exit_codes,
    .examples = examples,
    .operand_words = "",
    .run = run,
};
