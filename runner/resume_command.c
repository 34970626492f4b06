#include "runner/resume_command.h"

#include "base/shell_word.h"

#include <stdio.h>
#include <string.h>

void aft_write_resume_command(char *text, size_t size, const struct aft_train_options *options)
{
    FILE *stream = fmemopen(text, size, "w");
    if (stream == NULL) {
        text[0] = '\0';
        return;
    }
    (void)fputs("checkpointed; go on with: aftershock train ", stream);
    aft_shell_word(stream, options->curriculum_path);
    (void)fputs(" --models ", stream);
    aft_shell_word(stream, options->models_dir);
    for (int i = 0; i < options->n_overrides; i++) {
        if (strncmp(options->overrides[i], "recovery.resume=", 16) != 0) {
            (void)fputs(" --set ", stream);
            aft_shell_word(stream, options->overrides[i]);
        }
    }
    if (options->stop_after_stage > 0) {
        (void)fprintf(stream, " --stop-after-stage %d", options->stop_after_stage);
    }
    (void)fprintf(stream, "%s --resume latest", options->accept_changes ? " --accept-changes" : "");
    (void)fclose(stream);
}
