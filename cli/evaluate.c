/* aftershock evaluate: its command line. What computes is in the compute module. */
#include "cli/compute_loader.h"
#include "cli/options.h"
#include "runner/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "aftershock evaluate - a trained policy beside the reference controllers\n"
    "\n"
    "SYNOPSIS\n"
    "  aftershock evaluate ARCHIVE [options]\n"
    "\n"
    "DESCRIPTION\n"
    "  Checks the archive in full, takes policy and curriculum out of it, and lets the policy\n"
    "  and the reference controllers drive the same building through the same motions, with\n"
    "  the same limits of force, power and stroke, the same sensors and the same noise:\n"
    "    uncontrolled   without the device and its mass\n"
    "    passive        the device as configured, without force\n"
    "    passive_tuned  its best spring and dashpot on the stage's training motions\n"
    "    lqr            clipped LQR with a stroke guard; it knows the true state\n"
    "    lqg            the same law with a Kalman filter, on the policy's own sensors\n"
    "    clairvoyant    with --bound: forces planned with the whole motion known\n"
    "    baseline       with --against: the policy of another archive\n"
    "    policy         the archive's, without exploration noise\n"
    "  passive_tuned, lqr and lqg are tuned on training motions first, which takes some\n"
    "  seconds for each stage. Figures are ratios to the passive building, as means over the\n"
    "  motions with 95 % bootstrap intervals; JSON and report hold many more, with the\n"
    "  criteria J1 to J14 of the benchmark control problems.\n"
    "  Without --motions or --magnitude: unseen motions of every stage up to the archive's,\n"
    "  with that stage's force limit. The same options give the same motions for every\n"
    "  archive.\n"
    "  An archive that Stable-Baselines3 saved (PPO, MlpPolicy) carries no curriculum: it is\n"
    "  judged in that of --curriculum, as a result of its last stage.\n"
    "\n"
    "MOTIONS\n"
    "  --stage N            only this stage: its force limit, scaling and settings\n"
    "  --motions-per-stage N\n"
    "                       unseen motions of each stage (default: 32)\n"
    "  --motions PATH       records instead, .AT2 or .csv; a file or a folder; may be given\n"
    "                       again\n"
    "  --magnitude M        motions of this magnitude instead (3 to 9), or beside records\n"
    "  --distance KM        their distance to the source, 1 to 500 (default: 20)\n"
    "  --count N            how many of them (default: 32)\n"
    "  --seed N             which motions and which sensor noise (default: 0)\n"
    "  --scale HOW          stage: as the stage scales (default); pga=G or sa=G: to that peak\n"
    "                       or spectral acceleration (5 %, first period), in g; none\n"
    "\n"
    "OPTIONS\n"
    "  --curriculum FILE    for archives of Stable-Baselines3 (default: stages.ini)\n"
    "  --controllers LIST   some of policy,passive_tuned,lqr,lqg (default: all); uncontrolled\n"
    "                       and passive are always there\n"
    "  --against ARCHIVE    another archive's policy, as the controller baseline, on the same\n"
    "                       motions, and how much the policy differs, with intervals\n"
    "  --bound              also the least peak drift that any controller could reach that keeps\n"
    "                       off the end stop, by linear programming with the future known and\n"
    "                       without the power limit; the controllers on a scale from passive\n"
    "                       (0) to it (1); and those forces played to the real plant, as the\n"
    "                       controller clairvoyant. Up to 20 s for each long motion\n"
    "  --robustness         policy and lqg again with noise, 60 ms of latency, 8 % of dropout,\n"
    "                       all three, stiffness +-15 %, damping +-30 %\n"
    "  --set SECTION.KEY=VALUE\n"
    "                       changes one setting of the curriculum; may be given\n"
    "                       again. SECTION may be 'stage N'\n"
    "  --report FILE        one self-contained HTML page with plots\n"
    "  --csv FILE           one row for each motion and controller\n"
    "  --json               one JSON document on standard output\n"
    "  --engine ENGINE      auto, native or torch (default: native)\n"
    "  --device DEVICE      auto, cpu, cuda or cuda:N (default: cpu)\n"
    "  --threads N          0 means all cores (default); results do not depend on it\n"
    "  -h, --help           this text\n"
    "\n" AFT_HELP_EXIT_CODES
    "\n"
    "EXAMPLES\n"
    "  aftershock evaluate models/default/final_default.zip\n"
    "  aftershock evaluate models/default/best_model.zip --report report.html\n"
    "  aftershock evaluate a.zip --stage 2 --motions records --scale pga=0.35 --json\n"
    "  aftershock evaluate final_default.zip --stage 1 --against stage1_50kN.zip\n"
    "  aftershock evaluate a.zip --stage 1 --magnitude 6 --distance 15 --count 10\n"
    "  aftershock evaluate a.zip --robustness --set environment.sensor_noise=0.01\n";

enum option_code {
    OPTION_CURRICULUM = 256,
    OPTION_STAGE,
    OPTION_PER_STAGE,
    OPTION_MOTIONS,
    OPTION_MAGNITUDE,
    OPTION_DISTANCE,
    OPTION_COUNT,
    OPTION_SEED,
    OPTION_SCALE,
    OPTION_CONTROLLERS,
    OPTION_AGAINST,
    OPTION_BOUND,
    OPTION_ROBUSTNESS,
    OPTION_SET,
    OPTION_REPORT,
    OPTION_CSV,
    OPTION_JSON,
    OPTION_ENGINE,
    OPTION_DEVICE,
    OPTION_THREADS,
};

static const struct option table[] = {
    {"curriculum", required_argument, NULL, OPTION_CURRICULUM},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"motions-per-stage", required_argument, NULL, OPTION_PER_STAGE},
    {"motions", required_argument, NULL, OPTION_MOTIONS},
    {"magnitude", required_argument, NULL, OPTION_MAGNITUDE},
    {"distance", required_argument, NULL, OPTION_DISTANCE},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"scale", required_argument, NULL, OPTION_SCALE},
    {"controllers", required_argument, NULL, OPTION_CONTROLLERS},
    {"against", required_argument, NULL, OPTION_AGAINST},
    {"bound", no_argument, NULL, OPTION_BOUND},
    {"robustness", no_argument, NULL, OPTION_ROBUSTNESS},
    {"set", required_argument, NULL, OPTION_SET},
    {"report", required_argument, NULL, OPTION_REPORT},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"json", no_argument, NULL, OPTION_JSON},
    {"engine", required_argument, NULL, OPTION_ENGINE},
    {"device", required_argument, NULL, OPTION_DEVICE},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {0},
};

enum { MANY = 10000 };

struct command_line {
    struct aft_evaluate_options options;
    const char **records, **overrides;        /* [argc] */
    bool given_per_stage, given_of_magnitude; /* --motions-per-stage; --distance or --count */
};

static int whole_option(int *value, const char *name, int least, int most)
{
    int64_t number;
    if (!aft_parse_integer(&number, optarg, least, most)) {
        return aft_usage_error(&aft_command_evaluate, "--%s '%s': expected a number from %d to %d",
                               name, optarg, least, most);
    }
    *value = (int)number;
    return AFT_EXIT_OK;
}

static int real_option(double *value, const char *name, double least, double most)
{
    if (aft_parse_real(value, optarg, least, most)) {
        return AFT_EXIT_OK;
    }
    return aft_usage_error(&aft_command_evaluate, "--%s '%s': expected a number from %g to %g",
                           name, optarg, least, most);
}

static int take_scale(struct aft_evaluate_options *options)
{
    const char *target = strchr(optarg, '=');
    if (strcmp(optarg, "stage") == 0) {
        options->scale = AFT_EVALUATE_AS_STAGE;
        return AFT_EXIT_OK;
    }
    if (strcmp(optarg, "none") == 0) {
        options->scale = AFT_EVALUATE_UNSCALED;
        return AFT_EXIT_OK;
    }
    if (target != NULL && aft_parse_real(&options->scale_g, target + 1, 1e-6, 10) &&
        (strncmp(optarg, "pga=", 4) == 0 || strncmp(optarg, "sa=", 3) == 0)) {
        options->scale = *optarg == 'p' ? AFT_EVALUATE_AT_PGA : AFT_EVALUATE_AT_SA;
        return AFT_EXIT_OK;
    }
    return aft_usage_error(&aft_command_evaluate,
                           "--scale '%s': expected stage, pga=G, sa=G (in g, up to 10) or none",
                           optarg);
}

static int take_motion_option(struct command_line *line, int option)
{
    struct aft_evaluate_options *options = &line->options;
    switch (option) {
    case OPTION_STAGE:
        return whole_option(&options->stage, "stage", 1, 1000);
    case OPTION_PER_STAGE:
        line->given_per_stage = true;
        return whole_option(&options->motions_per_stage, "motions-per-stage", 1, MANY);
    case OPTION_MOTIONS:
        line->records[options->n_records++] = optarg;
        return AFT_EXIT_OK;
    case OPTION_MAGNITUDE:
        return real_option(&options->magnitude, "magnitude", 3, 9);
    case OPTION_DISTANCE:
        line->given_of_magnitude = true;
        return real_option(&options->distance_km, "distance", 1, 500);
    case OPTION_COUNT:
        line->given_of_magnitude = true;
        return whole_option(&options->count, "count", 1, MANY);
    case OPTION_SCALE:
        return take_scale(options);
    default:
        if (aft_parse_unsigned(&options->seed, optarg)) {
            return AFT_EXIT_OK;
        }
        return aft_usage_error(&aft_command_evaluate,
                               "--seed '%s': expected a number from 0 to 2^64 - 1", optarg);
    }
}

static int take_engine_option(struct aft_evaluate_options *options, int option)
{
    if (option == OPTION_THREADS) {
        return whole_option(&options->threads, "threads", 0, 1024);
    }
    if (option == OPTION_ENGINE) {
        options->engine = optarg;
        return aft_is_engine(optarg)
                   ? AFT_EXIT_OK
                   : aft_usage_error(&aft_command_evaluate,
                                     "--engine '%s': expected auto, native or torch", optarg);
    }
    options->device = optarg;
    return aft_is_device(optarg)
               ? AFT_EXIT_OK
               : aft_usage_error(&aft_command_evaluate,
                                 "--device '%s': expected auto, cpu, cuda or cuda:N", optarg);
}

static int take_option(struct command_line *line, int option)
{
    struct aft_evaluate_options *options = &line->options;
    switch (option) {
    case OPTION_CURRICULUM:
        options->curriculum_path = optarg;
        return AFT_EXIT_OK;
    case OPTION_CONTROLLERS:
        options->controllers = optarg;
        return AFT_EXIT_OK;
    case OPTION_AGAINST:
        options->against = optarg;
        return AFT_EXIT_OK;
    case OPTION_BOUND:
        options->bound = true;
        return AFT_EXIT_OK;
    case OPTION_ROBUSTNESS:
        options->robustness = true;
        return AFT_EXIT_OK;
    case OPTION_SET:
        if (!strchr(optarg, '=') || !strchr(optarg, '.')) {
            return aft_usage_error(&aft_command_evaluate, "--set '%s': expected SECTION.KEY=VALUE",
                                   optarg);
        }
        line->overrides[options->n_overrides++] = optarg;
        return AFT_EXIT_OK;
    case OPTION_REPORT:
        options->report_path = optarg;
        return AFT_EXIT_OK;
    case OPTION_CSV:
        options->csv_path = optarg;
        return AFT_EXIT_OK;
    case OPTION_JSON:
        options->json = true;
        return AFT_EXIT_OK;
    case OPTION_ENGINE:
    case OPTION_DEVICE:
    case OPTION_THREADS:
        return take_engine_option(options, option);
    default:
        return take_motion_option(line, option);
    }
}

static int check(const struct command_line *line)
{
    const struct aft_evaluate_options *options = &line->options;
    if (line->given_of_magnitude && !(options->magnitude > 0)) {
        return aft_usage_error(&aft_command_evaluate,
                               "--distance and --count are of generated motions: give --magnitude");
    }
    if (line->given_per_stage && (options->magnitude > 0 || options->n_records > 0)) {
        return aft_usage_error(&aft_command_evaluate,
                               "--motions-per-stage is of the stage's own motions: it does not go "
                               "with --motions or --magnitude");
    }
    return AFT_EXIT_OK;
}

static int compute_evaluation(const struct aft_evaluate_options *options)
{
    const struct aft_compute_interface *compute;
    struct aft_error error;
    enum aft_code code = aft_compute_load(&compute, &error);
    if (code != AFT_OK) {
        return aft_report_failure(&aft_command_evaluate, &error);
    }
    return compute->evaluate(options);
}

static int evaluate(struct command_line *line, int argc, char **argv)
{
    int option;
    while ((option = aft_option_next(&aft_command_evaluate, argc, argv, table)) != AFT_OPTION_END) {
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
    if (argc - optind != 1) {
        return aft_usage_error(&aft_command_evaluate, "expected one archive, not %d",
                               argc - optind);
    }
    int code = check(line);
    if (code != AFT_EXIT_OK) {
        return code;
    }
    line->options.archive = argv[optind];
    line->options.records = line->records;
    line->options.overrides = line->overrides;
    return compute_evaluation(&line->options);
}

static int run(int argc, char **argv)
{
    struct command_line line = {
        .options = {.engine = "native",
                    .device = "cpu",
                    .motions_per_stage = 32,
                    .distance_km = 20,
                    .count = 32},
        .records = calloc((size_t)argc + 1, sizeof *line.records),
        .overrides = calloc((size_t)argc + 1, sizeof *line.overrides),
    };
    int code = AFT_EXIT_FAILED;
    if (line.records != NULL && line.overrides != NULL) {
        code = evaluate(&line, argc, argv);
    } else {
        (void)fprintf(stderr, "aftershock evaluate: out of memory\n");
    }
    free(line.records);
    free(line.overrides);
    return code;
}

const struct aft_command aft_command_evaluate = {
    "evaluate",
    "the policy against uncontrolled, passive, LQR and LQG",
    help,
    run,
};
