/* aftershock train: its command line. What it does is in runner/train.c. */
#include "cli/options.h"
#include "runner/train_seeds.h"

#include <signal.h>
#include <string.h>

struct command_line {
    struct aft_train_options options;
    struct aft_texts settings;
    int seeds; /* 0: one run, of the curriculum's seed */
};

static enum aft_code take_resume(void *self, const char *rule)
{
    struct command_line *line = self;
    if (strcmp(rule, "stage") == 0 || strcmp(rule, "latest") == 0) {
        line->options.resume_path = NULL;
        return aft_texts_add(&line->settings, "recovery.resume", rule);
    }
    line->options.resume_path = rule;
    return *rule != '\0' ? AFT_OK : AFT_ERR_USAGE;
}

#define SETTINGS offsetof(struct command_line, settings)
#define OPTION(member) offsetof(struct command_line, options.member)

static const struct aft_option options[] = {
    {.name = "models",
     .value = "DIR",
     .help = "where runs are kept (default: models)",
     .kind = AFT_FOLDER,
     .offset = OPTION(models_dir),
     .environment = "AFTERSHOCK_MODELS"},
    {.name = "run-name",
     .value = "NAME",
     .help = "name of the run and of its folder (default: [run] name)",
     .kind = AFT_TEXT,
     .accepts = aft_is_run_name,
     .expected = "the name of a folder",
     .offset = SETTINGS,
     .setting = "run.name"},
    {.name = "device",
     .value = "DEVICE",
     .help = "what it trains on: auto, cpu, cuda or cuda:N",
     .kind = AFT_TEXT,
     .words = AFT_DEVICE_WORDS,
     .accepts = aft_is_device,
     .expected = AFT_DEVICE_EXPECTED,
     .offset = SETTINGS,
     .setting = "run.device",
     .environment = "AFTERSHOCK_DEVICE"},
    {.name = "engine",
     .value = "ENGINE",
     .help = "what does the arithmetic: auto, native or torch; auto takes torch where a usable GPU "
             "is, else native",
     .kind = AFT_TEXT,
     .words = "auto native torch",
     .offset = SETTINGS,
     .setting = "run.engine",
     .environment = "AFTERSHOCK_ENGINE"},
    {.name = "threads",
     .value = "N",
     .help = "threads that train; 0 means all cores; results do not depend on it",
     .kind = AFT_WHOLE,
     .most = AFT_MOST_THREADS,
     .offset = SETTINGS,
     .setting = "run.threads",
     .environment = "AFTERSHOCK_THREADS"},
    {.name = "seed",
     .value = "N",
     .help = "seed of every random number of the run",
     .kind = AFT_SEED,
     .offset = SETTINGS,
     .setting = "run.seed"},
    {.name = "seeds",
     .value = "N",
     .help = "trains N seeds, from the run's on, one after another, as the runs NAME-seed<k>; the "
             "same command goes on where it ended; the first seed that does not come to 0 ends "
             "it, with that seed's exit code, and so does a signal; not with --resume PATH",
     .kind = AFT_WHOLE,
     .least = 1,
     .most = AFT_MOST_SEEDS,
     .offset = offsetof(struct command_line, seeds)},
    {.name = "resume",
     .value = "stage|latest|PATH",
     .help = "where training goes on\n"
             "stage: after the last complete stage (the default)\n"
             "latest: in the middle of a stage, bit for bit, from the state with the most steps: "
             "checkpoint, INTERRUPTED or ERROR archive\n"
             "PATH: from exactly this archive; a checkpoint, INTERRUPTED or ERROR archive is "
             "continued at its step; the result of another stage, a final or a best archive "
             "begins the first stage that is not complete, and so does one that "
             "Stable-Baselines3 saved; not with --fresh",
     .kind = AFT_OWN,
     .words = "stage latest",
     .files = true,
     .expected = "stage, latest or an archive's path",
     .take = take_resume,
     .environment = "AFTERSHOCK_RESUME",
     .environment_words = "stage latest"},
    {.name = "fresh",
     .help = "starts anew; an earlier run of that name is moved aside, nothing is deleted",
     .kind = AFT_FLAG,
     .offset = OPTION(fresh)},
    {.name = "accept-changes",
     .help = "goes on although the settings of completed stages differ from those their archives "
             "were trained with; network and sensors cannot be changed so",
     .kind = AFT_FLAG,
     .offset = OPTION(accept_changes)},
    {.name = "set",
     .value = "SECTION.KEY=VALUE",
     .help = "changes one setting, as if it stood in the curriculum; may be given again. SECTION "
             "may be 'stage N'",
     .kind = AFT_SETTING,
     .offset = SETTINGS},
    {.name = "stop-after-stage",
     .value = "N",
     .help = "ends with exit code 0 once stage N is complete",
     .kind = AFT_WHOLE,
     .least = 1,
     .most = 1000,
     .offset = OPTION(stop_after_stage)},
    {.name = "dry-run",
     .help = "prints what would be done, trains nothing",
     .kind = AFT_FLAG,
     .offset = OPTION(dry_run)},
    {.name = "progress",
     .value = "STYLE",
     .help = "how progress is shown: auto, bar, plain or none; auto is a bar on a terminal and "
             "plain lines elsewhere",
     .kind = AFT_WORD,
     .words = "auto bar plain none", /* enum aft_progress_style */
     .offset = OPTION(progress),
     .environment = "AFTERSHOCK_PROGRESS"},
    {.name = "color",
     .value = "WHEN",
     .help = "auto, always or never; auto is on a terminal only, and heeds NO_COLOR, CLICOLOR and "
             "CLICOLOR_FORCE",
     .kind = AFT_WORD,
     .words = "auto always never", /* enum aft_colour */
     .offset = OPTION(colour)},
    {0},
};

static int train(struct command_line *line, int argc, char **argv)
{
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
    int code = aft_check_curriculum(&aft_command_train, line->options.curriculum_path);
    if (code != AFT_EXIT_OK) {
        return code;
    }
    if (line->options.curriculum_path == NULL) {
        line->options.curriculum_path = AFT_DEFAULT_CURRICULUM;
    }
    line->options.overrides = (const char *const *)line->settings.items;
    line->options.n_overrides = line->settings.n;
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that goes away does not end training */
    return line->seeds > 0 ? aft_run_train_seeds(&line->options, line->seeds)
                           : aft_run_train(&line->options);
}

static int run(int argc, char **argv)
{
    struct command_line line = {.options = {.models_dir = "models"}};
    int code;
    if (aft_options_parse(&code, &line, &aft_command_train, argc, argv)) {
        code = train(&line, argc, argv);
    }
    aft_texts_clear(&line.settings);
    return code;
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Trains the stages of the curriculum (default: stages.ini) one after the other. Each "
              "complete stage is kept as an archive in models/NAME/. Give the same command again "
              "after an interruption, a crash or a power cut: it goes on after the last complete "
              "stage, with the result that an undisturbed run would have had. To train a stage "
              "again, delete its archive (stage3_*.zip) and those after it."},
    {0},
};

static const struct aft_entry signals[] = {
    {"SIGINT, SIGTERM, SIGHUP",
     "(SIGINT is Ctrl+C) save stageN_INTERRUPTED_*.zip durably, and "
     "end; more of them change nothing. SIGHUP that is ignored at "
     "start, by nohup, stays ignored"},
    {"SIGUSR1", "writes a checkpoint now, and goes on"},
    {"SIGUSR2",
     "writes a checkpoint and ends with 75, for batch systems: run again with --resume "
     "latest"},
    {0},
};

static const struct aft_entry files[] = {
    {"stage1_50kN.zip ...", "complete stages; what resuming uses"},
    {"final_NAME.zip", "the result, once all stages are complete"},
    {"stage2_INTERRUPTED_100kN.zip, stage2_ERROR_100kN.zip",
     "where an interrupted or failed stage stood"},
    {"best_model.zip", "the best evaluation so far"},
    {"checkpoints/stage2_step000250000.zip",
     "periodic ones, of which the newest [recovery] keep_last are kept"},
    {"progress.csv", "one row per iteration"},
    {"monitor.csv", "one row per finished episode"},
    {"evaluations.npz", "one row per evaluation"},
    {"events.out.tfevents.*", "for TensorBoard, unless [run] tensorboard = false"},
    {"references.json", "what LQR and LQG reach, beside the scores"},
    {"run.log", "what happened, one line each"},
    {"events.jsonl", "the same for programs, one JSON object a line"},
    {"heartbeat.json", "that the run goes on, or how it ended; written every 2 s"},
    {"lock", "who holds the run"},
    {0},
};

static const struct aft_section sections[] = {
    {.title = "SIGNALS", .entries = signals},
    {.title = "FILES", .prose = "In the run's folder, models/NAME:", .entries = files},
    {0},
};

static const struct aft_entry environment[] = {
    {"NO_COLOR", "not empty: no colours, unless --color always asks for them"},
    {"CLICOLOR_FORCE", "neither empty nor 0: colours even where there is no terminal"},
    {"CLICOLOR", "0: no colours"},
    {"TERM", "dumb: plain lines instead of a bar, and no colours"},
    {0},
};

static const struct aft_entry exit_codes[] = {
    {"0", "the whole curriculum is complete (or was), or --stop-after-stage was reached"},
    {"1", "training failed; an ERROR archive was written and its path printed"},
    {"2", "bad usage or a bad curriculum: nothing was touched"},
    {"3", "refused: what is on disk cannot be trusted or contradicts the curriculum"},
    {"4", "another process holds this run"},
    {"75", "checkpointed by SIGUSR2; the command to go on with is printed"},
    {"129, 130, 143", "stopped by SIGHUP, SIGINT, SIGTERM, after the archive was durable"},
    {0},
};

static const struct aft_entry examples[] = {
    {"aftershock train", ""},
    {"aftershock train my.ini --run-name soft --set building.soft_storey_factor=0.5", ""},
    {"aftershock train --resume latest", ""},
    {"aftershock train --stop-after-stage 2", ""},
    {"aftershock train --seeds 5", ""},
    {"aftershock train --dry-run", ""},
    {0},
};

const struct aft_command aft_command_train = {
    .name = "train",
    .summary = "runs the curriculum, resuming by itself",
    .synopsis = "[CURRICULUM.ini] [options]",
    .description = description,
    .options = options,
    .sections = sections,
    .environment = environment,
    .exit_codes = exit_codes,
    .examples = examples,
    .run = run,
};
