/* aftershock evaluate: its command line. What computes is in the compute module. */
#include "cli/compute_loader.h"
#include "cli/options.h"

#include <string.h>

enum { MANY = 10000, USUAL_MOTIONS = 32, USUAL_DISTANCE_KM = 20 };

struct command_line {
    struct aft_evaluate_options options; /* 0 motions, 0 km: not given */
    struct aft_texts records, settings;
};

static enum aft_code take_scale(void *self, const char *text)
{
    struct command_line *line = self;
    struct aft_evaluate_options *options = &line->options;
    const char *target = strchr(text, '=');
    if (strcmp(text, "stage") == 0) {
        options->scale = AFT_EVALUATE_AS_STAGE;
    } else if (strcmp(text, "none") == 0) {
        options->scale = AFT_EVALUATE_UNSCALED;
    } else if (target != NULL && aft_parse_real(&options->scale_g, target + 1, 1e-6, 10) &&
               (strncmp(text, "pga=", 4) == 0 || strncmp(text, "sa=", 3) == 0)) {
        options->scale = *text == 'p' ? AFT_EVALUATE_AT_PGA : AFT_EVALUATE_AT_SA;
    } else {
        return AFT_ERR_USAGE;
    }
    return AFT_OK;
}

/* Whose names they are is known where they are compared. */
static bool is_list(const char *text)
{
    return text != NULL;
}

#define OPTION(member) offsetof(struct command_line, options.member)

static const struct aft_option options[] = {
    {.name = "stage",
     .value = "N",
     .help = "only this stage: its force limit, scaling and settings (default: every stage up to "
             "the archive's)",
     .heading = "MOTIONS",
     .kind = AFT_WHOLE,
     .least = 1,
     .most = 1000,
     .offset = OPTION(stage)},
    {.name = "motions-per-stage",
     .value = "N",
     .help = "unseen motions of each stage (default: 32)",
     .kind = AFT_WHOLE,
     .least = 1,
     .most = MANY,
     .offset = OPTION(motions_per_stage)},
    {.name = "motions",
     .value = "PATH",
     .help = "records instead, .AT2 or .csv; a file or a folder; may be given again",
     .kind = AFT_FILES,
     .offset = offsetof(struct command_line, records)},
    {.name = "magnitude",
     .value = "M",
     .help = "motions of this magnitude instead (3 to 9), or beside records",
     .kind = AFT_REAL,
     .least = 3,
     .most = 9,
     .offset = OPTION(magnitude)},
    {.name = "distance",
     .value = "KM",
     .help = "their distance to the source, 1 to 500 (default: 20)",
     .kind = AFT_REAL,
     .least = 1,
     .most = 500,
     .offset = OPTION(distance_km)},
    {.name = "count",
     .value = "N",
     .help = "how many of them (default: 32)",
     .kind = AFT_WHOLE,
     .least = 1,
     .most = MANY,
     .offset = OPTION(count)},
    {.name = "seed",
     .value = "N",
     .help = "which motions and which sensor noise (default: 0)",
     .kind = AFT_SEED,
     .offset = OPTION(seed)},
    {.name = "scale",
     .value = "HOW",
     .help = "stage: as the stage scales (the default)\n"
             "pga=G or sa=G: to that peak or spectral acceleration (5 %, first period), in g\n"
             "none: as the motions are",
     .kind = AFT_OWN,
     .words = "stage pga= sa= none",
     .expected = "stage, pga=G, sa=G (in g, up to 10) or none",
     .take = take_scale},
    {.name = "curriculum",
     .value = "FILE",
     .help = "for archives of Stable-Baselines3 (default: stages.ini)",
     .heading = "OPTIONS",
     .kind = AFT_FILE,
     .offset = OPTION(curriculum_path)},
    {.name = "controllers",
     .value = "LIST",
     .help = "some of policy,passive_tuned,lqr,lqg (default: all); uncontrolled and passive are "
             "always there",
     .kind = AFT_TEXT,
     .words = "policy passive_tuned lqr lqg",
     .accepts = is_list,
     .offset = OPTION(controllers)},
    {.name = "against",
     .value = "ARCHIVE",
     .help = "another archive's policy, as the controller baseline, on the same motions, and how "
             "much the policy differs, with intervals; it must have the same sensors, observer and "
             "nominal controller",
     .kind = AFT_FILE,
     .offset = OPTION(against)},
    {.name = "bound",
     .help = "also the least peak drift that any controller could reach that keeps off the end "
             "stop, by linear programming with the future known and without the power limit; the "
             "controllers on a scale from passive (0) to it (1); and those forces played to the "
             "real plant, as the controller clairvoyant. Up to 20 s for each long motion",
     .kind = AFT_FLAG,
     .offset = OPTION(bound)},
    {.name = "robustness",
     .help = "policy and lqg again with noise, 60 ms of latency, 8 % of dropout, all three, "
             "stiffness +-15 %, damping +-30 %",
     .kind = AFT_FLAG,
     .offset = OPTION(robustness)},
    {.name = "set",
     .value = "SECTION.KEY=VALUE",
     .help = "changes one setting of the curriculum; may be given again. SECTION may be "
             "'stage N'",
     .kind = AFT_SETTING,
     .offset = offsetof(struct command_line, settings)},
    {.name = "report",
     .value = "FILE",
     .help = "one self-contained HTML page with plots",
     .kind = AFT_FILE,
     .offset = OPTION(report_path)},
    {.name = "csv",
     .value = "FILE",
     .help = "one row for each motion and controller",
     .kind = AFT_FILE,
     .offset = OPTION(csv_path)},
    {.name = "json",
     .help = "one JSON document on standard output",
     .kind = AFT_FLAG,
     .offset = OPTION(json)},
    {.name = "engine",
     .value = "ENGINE",
     .help = "auto, native or torch (default: native)",
     .kind = AFT_TEXT,
     .words = "auto native torch",
     .offset = OPTION(engine)},
    {.name = "device",
     .value = "DEVICE",
     .help = "auto, cpu, cuda or cuda:N (default: cpu)",
     .kind = AFT_TEXT,
     .words = AFT_DEVICE_WORDS,
     .accepts = aft_is_device,
     .expected = AFT_DEVICE_EXPECTED,
     .offset = OPTION(device)},
    {.name = "threads",
     .value = "N",
     .help = "0 means all cores (the default); results do not depend on it",
     .kind = AFT_WHOLE,
     .most = AFT_MOST_THREADS,
     .offset = OPTION(threads),
     .environment = "AFTERSHOCK_THREADS"},
    {0},
};

/* Options that go together or not, and the defaults of those that were not given. */
static int complete(struct command_line *line)
{
    struct aft_evaluate_options *chosen = &line->options;
    chosen->records = (const char *const *)line->records.items;
    chosen->n_records = line->records.n;
    chosen->overrides = (const char *const *)line->settings.items;
    chosen->n_overrides = line->settings.n;
    if ((chosen->distance_km > 0 || chosen->count > 0) && !(chosen->magnitude > 0)) {
        return aft_usage_error(&aft_command_evaluate,
                               "--distance and --count are of generated motions: give --magnitude");
    }
    if (chosen->motions_per_stage > 0 && (chosen->magnitude > 0 || chosen->n_records > 0)) {
        return aft_usage_error(&aft_command_evaluate,
                               "--motions-per-stage is of the stage's own motions: it does not go "
                               "with --motions or --magnitude");
    }
    chosen->distance_km = chosen->distance_km > 0 ? chosen->distance_km : USUAL_DISTANCE_KM;
    chosen->count = chosen->count > 0 ? chosen->count : USUAL_MOTIONS;
    if (chosen->motions_per_stage == 0) {
        chosen->motions_per_stage = USUAL_MOTIONS;
    }
    return AFT_EXIT_OK;
}

static int evaluate(struct command_line *line, int argc, char **argv)
{
    if (argc - optind != 1) {
        return aft_usage_error(&aft_command_evaluate, "expected one archive, not %d",
                               argc - optind);
    }
    line->options.archive = argv[optind];
    int exit_code = complete(line);
    if (exit_code == AFT_EXIT_OK) {
        exit_code = aft_check_archive(&aft_command_evaluate, argv[optind]);
    }
    if (exit_code != AFT_EXIT_OK) {
        return exit_code;
    }
    const struct aft_compute_interface *compute;
    struct aft_error error;
    enum aft_code code = aft_compute_load(&compute, &error);
    if (code != AFT_OK) {
        return aft_report_failure(&aft_command_evaluate, &error);
    }
    return compute->evaluate(&line->options);
}

static int run(int argc, char **argv)
{
    struct command_line line = {.options = {.engine = "native", .device = "cpu"}};
    int code;
    if (aft_options_parse(&code, &line, &aft_command_evaluate, argc, argv)) {
        code = evaluate(&line, argc, argv);
    }
    aft_texts_clear(&line.records);
    aft_texts_clear(&line.settings);
    return code;
}

static const struct aft_entry controllers[] = {
    {"uncontrolled", "without the device and its mass"},
    {"passive", "the device as configured, without force"},
    {"passive_tuned", "its best spring and dashpot on the stage's training motions"},
    {"lqr", "clipped LQR with a stroke guard; it knows the true state"},
    {"lqg", "the same law with a Kalman filter, on the policy's own sensors"},
    {"clairvoyant", "with --bound: forces planned with the whole motion known"},
    {"baseline", "with --against: the policy of another archive"},
    {"policy", "the archive's, without exploration noise"},
    {0},
};

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Checks the archive in full, takes policy and curriculum out of it, and lets the "
              "policy and the reference controllers drive the same building through the same "
              "motions, with the same limits of force, power and stroke, the same sensors and the "
              "same noise:",
     .entries = controllers},
    {.prose = "passive_tuned, lqr and lqg are tuned on training motions first, which takes some "
              "seconds for each stage. Figures are ratios to the passive building, as means over "
              "the motions with 95 % bootstrap intervals; JSON and report hold many more, with "
              "the criteria J1 to J14 of the benchmark control problems.\n\n"
              "Without --motions or --magnitude: unseen motions of every stage up to the "
              "archive's, with that stage's force limit. The same options give the same motions "
              "for every archive.\n\n"
              "An archive that Stable-Baselines3 saved (PPO, MlpPolicy) carries no curriculum: it "
              "is judged in that of --curriculum, as a result of its last stage."},
    {0},
};
static const struct aft_entry exit_codes[] = {AFT_COMMON_EXIT_CODES, {0}};
static const struct aft_entry examples[] = {
    {"aftershock evaluate models/default/final_default.zip", ""},
    {"aftershock evaluate models/default/best_model.zip --report report.html", ""},
    {"aftershock evaluate a.zip --stage 2 --motions records --scale pga=0.35 --json", ""},
    {"aftershock evaluate final_default.zip --stage 1 --against stage1_50kN.zip", ""},
    {"aftershock evaluate a.zip --stage 1 --magnitude 6 --distance 15 --count 10", ""},
    {"aftershock evaluate a.zip --robustness --set environment.sensor_noise=0.01", ""},
    {0},
};

const struct aft_command aft_command_evaluate = {
    .name = "evaluate",
    .summary = "the policy against uncontrolled, passive, LQR and LQG",
    .synopsis = "ARCHIVE [options]",
    .description = description,
    .options = options,
    .exit_codes = exit_codes,
    .examples = examples,
    .run = run,
};
