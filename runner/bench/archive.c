/*
 * Archives of a 64,64 network: saved (built in memory, published durably, read
 * back and verified) beside what the disk takes for the same bytes, and loaded
 * (every check) beside reading the file and hashing it once.
 */
#include "recovery/archive.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "runner/bench/bench.h"
#include "runner/worker_run.h"
#include "trainer/network.h"

#include <stdlib.h>
#include <string.h>

enum { OBS_DIM = 22, EPISODES = 2000, STATE_SIZE = 64 << 10, LINE_SIZE = 96 };

struct archive {
    struct aft_archive_content content;
    struct aft_archive_tensor tensors[AFT_ARCHIVE_MAX_TENSORS];
    struct aft_archive_member members[3];
    struct aft_json *manifest;
    float *weights;
    char *history;
    unsigned char *state;
    char path[PATH_MAX], plain[PATH_MAX];
};

static void name_tensors(struct archive *archive, const struct aft_network *network)
{
    size_t count = aft_network_parameter_count(network);
    archive->content.n_tensors = aft_network_tensor_count(network);
    archive->content.tensors = archive->tensors;
    for (int i = 0; i < archive->content.n_tensors; i++) {
        struct aft_archive_tensor *tensor = &archive->tensors[i];
        struct aft_network_tensor part;
        aft_network_tensor(&part, network, i);
        (void)snprintf(tensor->name, sizeof tensor->name, "%s", part.name);
        tensor->n_dims = part.n_dims;
        tensor->dims[0] = part.dims[0];
        tensor->dims[1] = part.n_dims > 1 ? part.dims[1] : 1;
        tensor->count = part.count;
        tensor->value = archive->weights + part.offset;
        tensor->exp_avg = tensor->value + count;
        tensor->exp_avg_sq = tensor->exp_avg + count;
    }
}

static void add_members(struct archive *archive)
{
    size_t used = 0, ini_size = 0;
    const char *ini = aft_bench_curriculum_text(AFT_BENCH_STAGES, &ini_size);
    for (int i = 0; i < EPISODES; i++) {
        used += (size_t)snprintf(archive->history + used, LINE_SIZE, "%d,%d,%.9g,500,%.9g\n", i + 1,
                                 (i + 1) * 512, (double)archive->weights[i],
                                 (double)archive->weights[i + EPISODES]);
    }
    memcpy(archive->state, archive->weights, STATE_SIZE);
    archive->members[0] = (struct aft_archive_member){"curriculum.ini", ini, ini_size};
    archive->members[1] = (struct aft_archive_member){"state.bin", archive->state, STATE_SIZE};
    archive->members[2] = (struct aft_archive_member){"history.csv", archive->history, used};
    archive->content.members = archive->members;
    archive->content.n_members = 3;
}

static enum aft_code prepare(struct archive *archive, const struct aft_network *network,
                             const char *folder, struct aft_error *error)
{
    size_t count = aft_network_parameter_count(network);
    archive->weights = calloc(3 * count, sizeof *archive->weights);
    archive->history = calloc(EPISODES + 1, LINE_SIZE);
    archive->state = calloc(1, STATE_SIZE);
    archive->manifest = aft_json_object();
    archive->content.manifest = archive->manifest;
    if (archive->weights == NULL || archive->history == NULL || archive->state == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "make an archive: out of memory");
    }
    aft_json_set_string(archive->manifest, "run", "bench");
    archive->content.kind = AFT_ARCHIVE_CHECKPOINT;
    archive->content.counters = (struct aft_archive_counters){.stage = 1, .steps = 16000};
    archive->content.sb3 =
        (struct aft_archive_sb3){.obs_dim = network->obs_dim,
                                 .action_dim = network->action_dim,
                                 .n_layers = network->n_hidden,
                                 .layers = {network->hidden[0], network->hidden[1]},
                                 .n_envs = 64,
                                 .n_steps = 250,
                                 .batch_size = 2000,
                                 .n_epochs = 6};
    aft_random_normal_f32(archive->weights, 3 * count, aft_random_key(1, 0, AFT_RANDOM_WEIGHTS), 0,
                          0, 0);
    name_tensors(archive, network);
    add_members(archive);
    enum aft_code code = aft_path_join(archive->path, folder, "archive.zip", error);
    return code == AFT_OK ? aft_path_join(archive->plain, folder, "plain", error) : code;
}

static enum aft_code save(const struct archive *archive, double seconds[2], struct aft_error *error)
{
    char *bytes = NULL;
    size_t size = 0;
    double begin = aft_monotonic_s();
    enum aft_code code = aft_archive_build(&bytes, &size, &archive->content, error);
    if (code == AFT_OK) {
        code = aft_archive_publish(archive->path, bytes, size, error);
    }
    double middle = aft_monotonic_s();
    if (code == AFT_OK) {
        code = aft_file_publish(archive->plain, bytes, size, error);
    }
    seconds[0] += middle - begin;
    seconds[1] += aft_monotonic_s() - middle;
    free(bytes);
    return code;
}

static enum aft_code load(const struct archive *archive, double seconds[2], struct aft_error *error)
{
    struct aft_archive *opened = NULL;
    char hex[AFT_SHA256_HEX_SIZE];
    char *bytes = NULL;
    size_t size = 0;
    double begin = aft_monotonic_s();
    enum aft_code code = aft_archive_open(&opened, archive->path, error);
    aft_archive_close(opened);
    double middle = aft_monotonic_s();
    if (code == AFT_OK) {
        code = aft_file_read(&bytes, &size, archive->path, AFT_ARCHIVE_SIZE_LIMIT, error);
    }
    if (code == AFT_OK) {
        aft_sha256_hex(bytes, size, hex);
    }
    seconds[0] += middle - begin;
    seconds[1] += aft_monotonic_s() - middle;
    free(bytes);
    return code;
}

typedef enum aft_code (*operation)(const struct archive *archive, double seconds[2],
                                   struct aft_error *error);

static enum aft_code repeat(const struct archive *archive, operation work,
                            const struct aft_bench_round *round, struct aft_bench_figure *figures,
                            struct aft_error *error)
{
    double seconds[2] = {0, 0};
    int n = 0;
    do {
        enum aft_code code = work(archive, seconds, error);
        if (code != AFT_OK) {
            return code;
        }
        n++;
    } while (seconds[0] + seconds[1] < round->seconds && !aft_bench_stopped());
    figures[0] = (struct aft_bench_figure){1e3 * seconds[0] / n, 1e3 * seconds[1] / n};
    return AFT_OK;
}

static enum aft_code save_burst(void *self, const struct aft_bench_round *round,
                                struct aft_bench_figure *figures, struct aft_error *error)
{
    return repeat(self, save, round, figures, error);
}

static enum aft_code load_burst(void *self, const struct aft_bench_round *round,
                                struct aft_bench_figure *figures, struct aft_error *error)
{
    return repeat(self, load, round, figures, error);
}

static enum aft_code measure(struct aft_bench *bench, struct archive *archive,
                             const struct aft_network *network, struct aft_error *error)
{
    struct aft_bench_result label = {.name = "archive_save", .threads = 1, .unit = "ms"};
    const struct aft_bench_subject saving = {archive, 1, false, save_burst};
    const struct aft_bench_subject loading = {archive, 1, false, load_burst};
    struct aft_bench_figure unused;
    const struct aft_bench_round once = {0, 0};
    aft_bench_name_network(label.network, sizeof label.network, network);
    enum aft_code code = AFT_OK;
    if (aft_bench_wants(bench, AFT_BENCH_ARCHIVE_SAVE)) {
        code = aft_bench_measure(bench, &saving, &label, error);
    } else {
        code = save_burst(archive, &once, &unused, error);
    }
    if (code == AFT_OK && aft_bench_wants(bench, AFT_BENCH_ARCHIVE_LOAD)) {
        label.name = "archive_load";
        code = aft_bench_measure(bench, &loading, &label, error);
    }
    return code;
}

enum aft_code aft_bench_measure_archive(struct aft_bench *bench, const char *folder,
                                        struct aft_error *error)
{
    static const struct aft_int_list hidden = {2, {64, 64}};
    const struct aft_network network = aft_bench_network(OBS_DIM, &hidden, AFT_TANH);
    struct archive *archive = calloc(1, sizeof *archive);
    if (archive == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "make an archive: out of memory");
    }
    enum aft_code code = prepare(archive, &network, folder, error);
    if (code == AFT_OK) {
        code = measure(bench, archive, &network, error);
    }
    aft_json_destroy(archive->manifest);
    free(archive->weights);
    free(archive->history);
    free(archive->state);
    free(archive);
    return code;
}
