/* aftershock motion: its command line. What computes is in the compute module. */
#include "cli/compute_loader.h"
#include "cli/options.h"

#define OPTION(member) offsetof(struct aft_motion_options, member)

static const struct aft_option options[] = {
    {.name = "magnitude",
     .value = "M",
     .help = "moment magnitude, 3 to 9",
     .kind = AFT_REAL,
     .least = 3,
     .most = 9,
     .offset = OPTION(magnitude)},
    {.name = "distance",
     .value = "KM",
     .help = "distance to the source, 1 to 500 (default: 20)",
     .kind = AFT_REAL,
     .least = 1,
     .most = 500,
     .offset = OPTION(distance_km)},
    {.name = "seed",
     .value = "N",
     .help = "which motion of that kind (default: 1)",
     .kind = AFT_SEED,
     .offset = OPTION(seed)},
    {.name = "dt",
     .value = "S",
     .help = "time step of a motion that is made (default: 0.01)",
     .kind = AFT_REAL,
     .least = 1e-3,
     .most = 0.1,
     .offset = OPTION(dt_s)},
    {.name = "pga",
     .value = "G",
     .help = "scale to this peak acceleration, in g",
     .kind = AFT_REAL,
     .least = 1e-6,
     .most = 10,
     .offset = OPTION(pga_g)},
    {.name = "csv",
     .value = "FILE",
     .help = "write time_s,acceleration_g",
     .kind = AFT_FILE,
     .offset = OPTION(csv_path)},
    {.name = "svg",
     .value = "FILE",
     .help = "draw accelerogram and response spectrum",
     .kind = AFT_FILE,
     .offset = OPTION(svg_path)},
    {.name = "json",
     .help = "the summary as one JSON document on standard output",
     .kind = AFT_FLAG,
     .offset = OPTION(json)},
    {0},
};

static int compute_motion(const struct aft_motion_options *motion)
{
    const struct aft_compute_interface *compute;
    struct aft_error error;
    enum aft_code code = aft_compute_load(&compute, &error);
    if (code != AFT_OK) {
        return aft_report_failure(&aft_command_motion, &error);
    }
    return compute->motion(motion);
}

static int run(int argc, char **argv)
{
    struct aft_motion_options motion = {.distance_km = 20, .seed = 1, .dt_s = 0.01};
    int code;
    if (!aft_options_parse(&code, &motion, &aft_command_motion, argc, argv)) {
        return code;
    }
    if (optind < argc) {
        motion.file = argv[optind++];
    }
    if (optind < argc) {
        return aft_usage_error(&aft_command_motion, "expected one record, not '%s' too",
                               argv[optind]);
    }
    if ((motion.file != NULL) == (motion.magnitude > 0)) {
        return aft_usage_error(&aft_command_motion, "expected either --magnitude or a record");
    }
    return compute_motion(&motion);
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Makes a ground motion by Boore's stochastic method, or reads a record (PEER .AT2, "
              "or CSV with time in seconds and acceleration in g), and prints a summary: peak "
              "acceleration and velocity, Arias intensity, 5-95 % duration, and 5 % damped "
              "spectral accelerations at 0.2 s, 1 s and the first period of the default "
              "building. The same magnitude, distance and seed give the same motion on every "
              "machine."},
    {0},
};
static const struct aft_entry exit_codes[] = {AFT_COMMON_EXIT_CODES, {0}};
static const struct aft_entry examples[] = {
    {"aftershock motion --magnitude 6.5 --distance 15 --seed 7 --svg motion.svg", ""},
    {"aftershock motion ElCentro.AT2 --pga 0.35 --csv scaled.csv", ""},
    {0},
};

const struct aft_command aft_command_motion = {
    .name = "motion",
    .summary = "makes or reads a ground motion: summary, CSV, SVG plot",
    .synopsis = "--magnitude M [--distance KM] [--seed N] [options]\nFILE [options]",
    .description = description,
    .options = options,
    .exit_codes = exit_codes,
    .examples = examples,
    .run = run,
};
