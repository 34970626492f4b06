/* aftershock export: its command line. What computes is in the compute module. */
#include "cli/compute_loader.h"
#include "cli/options.h"
#include "runner/compute.h"
#include "runner/train.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "aftershock export - an archive's policy for other programs\n"
    "\n"
    "SYNOPSIS\n"
    "  aftershock export ARCHIVE -o FILE [--format FORMAT] [--json]\n"
    "\n"
    "DESCRIPTION\n"
    "  Reads and checks an archive, and writes its policy in another form: from an\n"
    "  observation to the force (N) that the environment would ask the actuator for, with\n"
    "  normalisation, clipping, the nominal controller's command, the stroke guard and the\n"
    "  force limit of the archive's stage inside. Each form carries a description of every\n"
    "  entry of the observation: name, unit, scale. docs/export.md has the lines to use each.\n"
    "\n"
    "  torchscript  .pt, for torch.jit.load of PyTorch 1.13 or later: forward(obs) gives\n"
    "               force_n, act(obs) the action\n"
    "  onnx         .onnx, opset 13: obs [batch, n] to force_n and action [batch, 1]\n"
    "  safetensors  .safetensors: the weights under Stable-Baselines3's names, and the\n"
    "               normalisation; nothing that computes\n"
    "  csource      .c, one C99 file that needs no library, for a controller board:\n"
    "               policy_step(obs, &force_n), and where the policy has an observer\n"
    "               controller_step(sensors, &force_n) from the raw sensors\n"
    "\n"
    "  The file is published whole or not at all, and read back.\n"
    "\n"
    "OPTIONS\n"
    "  --format FORMAT    one of the above (default: by the file's ending)\n"
    "  -o, --output FILE  where to; - is standard output, and needs --format\n"
    "  --json             one JSON document on standard output: path, format, size, sha256,\n"
    "                     inputs, outputs, observation\n"
    "  -h, --help         this text\n"
    "\n" AFT_HELP_EXIT_CODES
    "\n"
    "EXAMPLES\n"
    "  aftershock export models/default/best_model.zip -o policy.onnx\n"
    "  aftershock export models/default/final_default.zip --format csource -o - | less\n";

enum { OPTION_FORMAT = 256, OPTION_JSON, OPTION_OUTPUT = 'o' };

static const struct option table[] = {
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"json", no_argument, NULL, OPTION_JSON},
    {0},
};

static const struct format {
    const char *name, *ending;
    bool binary;
} formats[] = {
    [AFT_EXPORT_TORCHSCRIPT] = {"torchscript", ".pt", true},
    [AFT_EXPORT_ONNX] = {"onnx", ".onnx", true},
    [AFT_EXPORT_SAFETENSORS] = {"safetensors", ".safetensors", true},
    [AFT_EXPORT_CSOURCE] = {"csource", ".c", false},
};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

struct command_line {
    struct aft_export_options options;
    const char *format; /* as given */
};

static int take_option(struct command_line *line, int option)
{
    switch (option) {
    case OPTION_FORMAT:
        line->format = optarg;
        return AFT_EXIT_OK;
    case OPTION_OUTPUT:
        line->options.output = optarg;
        return AFT_EXIT_OK;
    default:
        line->options.json = true;
        return AFT_EXIT_OK;
    }
}

static int take_format(struct command_line *line)
{
    const char *path = line->options.output, *dot = strrchr(path, '.');
    for (int i = 0; i < N_FORMATS; i++) {
        bool this = line->format != NULL ? strcmp(line->format, formats[i].name) == 0
                                         : dot != NULL && strcmp(dot, formats[i].ending) == 0;
        if (this) {
            line->options.format = (enum aft_export_format)i;
            return AFT_EXIT_OK;
        }
    }
    if (line->format != NULL) {
        return aft_usage_error(&aft_command_export,
                               "--format '%s': expected torchscript, onnx, safetensors or csource",
                               line->format);
    }
    return aft_usage_error(&aft_command_export,
                           "-o '%s': its ending names no format; give --format torchscript, onnx, "
                           "safetensors or csource",
                           path);
}

static bool are_one_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static int check(struct command_line *line)
{
    if (line->options.output == NULL || *line->options.output == '\0') {
        return aft_usage_error(&aft_command_export, "expected -o FILE");
    }
    if (are_one_file(line->options.output, line->options.archive)) {
        return aft_usage_error(&aft_command_export, "-o '%s': that is the archive itself",
                               line->options.output);
    }
    int code = take_format(line);
    if (code != AFT_EXIT_OK || strcmp(line->options.output, "-") != 0) {
        return code;
    }
    if (line->options.json) {
        return aft_usage_error(&aft_command_export,
                               "-o - and --json would share standard output: name a file");
    }
    if (formats[line->options.format].binary && isatty(STDOUT_FILENO)) {
        return aft_usage_error(&aft_command_export, "-o -: %s is not for a terminal",
                               formats[line->options.format].name);
    }
    return AFT_EXIT_OK;
}

static int compute_export(const struct aft_export_options *options)
{
    const struct aft_compute_interface *compute;
    struct aft_error error;
    enum aft_code code = aft_compute_load(&compute, &error);
    if (code != AFT_OK) {
        return aft_report_failure(&aft_command_export, &error);
    }
    return compute->export_policy(options);
}

static int run(int argc, char **argv)
{
    struct command_line line = {0};
    int option;
    while ((option = aft_option_next(&aft_command_export, argc, argv, table)) != AFT_OPTION_END) {
        if (option == AFT_OPTION_BAD) {
            return AFT_EXIT_USAGE;
        }
        if (option == AFT_OPTION_HELP) {
            return AFT_EXIT_OK;
        }
        int code = take_option(&line, option);
        if (code != AFT_EXIT_OK) {
            return code;
        }
    }
    if (argc - optind != 1) {
        return aft_usage_error(&aft_command_export, "expected one archive, not %d", argc - optind);
    }
    line.options.archive = argv[optind];
    int code = check(&line);
    return code == AFT_EXIT_OK ? compute_export(&line.options) : code;
}

const struct aft_command aft_command_export = {
    "export",
    "the policy as TorchScript, ONNX, safetensors or C source",
    help,
    run,
};
