/* aftershock motion: its command line. What computes is in the compute module. */
#include "cli/compute_loader.h"
#include "cli/options.h"
#include "runner/train.h"

#include <stdio.h>

static const char help[] =
    "aftershock motion - makes or reads a ground motion\n"
    "\n"
    "SYNOPSIS\n"
    "  aftershock motion --magnitude M [--distance KM] [--seed N] [options]\n"
    "  aftershock motion FILE [options]\n"
    "\n"
    "DESCRIPTION\n"
    "  Makes a ground motion by Boore's stochastic method, or reads a record (PEER .AT2,\n"
    "  or CSV with time in seconds and acceleration in g), and prints a summary: peak\n"
    "  acceleration and velocity, Arias intensity, 5-95 % duration, and 5 % damped\n"
    "  spectral accelerations at 0.2 s, 1 s and the first period of the default building.\n"
    "  The same magnitude, distance and seed give the same motion on every machine.\n"
    "\n"
    "OPTIONS\n"
    "  --magnitude M  moment magnitude, 3 to 9\n"
    "  --distance KM  distance to the source, 1 to 500 (default: 20)\n"
    "  --seed N       which motion of that kind (default: 1)\n"
    "  --dt S         time step of a motion that is made (default: 0.01)\n"
    "  --pga G        scale to this peak acceleration, in g\n"
    "  --csv FILE     write time_s,acceleration_g\n"
    "  --svg FILE     draw accelerogram and response spectrum\n"
    "  --json         the summary as one JSON document on standard output\n"
    "  -h, --help     this text\n"
    "\n" AFT_HELP_EXIT_CODES
    "\n"
    "EXAMPLES\n"
    "  aftershock motion --magnitude 6.5 --distance 15 --seed 7 --svg motion.svg\n"
    "  aftershock motion ElCentro.AT2 --pga 0.35 --csv scaled.csv\n";

enum {
    OPTION_MAGNITUDE = 256,
    OPTION_DISTANCE,
    OPTION_SEED,
    OPTION_DT,
    OPTION_PGA,
    OPTION_CSV,
    OPTION_SVG,
    OPTION_JSON
};

static int real_option(double *value, const char *name, double least, double most)
{
    if (aft_parse_real(value, optarg, least, most)) {
        return AFT_EXIT_OK;
    }
    return aft_usage_error(&aft_command_motion, "--%s '%s': expected a number from %g to %g", name,
                           optarg, least, most);
}

static int take_option(struct aft_motion_options *options, int option)
{
    switch (option) {
    case OPTION_MAGNITUDE:
        return real_option(&options->magnitude, "magnitude", 3, 9);
    case OPTION_DISTANCE:
        return real_option(&options->distance_km, "distance", 1, 500);
    case OPTION_DT:
        return real_option(&options->dt_s, "dt", 1e-3, 0.1);
    case OPTION_PGA:
        return real_option(&options->pga_g, "pga", 1e-6, 10);
    case OPTION_SEED:
        if (aft_parse_unsigned(&options->seed, optarg)) {
            return AFT_EXIT_OK;
        }
        return aft_usage_error(&aft_command_motion,
                               "--seed '%s': expected a number from 0 to 2^64 - 1", optarg);
    case OPTION_CSV:
        options->csv_path = optarg;
        return AFT_EXIT_OK;
    case OPTION_SVG:
        options->svg_path = optarg;
        return AFT_EXIT_OK;
    default:
        options->json = true;
        return AFT_EXIT_OK;
    }
}

static int compute_motion(const struct aft_motion_options *options)
{
    const struct aft_compute_interface *compute;
    struct aft_error error;
    enum aft_code code = aft_compute_load(&compute, &error);
    if (code != AFT_OK) {
        return aft_report_failure(&aft_command_motion, &error);
    }
    return compute->motion(options);
}

static int run(int argc, char **argv)
{
    static const struct option table[] = {
        {"magnitude", required_argument, NULL, OPTION_MAGNITUDE},
        {"distance", required_argument, NULL, OPTION_DISTANCE},
        {"seed", required_argument, NULL, OPTION_SEED},
        {"dt", required_argument, NULL, OPTION_DT},
        {"pga", required_argument, NULL, OPTION_PGA},
        {"csv", required_argument, NULL, OPTION_CSV},
        {"svg", required_argument, NULL, OPTION_SVG},
        {"json", no_argument, NULL, OPTION_JSON},
        {0},
    };
    struct aft_motion_options options = {.distance_km = 20, .seed = 1, .dt_s = 0.01};
    int option;
    while ((option = aft_option_next(&aft_command_motion, argc, argv, table)) != AFT_OPTION_END) {
        if (option == AFT_OPTION_BAD) {
            return AFT_EXIT_USAGE;
        }
        if (option == AFT_OPTION_HELP) {
            return AFT_EXIT_OK;
        }
        int code = take_option(&options, option);
        if (code != AFT_EXIT_OK) {
            return code;
        }
    }
    if (optind < argc) {
        options.file = argv[optind++];
    }
    if (optind < argc) {
        return aft_usage_error(&aft_command_motion, "expected one record, not '%s' too",
                               argv[optind]);
    }
    if ((options.file != NULL) == (options.magnitude > 0)) {
        return aft_usage_error(&aft_command_motion, "expected either --magnitude or a record");
    }
    return compute_motion(&options);
}

const struct aft_command aft_command_motion = {
    "motion",
    "makes or reads a ground motion: summary, CSV, SVG plot",
    help,
    run,
};
