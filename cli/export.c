/* aftershock export: its command line. What computes is in the compute module. */
#include "cli/compute_loader.h"
#include "cli/options.h"
#include "runner/compute.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    int format; /* enum aft_export_format; -1: by the file's ending */
};

static const struct aft_option table[] = {
    {.name = "format",
     .value = "FORMAT",
     .help = "torchscript, onnx, safetensors or csource (default: by the file's ending)",
     .kind = AFT_WORD,
     .words = "torchscript onnx safetensors csource", /* as enum aft_export_format */
     .offset = offsetof(struct command_line, format)},
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .help = "where to; - is standard output, and needs --format",
     .kind = AFT_FILE,
     .offset = offsetof(struct command_line, options.output)},
    {.name = "stage",
     .value = "N",
     .help = "with this stage's force limit, nominal controller and guard (default: the archive's)",
     .kind = AFT_WHOLE,
     .least = 1,
     .most = 10000,
     .offset = offsetof(struct command_line, options.stage)},
    {.name = "curriculum",
     .value = "FILE",
     .help = "for archives of Stable-Baselines3 (default: stages.ini)",
     .kind = AFT_FILE,
     .offset = offsetof(struct command_line, options.curriculum_path)},
    {.name = "json",
     .help = "one JSON document on standard output: path, format, size, sha256, inputs, outputs, "
             "observation",
     .kind = AFT_FLAG,
     .offset = offsetof(struct command_line, options.json)},
    {0},
};

static int take_format(struct command_line *line)
{
    const char *path = line->options.output, *dot = strrchr(path, '.');
    for (int i = 0; i < N_FORMATS && line->format < 0; i++) {
        if (dot != NULL && strcmp(dot, formats[i].ending) == 0) {
            line->format = i;
        }
    }
    if (line->format < 0) {
        return aft_usage_error(&aft_command_export,
                               "-o '%s': its ending names no format; give --format torchscript, "
                               "onnx, safetensors or csource",
                               path);
    }
    line->options.format = (enum aft_export_format)line->format;
    return AFT_EXIT_OK;
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
    struct command_line line = {.format = -1};
    int code;
    if (!aft_options_parse(&code, &line, &aft_command_export, argc, argv)) {
        return code;
    }
    if (argc - optind != 1) {
        return aft_usage_error(&aft_command_export, "expected one archive, not %d", argc - optind);
    }
    line.options.archive = argv[optind];
    code = check(&line);
    return code == AFT_EXIT_OK ? compute_export(&line.options) : code;
}

static const struct aft_entry forms[] = {
    {"torchscript",
     ".pt, for torch.jit.load of PyTorch 1.13 or later: forward(obs) gives force_n, "
     "act(obs) the action"},
    {"onnx", ".onnx, opset 13: obs [batch, n] to force_n and action [batch, 1]"},
    {"safetensors",
     ".safetensors: the weights under Stable-Baselines3's names, and the "
     "normalisation; nothing that computes"},
    {"csource",
     ".c, one C99 file that needs no library, for a controller board: "
     "policy_step(obs, &force_n), and where the policy has an observer "
     "controller_step(sensors, &force_n) from the raw sensors"},
    {0},
};

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Reads and checks an archive, and writes its policy in another form: from an "
              "observation to the force (N) that the environment would ask the actuator for, with "
              "normalisation, clipping, the nominal controller's command, the stroke guard and "
              "the force limit of the archive's stage inside. Each form carries a description of "
              "every entry of the observation: name, unit, scale. docs/export.md has the lines to "
              "use each.",
     .entries = forms},
    {.prose = "The file is published whole or not at all, and read back.\n\n"
              "An archive that Stable-Baselines3 saved (PPO, MlpPolicy) carries no curriculum: "
              "its building is that of --curriculum, and its stage the last."},
    {0},
};
static const struct aft_entry exit_codes[] = {AFT_COMMON_EXIT_CODES, {0}};
static const struct aft_entry examples[] = {
    {"aftershock export models/default/best_model.zip -o policy.onnx", ""},
    {"aftershock export models/default/final_default.zip --format csource -o - | less", ""},
    {0},
};

const struct aft_command aft_command_export = {
    .name = "export",
    .summary = "the policy as TorchScript, ONNX, safetensors or C source",
    .synopsis = "ARCHIVE -o FILE [options]",
    .description = description,
    .options = table,
    .exit_codes = exit_codes,
    .examples = examples,
    .run = run,
};
