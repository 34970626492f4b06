/* aftershock train: its command line. What it does is in runner/train.c. */
#include "cli/options.h"
#include "runner/train_seeds.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "aftershock train - runs the curriculum, resuming by itself\n"
    "\n"
    "SYNOPSIS\n"
    "  aftershock train [CURRICULUM.ini] [options]\n"
    "\n"
    "DESCRIPTION\n"
    "  Trains the stages of the curriculum (default: stages.ini) one after the other.\n"
    "  Each complete stage is kept as an archive in models/NAME/. Give the same command\n"
    "  again after an interruption, a crash or a power cut: it goes on after the last\n"
    "  complete stage, with the result that an undisturbed run would have had.\n"
    "  To train a stage again, delete its archive (stage3_*.zip) and those after it.\n"
    "\n"
    "OPTIONS\n"
    "  --models DIR         where runs are kept (default: models)\n"
    "  --run-name NAME      name of the run and of its folder (default: [run] name)\n"
    "  --device DEVICE      auto, cpu, cuda or cuda:N\n"
    "  --engine ENGINE      auto, native or torch; auto is torch on a GPU, else native\n"
    "  --threads N          threads that train; 0 means all cores\n"
    "  --seed N             seed of every random number of the run\n"
    "  --seeds N            trains N seeds, from the run's on, one after another, as the\n"
    "                       runs NAME-seed<k>; the same command goes on where it ended;\n"
    "                       the first that does not come to 0 ends it, with its code;\n"
    "                       not with --resume PATH\n"
    "  --resume stage       resume after the last complete stage (the default)\n"
    "  --resume latest      continue in the middle of a stage, bit for bit, from the state\n"
    "                       with the most steps: checkpoint, INTERRUPTED or ERROR archive\n"
    "  --resume PATH        from exactly this archive; the result of another stage begins\n"
    "                       the first stage that is not complete, and so does one that\n"
    "                       Stable-Baselines3 saved; not with --fresh\n"
    "  --fresh              start anew; an earlier run of that name is moved aside,\n"
    "                       nothing is deleted\n"
    "  --accept-changes     go on although the settings of completed stages differ\n"
    "                       from those their archives were trained with\n"
    "  --set SECTION.KEY=VALUE\n"
    "                       changes one setting, as if it stood in the curriculum;\n"
    "                       may be given again. SECTION may be 'stage N'\n"
    "  --stop-after-stage N end with exit code 0 once stage N is complete\n"
    "  --dry-run            print what would be done, train nothing\n"
    "  --progress STYLE     auto, bar, plain or none; auto is a bar on a terminal and\n"
    "                       plain lines elsewhere\n"
    "  -h, --help           this text\n"
    "\n"
    "SIGNALS\n"
    "  SIGINT (Ctrl+C), SIGTERM, SIGHUP   save stageN_INTERRUPTED_*.zip durably, and end\n"
    "                       (SIGHUP that is ignored at start, by nohup, stays ignored)\n"
    "  SIGUSR1              writes a checkpoint now, and goes on\n"
    "  SIGUSR2              writes a checkpoint and ends with 75, for batch systems: run\n"
    "                       again with --resume latest\n"
    "\n"
    "FILES\n"
    "  models/NAME/stage1_50kN.zip …   complete stages; what resuming uses\n"
    "  models/NAME/final_NAME.zip      the result, once all stages are complete\n"
    "  models/NAME/stage2_INTERRUPTED_100kN.zip, stage2_ERROR_100kN.zip\n"
    "                                  where an interrupted or failed stage stood\n"
    "  models/NAME/best_model.zip      the best evaluation so far\n"
    "  models/NAME/checkpoints/stage2_step000250000.zip\n"
    "                                  periodic ones, the newest [recovery] keep_last\n"
    "  models/NAME/progress.csv        one row per iteration\n"
    "  models/NAME/run.log             what happened, one line each\n"
    "\n"
    "ENVIRONMENT\n"
    "  NO_COLOR             no colours\n"
    "  TERM=dumb            plain lines instead of a bar\n"
    "\n"
    "EXIT CODES\n"
    "  0    the whole curriculum is complete (or was), or --stop-after-stage was reached\n"
    "  1    training failed; an ERROR archive was written and its path printed\n"
    "  2    bad usage or a bad curriculum: nothing was touched\n"
    "  3    refused: what is on disk cannot be trusted or contradicts the curriculum\n"
    "  4    another process holds this run\n"
    "  75   checkpointed by SIGUSR2; the command to go on with is printed\n"
    "  129, 130, 143  stopped by SIGHUP, SIGINT, SIGTERM, after the archive was durable\n"
    "\n"
    "EXAMPLES\n"
    "  aftershock train\n"
    "  aftershock train my.ini --run-name soft --set building.soft_storey_factor=0.5\n"
    "  aftershock train --stop-after-stage 2\n"
    "  aftershock train --seeds 5\n"
    "  aftershock train --dry-run\n";

enum option_code {
    OPTION_MODELS = 256,
    OPTION_RUN_NAME,
    OPTION_DEVICE,
    OPTION_ENGINE,
    OPTION_THREADS,
    OPTION_SEED,
    OPTION_SEEDS,
    OPTION_RESUME,
    OPTION_FRESH,
    OPTION_ACCEPT,
    OPTION_SET,
    OPTION_STOP_AFTER,
    OPTION_DRY_RUN,
    OPTION_PROGRESS,
};

static const struct option table[] = {
    {"models", required_argument, NULL, OPTION_MODELS},
    {"run-name", required_argument, NULL, OPTION_RUN_NAME},
    {"device", required_argument, NULL, OPTION_DEVICE},
    {"engine", required_argument, NULL, OPTION_ENGINE},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"seeds", required_argument, NULL, OPTION_SEEDS},
    {"resume", required_argument, NULL, OPTION_RESUME},
    {"fresh", no_argument, NULL, OPTION_FRESH},
    {"accept-changes", no_argument, NULL, OPTION_ACCEPT},
    {"set", required_argument, NULL, OPTION_SET},
    {"stop-after-stage", required_argument, NULL, OPTION_STOP_AFTER},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"progress", required_argument, NULL, OPTION_PROGRESS},
    {0},
};

struct command_line {
    struct aft_train_options options;
    int seeds;        /* 0: one run, of the curriculum's seed */
    char **overrides; /* [argc], of which options.n_overrides are set; owned */
};

/* Adds "key=value" as an override; returns 0, or the exit code. */
static int add_override(struct command_line *line, const char *key, const char *value)
{
    size_t size = strlen(key) + strlen(value) + 2;
    char *text = malloc(size);
    if (!text) {
        (void)fprintf(stderr, "aftershock train: out of memory\n");
        return AFT_EXIT_FAILED;
    }
    (void)snprintf(text, size, "%s%s%s", key, *key ? "=" : "", value);
    line->overrides[line->options.n_overrides++] = text;
    return AFT_EXIT_OK;
}

static bool parse_progress(enum aft_progress_style *style, const char *text)
{
    static const struct {
        const char *name;
        enum aft_progress_style style;
    } styles[] = {{"auto", AFT_PROGRESS_AUTO},
                  {"bar", AFT_PROGRESS_BAR},
                  {"plain", AFT_PROGRESS_PLAIN},
                  {"none", AFT_PROGRESS_NONE}};
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
        if (strcmp(text, styles[i].name) == 0) {
            *style = styles[i].style;
            return true;
        }
    }
    return false;
}

static int take_resume(struct command_line *line, const char *rule)
{
    if (strcmp(rule, "stage") == 0 || strcmp(rule, "latest") == 0) {
        line->options.resume_path = NULL;
        return add_override(line, "recovery.resume", rule);
    }
    if (!*rule) {
        return aft_usage_error(&aft_command_train,
                               "--resume: expected stage, latest or an archive's path");
    }
    line->options.resume_path = rule;
    return AFT_EXIT_OK;
}

/* Options that stand for a setting. */
static int take_setting(struct command_line *line, int option)
{
    const struct aft_command *command = &aft_command_train;
    int64_t number;
    uint64_t seed;
    switch (option) {
    case OPTION_RUN_NAME:
        if (!*optarg || *optarg == '.' || strchr(optarg, '/')) {
            return aft_usage_error(command, "--run-name '%s': expected the name of a folder",
                                   optarg);
        }
        return add_override(line, "run.name", optarg);
    case OPTION_DEVICE:
        if (!aft_is_device(optarg)) {
            return aft_usage_error(command, "--device '%s': expected auto, cpu, cuda or cuda:N",
                                   optarg);
        }
        return add_override(line, "run.device", optarg);
    case OPTION_ENGINE:
        if (!aft_is_engine(optarg)) {
            return aft_usage_error(command, "--engine '%s': expected auto, native or torch",
                                   optarg);
        }
        return add_override(line, "run.engine", optarg);
    case OPTION_THREADS:
        if (!aft_parse_integer(&number, optarg, 0, 1024)) {
            return aft_usage_error(command, "--threads '%s': expected a number from 0 to 1024",
                                   optarg);
        }
        return add_override(line, "run.threads", optarg);
    case OPTION_SEED:
        if (!aft_parse_unsigned(&seed, optarg)) {
            return aft_usage_error(command, "--seed '%s': expected a number from 0 to 2^64 - 1",
                                   optarg);
        }
        return add_override(line, "run.seed", optarg);
    default:
        return take_resume(line, optarg);
    }
}

static int take_option(struct command_line *line, int option)
{
    struct aft_train_options *options = &line->options;
    int64_t number;
    switch (option) {
    case OPTION_MODELS:
        if (!*optarg) {
            return aft_usage_error(&aft_command_train, "--models: expected a folder");
        }
        options->models_dir = optarg;
        return AFT_EXIT_OK;
    case OPTION_FRESH:
        options->fresh = true;
        return AFT_EXIT_OK;
    case OPTION_ACCEPT:
        options->accept_changes = true;
        return AFT_EXIT_OK;
    case OPTION_DRY_RUN:
        options->dry_run = true;
        return AFT_EXIT_OK;
    case OPTION_SET:
        if (!strchr(optarg, '=') || !strchr(optarg, '.')) {
            return aft_usage_error(&aft_command_train, "--set '%s': expected SECTION.KEY=VALUE",
                                   optarg);
        }
        return add_override(line, "", optarg);
    case OPTION_STOP_AFTER:
        if (!aft_parse_integer(&number, optarg, 1, 1000)) {
            return aft_usage_error(&aft_command_train,
                                   "--stop-after-stage '%s': expected a stage's number, from 1 on",
                                   optarg);
        }
        options->stop_after_stage = (int)number;
        return AFT_EXIT_OK;
    case OPTION_PROGRESS:
        if (!parse_progress(&options->progress, optarg)) {
            return aft_usage_error(&aft_command_train,
                                   "--progress '%s': expected auto, bar, plain or none", optarg);
        }
        return AFT_EXIT_OK;
    case OPTION_SEEDS:
        if (!aft_parse_integer(&number, optarg, 1, AFT_MOST_SEEDS)) {
            return aft_usage_error(&aft_command_train,
                                   "--seeds '%s': expected a number from 1 to %d", optarg,
                                   AFT_MOST_SEEDS);
        }
        line->seeds = (int)number;
        return AFT_EXIT_OK;
    default:
        return take_setting(line, option);
    }
}

static int train(struct command_line *line, int argc, char **argv)
{
    int option;
    while ((option = aft_option_next(&aft_command_train, argc, argv, table)) != AFT_OPTION_END) {
        if (option == AFT_OPTION_BAD) {
            return AFT_EXIT_USAGE;
        }
        if (option == AFT_OPTION_HELP) {
            return AFT_EXIT_OK;
        }
        int code = take_option(line, option);
        if (code != AFT_EXIT_OK) {
            return code;
        }
    }
    if (optind < argc) {
        line->options.curriculum_path = argv[optind++];
    }
    if (optind < argc) {
        return aft_usage_error(&aft_command_train, "one curriculum, please: '%s' is a second",
                               argv[optind]);
    }
    if (line->options.fresh && line->options.resume_path) {
        return aft_usage_error(&aft_command_train,
                               "--fresh and --resume PATH: the one moves aside what the other may "
                               "need; move the old run away by hand, or use another --run-name");
    }
    if (line->seeds > 0 && line->options.resume_path) {
        return aft_usage_error(&aft_command_train,
                               "--seeds and --resume PATH: an archive is of one run; use --resume "
                               "latest, or train one seed at a time");
    }
    line->options.overrides = (const char *const *)line->overrides;
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that goes away does not end training */
    return line->seeds > 0 ? aft_run_train_seeds(&line->options, line->seeds)
                           : aft_run_train(&line->options);
}

static int run(int argc, char **argv)
{
    struct command_line line = {
        .options = {.curriculum_path = "stages.ini", .models_dir = "models"},
        .overrides = calloc((size_t)argc + 1, sizeof *line.overrides),
    };
    if (!line.overrides) {
        (void)fprintf(stderr, "aftershock train: out of memory\n");
        return AFT_EXIT_FAILED;
    }
    int code = train(&line, argc, argv);
    for (int i = 0; i < line.options.n_overrides; i++) {
        free(line.overrides[i]);
    }
    free(line.overrides);
    return code;
}

const struct aft_command aft_command_train = {
    "train",
    "runs the curriculum, resuming by itself",
    help,
    run,
};
