/* The program and its commands. */
#include "cli/command.h"

#include <string.h>

const struct aft_command *const aft_commands[] = {
    &aft_command_train,   &aft_command_status,   &aft_command_inspect,    &aft_command_verify,
    &aft_command_compare, &aft_command_evaluate, &aft_command_export,     &aft_command_motion,
    &aft_command_bench,   &aft_command_serve,    &aft_command_completion, NULL,
};

const struct aft_command *aft_find_command(const char *name)
{
    for (int i = 0; aft_commands[i] != NULL; i++) {
        if (strcmp(aft_commands[i]->name, name) == 0) {
            return aft_commands[i];
        }
    }
    return NULL;
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Trains a policy with PPO (proximal policy optimisation) through a staged curriculum "
              "of stronger and stronger earthquakes, and cannot be made to lose that training. "
              "Stop it, kill it or cut the power at any time and give the same command again: it "
              "goes on after the last complete stage (or, with --resume latest, in the middle of "
              "one), with the result that an undisturbed run would have had. The curriculum is an "
              "INI file; each run keeps its archives in models/NAME/.\n\n"
              "Every command answers -h with its whole description."},
    {0},
};

static const struct aft_option options[] = {
    {.name = "version", .help = "prints the version", .kind = AFT_FLAG},
    {0},
};

static const struct aft_entry files[] = {
    {"stages.ini", "the default curriculum"},
    {"models/NAME/", "a run: its archives, progress.csv, run.log and lock, as train describes"},
    {0},
};

static const struct aft_section sections[] = {{.title = "FILES", .entries = files}, {0}};

static const struct aft_entry environment[] = {
    {"NO_COLOR", "not empty: no colours, unless --color always asks for them"},
    {"CLICOLOR_FORCE", "neither empty nor 0: colours even where there is no terminal"},
    {"CLICOLOR", "0: no colours"},
    {"TERM", "dumb: plain lines instead of a progress bar, and no colours"},
    {"TMPDIR", "where bench writes its temporary files (default: /tmp)"},
    {0},
};

static const struct aft_entry exit_codes[] = {
    {"0", "done; the whole curriculum is complete, or the stage asked for is"},
    {"1", "failed at run time; after a failed training an ERROR archive is there"},
    {"2", "bad usage or a bad curriculum: nothing was touched"},
    {"3", "refused: what is on disk cannot be trusted or contradicts the curriculum"},
    {"4", "another process holds this run"},
    {"75", "checkpointed on request of the batch system (SIGUSR2)"},
    {"129, 130, 143", "stopped by SIGHUP, SIGINT, SIGTERM, the state saved durably"},
    {0},
};

static const struct aft_entry examples[] = {
    {"aftershock train", "train stages.ini, or go on with it"},
    {"aftershock status", "what is there, and what train would do"},
    {"aftershock verify models/default", "check every archive in full"},
    {"aftershock compare models/default-seed*", "scores over many seeds"},
    {"aftershock evaluate models/default/best_model.zip --report report.html",
     "the policy beside the reference controllers"},
    {"aftershock motion --magnitude 6.5 --seed 7 --svg motion.svg", "a ground motion"},
    {"aftershock bench --quick", "how fast this machine trains"},
    {0},
};

const struct aft_command aft_program = {
    .summary = "trains a controller for an actively damped building",
    .synopsis = "COMMAND [options]\nCOMMAND -h\n--version",
    .description = description,
    .options = options,
    .sections = sections,
    .environment = environment,
    .exit_codes = exit_codes,
    .examples = examples,
};
