/* aftershock bench: its command line. What measures is in the compute module. */
#include "cli/compute_loader.h"
#include "cli/options.h"
#include "runner/train.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "aftershock bench - speed against this machine's own limits\n"
    "\n"
    "SYNOPSIS\n"
    "  aftershock bench [options]\n"
    "  aftershock bench --growth [--svg FILE] [options]\n"
    "\n"
    "DESCRIPTION\n"
    "  Measures what this machine can do at best (SGEMM by OpenBLAS, memory bandwidth), and\n"
    "  what this program does: environment steps, rollouts, updates of several networks,\n"
    "  whole training on the settings of stages.ini and of the first project, saving and\n"
    "  loading archives, start-up. Each is printed with its bound and as a share of it, on\n"
    "  one thread and on all. docs/performance.md tells what each row and bound mean.\n"
    "  Takes about a minute and a half; nothing else should run meanwhile.\n"
    "\n"
    "  With --growth: the cost of an environment step and of a sample instead, over the\n"
    "  number of environments, the batch size, the width of the network and the threads.\n"
    "\n"
    "  Files are written to a temporary folder (in TMPDIR, or /tmp) and removed.\n"
    "\n"
    "OPTIONS\n"
    "  --quick            a few seconds in all, and rough figures\n"
    "  --only NAME[,NAME] of update, env_step, rollout, train, archive_save, archive_load,\n"
    "                     startup; with --growth of update, env_step, rollout\n"
    "  --growth           how costs grow\n"
    "  --threads N        how many threads \"all\" are; 0 means all cores (the default)\n"
    "  --engine ENGINE    auto, native or torch; auto is torch on a GPU, else native\n"
    "  --device DEVICE    auto, cpu, cuda or cuda:N\n"
    "  --json             one JSON document on standard output\n"
    "  --markdown         the tables in Markdown\n"
    "  --csv FILE         write one row per figure\n"
    "  --svg FILE         draw growth\n"
    "  -h, --help         this text\n"
    "\n" AFT_HELP_EXIT_CODES
    "  129, 130, 143  stopped by SIGHUP, SIGINT, SIGTERM\n"
    "\n"
    "EXAMPLES\n"
    "  aftershock bench\n"
    "  aftershock bench --quick --json | jq '.results[] | select(.name == \"update\")'\n"
    "  aftershock bench --only update --engine torch\n"
    "  aftershock bench --growth --markdown --svg growth.svg\n";

enum {
    OPTION_QUICK = 256,
    OPTION_ONLY,
    OPTION_GROWTH,
    OPTION_THREADS,
    OPTION_ENGINE,
    OPTION_DEVICE,
    OPTION_JSON,
    OPTION_MARKDOWN,
    OPTION_CSV,
    OPTION_SVG
};

static const struct {
    const char *name;
    enum aft_bench_part part;
    bool grows;
} parts[] = {
    {"update", AFT_BENCH_UPDATE, true},
    {"env_step", AFT_BENCH_ENV_STEP, true},
    {"rollout", AFT_BENCH_ROLLOUT, true},
    {"train", AFT_BENCH_TRAIN, false},
    {"archive_save", AFT_BENCH_ARCHIVE_SAVE, false},
    {"archive_load", AFT_BENCH_ARCHIVE_LOAD, false},
    {"startup", AFT_BENCH_STARTUP, false},
};
enum { N_PARTS = sizeof parts / sizeof parts[0] };

static int take_part(struct aft_bench_options *options, const char *name, size_t length)
{
    for (int i = 0; i < N_PARTS; i++) {
        if (strlen(parts[i].name) == length && strncmp(name, parts[i].name, length) == 0) {
            options->parts |= (unsigned)parts[i].part;
            return AFT_EXIT_OK;
        }
    }
    return aft_usage_error(&aft_command_bench,
                           "--only '%.*s': expected update, env_step, rollout, train, "
                           "archive_save, archive_load or startup",
                           (int)length, name);
}

static int take_parts(struct aft_bench_options *options, const char *list)
{
    int code = AFT_EXIT_OK;
    for (const char *name = list; name != NULL && code == AFT_EXIT_OK;) {
        size_t length = strcspn(name, ",");
        code = take_part(options, name, length);
        name = name[length] == ',' ? name + length + 1 : NULL;
    }
    return code;
}

static int take_format(struct aft_bench_options *options, enum aft_bench_format format)
{
    if (options->format != AFT_BENCH_TABLE && options->format != format) {
        return aft_usage_error(&aft_command_bench, "either --json or --markdown");
    }
    options->format = format;
    return AFT_EXIT_OK;
}

/* Options that say on what to measure. */
static int take_target(struct aft_bench_options *options, int option)
{
    const struct aft_command *command = &aft_command_bench;
    int64_t number;
    switch (option) {
    case OPTION_THREADS:
        if (!aft_parse_integer(&number, optarg, 0, 1024)) {
            return aft_usage_error(command, "--threads '%s': expected a number from 0 to 1024",
                                   optarg);
        }
        options->threads = (int)number;
        return AFT_EXIT_OK;
    case OPTION_ENGINE:
        if (!aft_is_engine(optarg)) {
            return aft_usage_error(command, "--engine '%s': expected auto, native or torch",
                                   optarg);
        }
        options->engine = optarg;
        return AFT_EXIT_OK;
    default:
        if (!aft_is_device(optarg)) {
            return aft_usage_error(command, "--device '%s': expected auto, cpu, cuda or cuda:N",
                                   optarg);
        }
        options->device = optarg;
        return AFT_EXIT_OK;
    }
}

static int take_option(struct aft_bench_options *options, int option)
{
    switch (option) {
    case OPTION_QUICK:
        options->quick = true;
        return AFT_EXIT_OK;
    case OPTION_GROWTH:
        options->growth = true;
        return AFT_EXIT_OK;
    case OPTION_ONLY:
        return take_parts(options, optarg);
    case OPTION_JSON:
        return take_format(options, AFT_BENCH_JSON);
    case OPTION_MARKDOWN:
        return take_format(options, AFT_BENCH_MARKDOWN);
    case OPTION_CSV:
        options->csv_path = optarg;
        return AFT_EXIT_OK;
    case OPTION_SVG:
        options->svg_path = optarg;
        return AFT_EXIT_OK;
    default:
        return take_target(options, option);
    }
}

static int check(const struct aft_bench_options *options)
{
    if (options->svg_path != NULL && !options->growth) {
        return aft_usage_error(&aft_command_bench, "--svg draws growth: give --growth too");
    }
    for (int i = 0; i < N_PARTS && options->growth; i++) {
        if ((options->parts & (unsigned)parts[i].part) != 0 && !parts[i].grows) {
            return aft_usage_error(&aft_command_bench,
                                   "--growth --only %s: expected update, env_step or rollout",
                                   parts[i].name);
        }
    }
    return AFT_EXIT_OK;
}

static int measure(const struct aft_bench_options *options)
{
    const struct aft_compute_interface *compute;
    struct aft_error error;
    enum aft_code code = aft_compute_load(&compute, &error);
    if (code != AFT_OK) {
        return aft_report_failure(&aft_command_bench, &error);
    }
    return compute->bench(options);
}

static int run(int argc, char **argv)
{
    static const struct option table[] = {
        {"quick", no_argument, NULL, OPTION_QUICK},
        {"only", required_argument, NULL, OPTION_ONLY},
        {"growth", no_argument, NULL, OPTION_GROWTH},
        {"threads", required_argument, NULL, OPTION_THREADS},
        {"engine", required_argument, NULL, OPTION_ENGINE},
        {"device", required_argument, NULL, OPTION_DEVICE},
        {"json", no_argument, NULL, OPTION_JSON},
        {"markdown", no_argument, NULL, OPTION_MARKDOWN},
        {"csv", required_argument, NULL, OPTION_CSV},
        {"svg", required_argument, NULL, OPTION_SVG},
        {0},
    };
    struct aft_bench_options options = {.engine = "auto", .device = "auto"};
    int option, code = AFT_EXIT_OK;
    while ((option = aft_option_next(&aft_command_bench, argc, argv, table)) != AFT_OPTION_END) {
        if (option == AFT_OPTION_BAD) {
            return AFT_EXIT_USAGE;
        }
        if (option == AFT_OPTION_HELP) {
            return AFT_EXIT_OK;
        }
        code = take_option(&options, option);
        if (code != AFT_EXIT_OK) {
            return code;
        }
    }
    if (optind < argc) {
        return aft_usage_error(&aft_command_bench, "expected no operand, not '%s'", argv[optind]);
    }
    code = check(&options);
    return code == AFT_EXIT_OK ? measure(&options) : code;
}

const struct aft_command aft_command_bench = {
    "bench",
    "speed against this machine's own limits",
    help,
    run,
};
