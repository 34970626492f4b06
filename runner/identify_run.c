#include "runner/identify_run.h"

#include "base/file.h"
#include "base/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The command line as it was given: each argument ends in a NUL. */
static struct aft_json *command_line(void)
{
    struct aft_json *list = aft_json_array();
    FILE *stream = fopen("/proc/self/cmdline", "re");
    char *argument = NULL;
    size_t capacity = 0;
    while (stream != NULL && getdelim(&argument, &capacity, '\0', stream) > 0) {
        aft_json_append(list, aft_json_string(argument));
    }
    if (stream != NULL) {
        (void)fclose(stream);
    }
    free(argument);
    return list;
}

static struct aft_json *versions(void)
{
    struct aft_json *object = aft_json_object();
    aft_json_set_string(object, "aftershock", AFT_VERSION);
    aft_json_set_string(object, "compiler", __VERSION__);
    aft_json_set_integer(object, "archive_format", AFT_ARCHIVE_FORMAT_VERSION);
    return object;
}

static struct aft_json *how_it_was_started(const struct aft_curriculum *curriculum)
{
    struct aft_json *about = aft_json_object();
    char folder[PATH_MAX];
    aft_json_set(about, "command", command_line());
    aft_json_set_string(about, "working_directory", getcwd(folder, sizeof folder));
    aft_json_set_string(about, "curriculum", curriculum->path);
    aft_json_set_integer(about, "seed", (int64_t)curriculum->run.seed);
    aft_json_set_string(about, "device", curriculum->run.device);
    aft_json_set_string(about, "engine", curriculum->run.engine);
    aft_json_set_integer(about, "threads", curriculum->run.threads);
    aft_json_set(about, "versions", versions());
    return about;
}

static struct aft_json *origin(const struct aft_plan *plan, const char *folder)
{
    const struct aft_scan_entry *start = plan->start;
    struct aft_json *object = aft_json_object();
    aft_json_set_string(object, "path", aft_path_within(folder, start->path));
    aft_json_set_string(object, "kind", aft_archive_kind_name(start->kind));
    aft_json_set_integer(object, "stage", start->stage);
    aft_json_set_integer(object, "attempt", start->attempt);
    aft_json_set_integer(object, "step", start->steps);
    aft_json_set_integer(object, "total_steps", start->total_steps);
    aft_json_set_string(object, "run_id", start->run_id[0] != '\0' ? start->run_id : NULL);
    aft_json_set_string(object, "training_state_sha256",
                        start->state_hash[0] != '\0' ? start->state_hash : NULL);
    return object;
}

enum aft_code aft_identify_run(struct aft_run_identity **identity,
                               const struct aft_run_record *record, const struct aft_plan *plan,
                               const char *folder, struct aft_error *error)
{
    const struct aft_curriculum *curriculum = record->curriculum;
    struct aft_run_identity *run = aft_run_identity_create(curriculum->n_stages);
    *identity = run;
    if (run == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "identify the run: no memory");
    }
    (void)snprintf(run->run_id, sizeof run->run_id, "%s", record->lineage.run_id);
    (void)snprintf(run->name, sizeof run->name, "%s", curriculum->run.name);
    for (int i = 0; i < run->n_stages; i++) {
        struct aft_run_stage_identity *stage = &run->stages[i];
        (void)snprintf(stage->name, sizeof stage->name, "%s", curriculum->stages[i].name);
        (void)snprintf(stage->fingerprint, sizeof stage->fingerprint, "%s",
                       record->expectations->stages[i].fingerprint);
        stage->timesteps = curriculum->stages[i].timesteps;
    }
    run->resumed_from = plan->start != NULL ? origin(plan, folder) : NULL;
    run->about = how_it_was_started(curriculum);
    return AFT_OK;
}
