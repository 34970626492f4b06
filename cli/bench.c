/* aftershock bench: its command line. What measures is in the compute module. */
#include "cli/compute_loader.h"
#include "cli/options.h"

struct command_line {
    struct aft_bench_options options;
    bool json, markdown;
};

/* The parts in the order of enum aft_bench_part; those that --growth knows come first. */
#define GROWING_PARTS "update env_step rollout"
#define PARTS GROWING_PARTS " train archive_save archive_load startup"
static const unsigned growing = AFT_BENCH_UPDATE | AFT_BENCH_ENV_STEP | AFT_BENCH_ROLLOUT;

#define OPTION(member) offsetof(struct command_line, options.member)

static const struct aft_option options[] = {
    {.name = "quick",
     .help = "a few seconds in all, and rough figures",
     .kind = AFT_FLAG,
     .offset = OPTION(quick)},
    {.name = "only",
     .value = "NAME[,NAME]",
     .help = "of update, env_step, rollout, train, archive_save, archive_load, startup; with "
             "--growth of update, env_step, rollout",
     .kind = AFT_WORDS,
     .words = PARTS,
     .offset = OPTION(parts)},
    {.name = "growth", .help = "how costs grow", .kind = AFT_FLAG, .offset = OPTION(growth)},
    {.name = "threads",
     .value = "N",
     .help = "how many threads \"all\" are; 0 means all cores (the default)",
     .kind = AFT_WHOLE,
     .most = AFT_MOST_THREADS,
     .offset = OPTION(threads),
     .environment = "AFTERSHOCK_THREADS"},
    {.name = "engine",
     .value = "ENGINE",
     .help = "auto, native or torch; auto is torch on a GPU, else native",
     .kind = AFT_TEXT,
     .words = "auto native torch",
     .offset = OPTION(engine),
     .environment = "AFTERSHOCK_ENGINE"},
    {.name = "device",
     .value = "DEVICE",
     .help = "auto, cpu, cuda or cuda:N",
     .kind = AFT_TEXT,
     .words = AFT_DEVICE_WORDS,
     .accepts = aft_is_device,
     .expected = AFT_DEVICE_EXPECTED,
     .offset = OPTION(device),
     .environment = "AFTERSHOCK_DEVICE"},
    {.name = "json",
     .help = "one JSON document on standard output",
     .kind = AFT_FLAG,
     .offset = offsetof(struct command_line, json)},
    {.name = "markdown",
     .help = "the tables in Markdown",
     .kind = AFT_FLAG,
     .offset = offsetof(struct command_line, markdown)},
    {.name = "csv",
     .value = "FILE",
     .help = "writes one row per figure",
     .kind = AFT_FILE,
     .offset = OPTION(csv_path)},
    {.name = "svg",
     .value = "FILE",
     .help = "draws growth",
     .kind = AFT_FILE,
     .offset = OPTION(svg_path)},
    {0},
};

static int check(struct command_line *line)
{
    const struct aft_bench_options *bench = &line->options;
    if (line->json && line->markdown) {
        return aft_usage_error(&aft_command_bench, "either --json or --markdown");
    }
    if (bench->svg_path != NULL && !bench->growth) {
        return aft_usage_error(&aft_command_bench, "--svg draws growth: give --growth too");
    }
    if (bench->growth && (bench->parts & ~growing) != 0) {
        const char *name;
        int place = __builtin_ctz(bench->parts & ~growing);
        int length = (int)aft_word_at(&name, PARTS, place);
        return aft_usage_error(&aft_command_bench,
                               "--growth --only %.*s: expected update, env_step or rollout", length,
                               name);
    }
    line->options.format = line->json       ? AFT_BENCH_JSON
                           : line->markdown ? AFT_BENCH_MARKDOWN
                                            : AFT_BENCH_TABLE;
    return AFT_EXIT_OK;
}

static int measure(const struct aft_bench_options *bench)
{
    const struct aft_compute_interface *compute;
    struct aft_error error;
    enum aft_code code = aft_compute_load(&compute, &error);
    if (code != AFT_OK) {
        return aft_report_failure(&aft_command_bench, &error);
    }
    return compute->bench(bench);
}

static int run(int argc, char **argv)
{
    struct command_line line = {.options = {.engine = "auto", .device = "auto"}};
    int code;
    if (!aft_options_parse(&code, &line, &aft_command_bench, argc, argv)) {
        return code;
    }
    if (optind < argc) {
        return aft_usage_error(&aft_command_bench, "expected no operand, not '%s'", argv[optind]);
    }
    code = check(&line);
    return code == AFT_EXIT_OK ? measure(&line.options) : code;
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Measures what this machine can do at best (SGEMM by OpenBLAS, memory bandwidth), "
              "and what this program does: environment steps, rollouts, updates of several "
              "networks, whole training on the settings of stages.ini and of the first project, "
              "saving and loading archives, start-up. Each is printed with its bound and as a "
              "share of it, on one thread and on all. docs/performance.md tells what each row and "
              "bound mean. Takes about a minute and a half; nothing else should run meanwhile.\n\n"
              "With --growth: the cost of an environment step and of a sample instead, over the "
              "number of environments, the batch size, the width of the network and the "
              "threads.\n\n"
              "Files are written to a temporary folder and removed."},
    {0},
};
static const struct aft_entry environment[] = {
    {"TMPDIR", "where the temporary folder is made (default: /tmp)"}, {0}};
static const struct aft_entry exit_codes[] = {
    AFT_COMMON_EXIT_CODES, {"129, 130, 143", "stopped by SIGHUP, SIGINT, SIGTERM"}, {0}};
static const struct aft_entry examples[] = {
    {"aftershock bench", ""},
    {"aftershock bench --quick --json | jq '.results[] | select(.name == \"update\")'", ""},
    {"aftershock bench --only update --engine torch", ""},
    {"aftershock bench --growth --markdown --svg growth.svg", ""},
    {0},
};

const struct aft_command aft_command_bench = {
    .name = "bench",
    .summary = "speed against this machine's own limits",
    .synopsis = "[options]\n--growth [--svg FILE] [options]",
    .description = description,
    .options = options,
    .environment = environment,
    .exit_codes = exit_codes,
    .examples = examples,
    .run = run,
};
