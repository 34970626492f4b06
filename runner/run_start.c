#include "runner/run_start.h"

#include "runner/training_state.h"
#include "trainer/ppo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { EVENT_CAPACITY = 4096, WIDEST_OBSERVATION = 256, ENV_STATE_LIMIT = 128 << 10 };

static struct aft_snapshot_sizes region_sizes(const struct aft_curriculum *curriculum)
{
    size_t parameters = 0;
    size_t trainer = 0;
    size_t episodes = 0;
    for (int i = 0; i < curriculum->n_stages; i++) {
        const struct aft_stage *stage = &curriculum->stages[i];
        struct aft_network network = aft_network_of_settings(&stage->ppo, WIDEST_OBSERVATION);
        size_t n_envs = (size_t)stage->environment.n_envs;
        size_t rollout = n_envs * (size_t)stage->ppo.n_steps;
        parameters = aft_network_parameter_count(&network);
        trainer = n_envs * ENV_STATE_LIMIT > trainer ? n_envs * ENV_STATE_LIMIT : trainer;
        if ((size_t)stage->timesteps + rollout > episodes) {
            episodes = (size_t)stage->timesteps + rollout; /* an episode has one step at least */
        }
    }
    return (struct aft_snapshot_sizes){
        .slot = sizeof(struct aft_training_header) +
                2 * (12 * parameters + 16 * (size_t)WIDEST_OBSERVATION) + /* and the beginning */
                trainer + ENV_STATE_LIMIT,
        .history_record = sizeof(struct aft_episode),
        .history_capacity = episodes,
        .event_record = sizeof(struct aft_event),
        .event_capacity = EVENT_CAPACITY,
    };
}

enum aft_code aft_run_region_create(struct aft_snapshot_region **region,
                                    const struct aft_curriculum *curriculum,
                                    struct aft_error *error)
{
    struct aft_snapshot_sizes sizes = region_sizes(curriculum);
    return aft_snapshot_create(region, &sizes, error);
}

static enum aft_code draw_run_id(char run_id[33], struct aft_error *error)
{
    unsigned char raw[16];
    if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
        return aft_fail_errno(error, "draw a run id");
    }
    for (size_t i = 0; i < sizeof raw; i++) {
        (void)snprintf(run_id + 2 * i, 3, "%02x", raw[i]);
    }
    return AFT_OK;
}

/* Rule 3 with the result of another stage: its weights begin the next one, and nothing
 * stands before them. */
static enum aft_code make_import(void *bytes, const struct aft_plan *plan,
                                 struct aft_lineage *lineage, struct aft_error *error)
{
    struct aft_training_header *header = bytes;
    header->counters.stage = plan->last_completed;
    header->stage_complete = 1;
    aft_forget_completed(header); /* they are of another curriculum's stages */
    lineage->parent[0] = '\0';
    return draw_run_id(lineage->run_id, error); /* a lineage of its own */
}

/* state.bin is hashed by the manifest, but only this ties it to the manifest's counters. */
static enum aft_code check_counters(const void *bytes, const struct aft_plan *plan,
                                    const struct aft_archive *archive, struct aft_error *error)
{
    const struct aft_training_header *header = bytes;
    int expected = plan->mid_stage ? plan->next_stage : plan->last_completed;
    if (memcmp(&header->counters, aft_archive_counters(archive), sizeof header->counters) != 0 ||
        (!plan->import && header->counters.stage != expected)) {
        return aft_fail(error, AFT_ERR_CORRUPT,
                        "read '%.150s': its state.bin and its manifest contradict each other",
                        plan->start->path);
    }
    return AFT_OK;
}

static enum aft_code seal_start(struct aft_snapshot_region *region, const void *bytes, size_t size,
                                size_t history_length, struct aft_error *error)
{
    const struct aft_training_header *header = bytes;
    struct aft_snapshot_info info = {
        .size = size,
        .history_length = history_length,
        .stage = header->counters.stage,
        .attempt = header->attempt,
        .step = header->counters.steps,
        .stage_complete = header->stage_complete != 0,
        .evaluated = header->stage_complete != 0,
    };
    return aft_snapshot_seal(region, bytes, &info, error);
}

/* The lineage of what follows: the archive itself where its stage is complete, and what it
 * descends from where it is in the middle of one. */
static void note_lineage(struct aft_run_publisher *publisher, const struct aft_plan *plan)
{
    publisher->completed_stage = plan->mid_stage ? 0 : plan->last_completed;
    /* In the middle of a stage the archive itself says what it descends from. */
    if (plan->from != NULL && !plan->import && !plan->mid_stage) {
        memcpy(publisher->completed_hash, plan->from->state_hash, sizeof publisher->completed_hash);
    }
}

/* What befell the run before stays on record. */
static void keep_recoveries(struct aft_run_publisher *publisher, const struct aft_archive *archive)
{
    const struct aft_json *before = aft_json_get(aft_archive_manifest(archive), "recoveries");
    if (aft_json_is_array(before)) {
        aft_json_destroy(publisher->record.recoveries);
        publisher->record.recoveries = aft_json_copy(before);
    }
}

static enum aft_code load(struct aft_snapshot_region *region, struct aft_run_publisher *publisher,
                          const struct aft_plan *plan, int64_t *total_step,
                          const struct aft_archive *archive, struct aft_error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    size_t history_length = 0;
    enum aft_code code =
        aft_state_of_archive(&bytes, &size, &publisher->record.lineage, archive, error);
    if (code == AFT_OK) {
        code = check_counters(bytes, plan, archive, error);
    }
    if (code == AFT_OK && plan->import) {
        code = make_import(bytes, plan, &publisher->record.lineage, error);
    } else if (code == AFT_OK) {
        code = aft_history_of_archive(region, &history_length, archive, error);
    }
    if (code == AFT_OK) {
        note_lineage(publisher, plan);
        keep_recoveries(publisher, archive);
        *total_step = aft_archive_counters(archive)->total_steps;
        code = seal_start(region, bytes, size, history_length, error);
    }
    if (code == AFT_OK) {
        aft_stage_set_published(region, plan->last_completed);
    }
    free(bytes);
    return code;
}

enum aft_code aft_run_start_load(struct aft_snapshot_region *region,
                                 struct aft_run_publisher *publisher, const struct aft_plan *plan,
                                 int64_t *total_step, struct aft_error *error)
{
    struct aft_archive *archive = NULL;
    *total_step = 0;
    if (plan->start == NULL) {
        return draw_run_id(publisher->record.lineage.run_id, error);
    }
    enum aft_code code = plan->start->kind == AFT_ARCHIVE_SB3
                             ? aft_archive_open_any(&archive, plan->start->path, error)
                             : aft_archive_open(&archive, plan->start->path, error);
    if (code == AFT_OK) {
        code = load(region, publisher, plan, total_step, archive, error);
    }
    aft_archive_close(archive);
    return code;
}
