#include "runner/resume_command.h"

#include <stdio.h>
#include <string.h>

static void put_quoted(FILE *stream, const char *text)
{
    (void)fputc('\'', stream);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            (void)fputs("'\\''", stream); /* ends, escapes, and begins anew */
        } else {
            (void)fputc(*text, stream);
        }
    }
    (void)fputc('\'', stream);
}

void aft_write_resume_command(char *text, size_t size, const struct aft_train_options *options)
{
    FILE *stream = fmemopen(text, size, "w");
    if (stream == NULL) {
        text[0] = '\0';
        return;
    }
    (void)fputs("checkpointed; go on with: aftershock train ", stream);
    put_quoted(stream, options->curriculum_path);
    (void)fputs(" --models ", stream);
    put_quoted(stream, options->models_dir);
    for (int i = 0; i < options->n_overrides; i++) {
        if (strncmp(options->overrides[i], "recovery.resume=", 16) != 0) {
            (void)fputs(" --set ", stream);
            put_quoted(stream, options->overrides[i]);
        }
    }
    if (options->stop_after_stage > 0) {
        (void)fprintf(stream, " --stop-after-stage %d", options->stop_after_stage);
    }
    (void)fprintf(stream, "%s --resume latest", options->accept_changes ? " --accept-changes" : "");
    (void)fclose(stream);
}
