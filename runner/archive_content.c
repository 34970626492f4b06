#include "runner/archive_content.h"

#include "recovery/sb3_normalize.h"
#include "runner/archive_state.h"
#include "runner/promotion_gate.h"
#include "runner/training_state.h"
#include "trainer/normaliser.h"
#include "trainer/ppo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_MEMBERS = 5 };

static struct aft_archive_sb3 sb3_of_stage(const struct aft_curriculum *curriculum,
                                           const struct aft_stage *stage,
                                           const struct aft_training_header *header)
{
    const struct aft_ppo_settings *ppo = &stage->ppo;
    struct aft_archive_sb3 sb3 = {
        .obs_dim = header->obs_dim,
        .action_dim = header->action_dim,
        .n_layers = ppo->network.n,
        .relu = ppo->activation == AFT_ACTIVATION_RELU,
        .log_std_init = ppo->log_std_init,
        .ortho_init = ppo->ortho_init,
        .n_envs = stage->environment.n_envs,
        .n_steps = ppo->n_steps,
        .batch_size = ppo->batch_size,
        .n_epochs = ppo->n_epochs,
        .gamma = ppo->gamma,
        .gae_lambda = ppo->gae_lambda,
        .ent_coef = ppo->ent_coef,
        .vf_coef = ppo->vf_coef,
        .max_grad_norm = ppo->max_grad_norm,
        .learning_rate = ppo->learning_rate * header->learning_rate_scale,
        .adam_eps = ppo->adam_eps,
        .clip_range = ppo->clip_range,
        .clip_range_vf = ppo->clip_range_vf,
        .target_kl = ppo->target_kl,
        .normalize_advantage = ppo->normalize_advantage,
        .seed = curriculum->run.seed,
    };
    for (int i = 0; i < ppo->network.n; i++) {
        sb3.layers[i] = ppo->network.value[i];
    }
    for (int i = 0; i < curriculum->n_stages; i++) {
        sb3.total_timesteps += curriculum->stages[i].timesteps;
    }
    return sb3;
}

static int tensors_of_state(struct aft_archive_tensor *tensors,
                            const struct aft_training_state *state,
                            const struct aft_network *network)
{
    int n = aft_network_tensor_count(network);
    for (int i = 0; i < n; i++) {
        struct aft_network_tensor part;
        aft_network_tensor(&part, network, i);
        struct aft_archive_tensor *tensor = &tensors[i];
        (void)snprintf(tensor->name, sizeof tensor->name, "%s", part.name);
        tensor->n_dims = part.n_dims;
        tensor->dims[0] = part.dims[0];
        tensor->dims[1] = part.n_dims > 1 ? part.dims[1] : 1;
        tensor->count = part.count;
        tensor->value = state->parameters + part.offset;
        tensor->exp_avg = state->adam_m + part.offset;
        tensor->exp_avg_sq = state->adam_v + part.offset;
    }
    return n;
}

static struct aft_json *scores_of_state(const struct aft_run_record *record,
                                        const struct aft_training_header *header)
{
    const struct aft_curriculum *curriculum = record->curriculum;
    struct aft_json *list = aft_json_array();
    for (int i = 0; i < header->n_scores && i < curriculum->n_stages; i++) {
        const struct aft_stage_score *score = &header->scores[i];
        struct aft_json *item = aft_json_object();
        aft_json_set_integer(item, "stage", i + 1);
        aft_json_set_string(item, "name", curriculum->stages[i].name);
        aft_json_set_real(item, "peak_drift_to_passive", score->peak_drift_to_passive);
        aft_json_set_real(item, "rms_drift_to_passive", score->rms_drift_to_passive);
        aft_json_set_real(item, "worst_peak_to_passive", score->worst_peak_to_passive);
        aft_json_set_real(item, "uncontrolled_peak_to_passive",
                          score->uncontrolled_peak_to_passive);
        aft_json_set_real(item, "stroke_max_m", score->stroke_max_m);
        aft_json_set_real(item, "power_max_w", score->power_max_w);
        aft_reference_score_set(item, &record->references.stages[i]);
        aft_json_append(list, item);
    }
    return list;
}

/* What the stage's gate said of each attempt so far. */
static struct aft_json *attempts_at_stage(const struct aft_training_header *header)
{
    struct aft_json *list = aft_json_array();
    for (int i = 0; i < header->n_attempts; i++) {
        const struct aft_stage_attempt *attempt = &header->attempts[i];
        struct aft_json *item = aft_json_object();
        aft_json_set_integer(item, "attempt", i + 1);
        aft_json_set_string(item, "reason",
                            aft_gate_reason_word((enum aft_gate_reason)attempt->reason));
        aft_json_set_integer(item, "stage", attempt->stage);
        aft_json_set_real(item, "score", attempt->score);
        aft_json_set_real(item, "limit", attempt->limit);
        aft_json_set_real(item, "learning_rate_scale", attempt->learning_rate_scale);
        aft_json_append(list, item);
    }
    return list;
}

struct aft_json *aft_manifest_of_lineage(const struct aft_run_record *record,
                                         const struct aft_training_header *header)
{
    const struct aft_lineage *lineage = &record->lineage;
    struct aft_json *manifest = aft_json_object();
    aft_json_set_string(manifest, "run_id", lineage->run_id);
    aft_json_set_string(manifest, "parent", lineage->parent[0] == '\0' ? NULL : lineage->parent);
    aft_json_set_string(manifest, "fingerprint",
                        record->expectations->stages[header->counters.stage - 1].fingerprint);
    aft_json_set_integer(manifest, "attempt", header->attempt);
    return manifest;
}

static void add_host(struct aft_json *manifest, const struct aft_training_header *header)
{
    char host[256] = "";
    char when[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    (void)gethostname(host, sizeof host - 1);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    struct aft_json *versions = aft_json_object();
    aft_json_set_string(versions, "aftershock", AFT_VERSION);
    aft_json_set_string(versions, "compiler", __VERSION__);
    aft_json_set_string(versions, "engine", header->engine);
    aft_json_set(manifest, "versions", versions);
    aft_json_set_string(manifest, "engine", header->engine);
    aft_json_set_string(manifest, "host", host);
    aft_json_set_string(manifest, "written", when);
    aft_json_set_real(manifest, "trained_s", header->trained_s);
}

static struct aft_json *overrides_of_run(const struct aft_run_record *record)
{
    struct aft_json *list = aft_json_array();
    for (int i = 0; i < record->n_overrides; i++) {
        aft_json_append(list, aft_json_string(record->overrides[i]));
    }
    return list;
}

static struct aft_json *manifest_of_state(const struct aft_run_record *record,
                                          const struct aft_training_header *header,
                                          enum aft_archive_kind kind, const char *reason)
{
    int stage = (int)header->counters.stage;
    const struct aft_stage_expectation *expected = &record->expectations->stages[stage - 1];
    struct aft_json *manifest = aft_manifest_of_lineage(record, header);
    aft_json_set_string(manifest, "run", record->curriculum->run.name);
    aft_json_set_integer(manifest, "stage", stage);
    aft_json_set_string(manifest, "stage_name", record->curriculum->stages[stage - 1].name);
    aft_json_set_integer(manifest, "stages_total", record->curriculum->n_stages);
    aft_json_set(manifest, "settings", aft_json_copy(expected->settings));
    aft_json_set_integer(manifest, "seed", (int64_t)record->curriculum->run.seed);
    aft_json_set_real(manifest, "score", header->score);
    aft_json_set(manifest, "scores", scores_of_state(record, header));
    aft_json_set(manifest, "attempts", attempts_at_stage(header));
    aft_json_set(manifest, "overrides", overrides_of_run(record));
    aft_json_set(manifest, "recoveries", aft_json_copy(record->recoveries));
    if (reason != NULL) {
        aft_json_set_string(manifest, "reason", reason);
    }
    if (kind == AFT_ARCHIVE_CHECKPOINT) {
        aft_json_set_integer(manifest, "order", record->checkpoint_order);
    }
    add_host(manifest, header);
    return manifest;
}

/* Nine digits: every float is read back as it was. */
static void print_episode(FILE *stream, size_t number, const struct aft_episode *episode,
                          int n_metrics)
{
    (void)fprintf(stream, "%zu,%lld,%.9g,%d", number, (long long)episode->step,
                  (double)episode->total_reward, (int)episode->length);
    for (int i = 0; i < n_metrics; i++) {
        (void)fprintf(stream, ",%.9g", (double)episode->metrics[i]);
    }
    (void)fputc('\n', stream);
}

/* history.csv: the stage's finished episodes, in the order in which they ended. */
static enum aft_code history_text(char **text, size_t *size,
                                  const struct aft_training_header *header,
                                  const struct aft_sealed_state *sealed, struct aft_error *error)
{
    FILE *stream = open_memstream(text, size);
    if (stream == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write history.csv: no memory");
    }
    (void)fputs("episode,step,return,length", stream);
    for (int i = 0; i < header->n_metrics; i++) {
        (void)fprintf(stream, ",%s", header->metric_names[i]);
    }
    (void)fputc('\n', stream);
    for (size_t i = 0; i < sealed->info.history_length; i++) {
        const struct aft_episode *episode = aft_history_at(sealed->region, i);
        if (episode == NULL) {
            break;
        }
        print_episode(stream, i + 1, episode, header->n_metrics);
    }
    if (fclose(stream) != 0) {
        free(*text);
        *text = NULL;
        return aft_fail(error, AFT_ERR_MEMORY, "write history.csv: no memory");
    }
    return AFT_OK;
}

static int members_of_state(struct aft_archive_member members[MAX_MEMBERS],
                            const struct aft_run_record *record, const void *packed,
                            size_t packed_size, const char *reason)
{
    int n = 0;
    const char *ini = record->curriculum->text;
    members[n++] = (struct aft_archive_member){"curriculum.ini", ini, strlen(ini)};
    members[n++] = (struct aft_archive_member){"state.bin", packed, packed_size};
    if (reason != NULL) {
        members[n++] = (struct aft_archive_member){"error.txt", reason, strlen(reason)};
    }
    return n;
}

/* vecnormalize.pkl; *bytes stays NULL where observations are not normalised. */
static enum aft_code normaliser_of_state(char **bytes, size_t *size,
                                         const struct aft_curriculum *curriculum,
                                         const struct aft_training_state *state,
                                         struct aft_error *error)
{
    const struct aft_training_header *header = state->header;
    const struct aft_stage *stage = &curriculum->stages[header->counters.stage - 1];
    if (!stage->ppo.normalize_observation) {
        return AFT_OK;
    }
    const struct aft_sb3_normalize normalize = {
        .n_envs = stage->environment.n_envs,
        .obs_dim = header->obs_dim,
        .action_dim = header->action_dim,
        .gamma = stage->ppo.gamma,
        .mean = state->mean,
        .variance = state->variance,
        .count = header->normaliser_count,
        .clip = (double)AFT_NORMALISER_CLIP,
        .epsilon = AFT_NORMALISER_EPSILON,
    };
    return aft_sb3_normalize_write(bytes, size, &normalize, error);
}

static enum aft_code build(char **bytes, size_t *size, char state_hash[AFT_SHA256_HEX_SIZE],
                           const struct aft_run_record *record, struct aft_archive_content *content,
                           const struct aft_training_state *state, struct aft_error *error)
{
    struct aft_archive_tensor tensors[AFT_ARCHIVE_MAX_TENSORS];
    const struct aft_training_header *header = state->header;
    const struct aft_stage *stage = &record->curriculum->stages[header->counters.stage - 1];
    struct aft_network network = aft_network_of_settings(&stage->ppo, header->obs_dim);
    if (header->parameter_count != aft_network_parameter_count(&network)) {
        return aft_fail(error, AFT_ERR_CORRUPT, "build archive: the state is of another network");
    }
    memset(tensors, 0, sizeof tensors);
    content->sb3 = sb3_of_stage(record->curriculum, stage, header);
    content->counters = header->counters;
    content->n_tensors = tensors_of_state(tensors, state, &network);
    content->tensors = tensors;
    aft_archive_state_sha256(state_hash, tensors, content->n_tensors, &content->counters);
    enum aft_code code = aft_archive_build(bytes, size, content, error);
    content->tensors = NULL; /* they were this function's */
    return code;
}

enum aft_code aft_archive_of_state(char **bytes, size_t *size, char state_hash[AFT_SHA256_HEX_SIZE],
                                   const struct aft_run_record *record, enum aft_archive_kind kind,
                                   const struct aft_sealed_state *sealed, const char *reason,
                                   struct aft_error *error)
{
    struct aft_training_state state;
    struct aft_archive_member members[MAX_MEMBERS];
    struct aft_json *manifest = NULL;
    void *packed = NULL;
    size_t packed_size = 0;
    char *history = NULL;
    size_t history_size = 0;
    char *normaliser = NULL;
    size_t normaliser_size = 0;
    /* The keeper's copy is its own: laying pointers over it changes nothing. */
    enum aft_code code =
        aft_training_state_view(&state, (void *)(uintptr_t)sealed->bytes, sealed->info.size, error);
    if (code == AFT_OK && state.header->counters.stage > record->curriculum->n_stages) {
        code = aft_fail(error, AFT_ERR_CORRUPT, "build archive: the state is of no stage");
    }
    if (code == AFT_OK) {
        code = aft_training_state_pack(&packed, &packed_size, &state, error);
    }
    if (code == AFT_OK) {
        code = history_text(&history, &history_size, state.header, sealed, error);
    }
    if (code == AFT_OK) {
        code =
            normaliser_of_state(&normaliser, &normaliser_size, record->curriculum, &state, error);
    }
    if (code == AFT_OK) {
        manifest = manifest_of_state(record, state.header, kind, reason);
        int n = members_of_state(members, record, packed, packed_size, reason);
        members[n++] = (struct aft_archive_member){"history.csv", history, history_size};
        if (normaliser != NULL) {
            members[n++] =
                (struct aft_archive_member){AFT_MEMBER_VECNORMALIZE, normaliser, normaliser_size};
        }
        struct aft_archive_content content = {
            .kind = kind, .manifest = manifest, .n_members = n, .members = members};
        code = build(bytes, size, state_hash, record, &content, &state, error);
    }
    aft_json_destroy(manifest);
    free(normaliser);
    free(history);
    free(packed);
    return code;
}

enum aft_code aft_state_of_archive(void **bytes, size_t *size, struct aft_lineage *lineage,
                                   const struct aft_archive *archive, struct aft_error *error)
{
    const struct aft_json *manifest = aft_archive_manifest(archive);
    (void)snprintf(lineage->run_id, sizeof lineage->run_id, "%s",
                   aft_json_get_string(manifest, "run_id", ""));
    (void)snprintf(lineage->parent, sizeof lineage->parent, "%s",
                   aft_json_get_string(manifest, "parent", ""));
    return aft_training_state_of_archive(bytes, size, archive, error);
}

/* One line of history.csv; false where it is not one. */
static bool parse_episode(struct aft_episode *episode, const char *line)
{
    char *end = NULL;
    memset(episode, 0, sizeof *episode);
    (void)strtoll(line, &end, 10);
    if (end == line || *end != ',') {
        return false;
    }
    episode->step = strtoll(end + 1, &end, 10);
    if (*end != ',') {
        return false;
    }
    episode->total_reward = strtof(end + 1, &end);
    if (*end != ',') {
        return false;
    }
    episode->length = (int32_t)strtol(end + 1, &end, 10);
    for (int i = 0; i < AFT_ENV_MAX_METRICS && *end == ','; i++) {
        episode->metrics[i] = strtof(end + 1, &end);
    }
    return *end == '\n' || *end == '\0';
}

enum aft_code aft_history_of_archive(struct aft_snapshot_region *region, size_t *length,
                                     const struct aft_archive *archive, struct aft_error *error)
{
    size_t size = 0;
    const char *text = aft_archive_member(archive, "history.csv", &size); /* a NUL follows */
    const char *line = text != NULL ? strchr(text, '\n') : NULL;
    *length = 0;
    while (line != NULL && line[1] != '\0') {
        struct aft_episode episode;
        if (!parse_episode(&episode, line + 1)) {
            return aft_fail(error, AFT_ERR_CORRUPT, "read history.csv: line %zu is not an episode",
                            *length + 2);
        }
        enum aft_code code = aft_history_put(region, *length, &episode, error);
        if (code != AFT_OK) {
            return code;
        }
        (*length)++;
        line = strchr(line + 1, '\n');
    }
    return AFT_OK;
}
