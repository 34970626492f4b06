#include "fixture.h"

#include "cmocka_headers.h"
#include "recovery/archive_parts.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct shape {
    const char *name;
    int n_dims;
    int64_t dims[2];
};

static void add_tensor(struct fixture *fixture, const struct shape *shape)
{
    struct aft_archive_tensor *tensor = &fixture->tensors[fixture->content.n_tensors++];
    (void)snprintf(tensor->name, sizeof tensor->name, "%s", shape->name);
    tensor->n_dims = shape->n_dims;
    tensor->count = 1;
    for (int i = 0; i < shape->n_dims; i++) {
        tensor->dims[i] = shape->dims[i];
        tensor->count *= (size_t)shape->dims[i];
    }
    fixture->n_floats += tensor->count;
}

static void fill_tensors(struct fixture *fixture)
{
    size_t n = fixture->n_floats;
    fixture->floats = malloc(3 * n * sizeof *fixture->floats);
    assert_non_null(fixture->floats);
    uint32_t word = 12345;
    for (size_t i = 0; i < 3 * n; i++) {
        word = word * 1664525U + 1013904223U;
        fixture->floats[i] = (float)(word >> 8) / 16777216.0F - (i < n ? 0.5F : 0.0F);
    }
    size_t at = 0;
    for (int i = 0; i < fixture->content.n_tensors; i++) {
        fixture->tensors[i].value = fixture->floats + at;
        fixture->tensors[i].exp_avg = fixture->floats + n + at;
        fixture->tensors[i].exp_avg_sq = fixture->floats + 2 * n + at;
        at += fixture->tensors[i].count;
    }
}

static void add_tensors(struct fixture *fixture, int width)
{
    const struct shape shapes[] = {
        {"log_std", 1, {1, 0}},
        {"mlp_extractor.policy_net.0.weight", 2, {width, 5}},
        {"mlp_extractor.policy_net.0.bias", 1, {width, 0}},
        {"mlp_extractor.policy_net.2.weight", 2, {width, width}},
        {"mlp_extractor.policy_net.2.bias", 1, {width, 0}},
        {"mlp_extractor.value_net.0.weight", 2, {width, 5}},
        {"mlp_extractor.value_net.0.bias", 1, {width, 0}},
        {"mlp_extractor.value_net.2.weight", 2, {width, width}},
        {"mlp_extractor.value_net.2.bias", 1, {width, 0}},
        {"action_net.weight", 2, {1, width}},
        {"action_net.bias", 1, {1, 0}},
        {"value_net.weight", 2, {1, width}},
        {"value_net.bias", 1, {1, 0}},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        add_tensor(fixture, &shapes[i]);
    }
    fill_tensors(fixture);
}

void fixture_init(struct fixture *fixture, int width)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->manifest = aft_json_object();
    aft_json_set_string(fixture->manifest, "run_id", "test-run");
    aft_json_set_integer(fixture->manifest, "stage", 1);
    aft_json_set_string(fixture->manifest, "fingerprint",
                        "00000000000000000000000000000000000000000000000000000000000000f1");
    aft_json_set(fixture->manifest, "settings", aft_json_object());
    fixture->members[0] = (struct aft_archive_member){"curriculum.ini", "[run]\nname = x\n", 15};
    fixture->members[1] = (struct aft_archive_member){"state.bin", "\0\1\2\3state", 9};
    fixture->members[2] = (struct aft_archive_member){"history.csv", "r,l\n1,2\n", 8};
    fixture->content = (struct aft_archive_content){
        .kind = AFT_ARCHIVE_STAGE,
        .counters = {.stage = 1,
                     .steps = 2048,
                     .total_steps = 4096,
                     .iterations = 2,
                     .episodes = 9,
                     .updates = 40,
                     .adam_step = 80},
        .sb3 = {.obs_dim = 5,
                .action_dim = 1,
                .n_layers = 2,
                .layers = {width, width},
                .log_std_init = -0.7,
                .ortho_init = true,
                .n_envs = 4,
                .n_steps = 512,
                .batch_size = 256,
                .n_epochs = 10,
                .gamma = 0.985,
                .gae_lambda = 0.95,
                .ent_coef = 0.0,
                .vf_coef = 0.5,
                .max_grad_norm = 0.5,
                .learning_rate = 5e-4,
                .adam_eps = 1e-5,
                .clip_range = 0.2,
                .clip_range_vf = 0.15,
                .normalize_advantage = true,
                .total_timesteps = 8192,
                .seed = 1},
        .tensors = fixture->tensors,
        .manifest = fixture->manifest,
        .n_members = 3,
        .members = fixture->members,
    };
    add_tensors(fixture, width);
}

void fixture_clear(struct fixture *fixture)
{
    aft_json_destroy(fixture->manifest);
    free(fixture->floats);
}

char *fixture_build(const struct fixture *fixture, size_t *size)
{
    char *bytes = NULL;
    struct aft_error error = {0};
    if (aft_archive_build(&bytes, size, &fixture->content, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return bytes;
}

void fixture_sign(char *bytes, size_t size)
{
    char hex[AFT_SHA256_HEX_SIZE];
    size_t covered = size - AFT_COMMENT_SIZE;
    aft_sha256_hex(bytes, covered, hex);
    memcpy(bytes + covered + AFT_COMMENT_PREFIX_SIZE, hex, AFT_SHA256_HEX_SIZE - 1);
}

void fixture_make_folder(char folder[PATH_MAX])
{
    (void)snprintf(folder, PATH_MAX, "/tmp/aft-recovery-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void fixture_remove_folder(const char *folder)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_write(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

bool fixture_exists(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return lstat(path, &status) == 0;
}

int fixture_count(const char *folder)
{
    int count = -2; /* "." and ".." */
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    while (readdir(stream) != NULL) {
        count++;
    }
    (void)closedir(stream);
    return count;
}

void fixture_fingerprint(char fingerprint[AFT_SHA256_HEX_SIZE], int stage)
{
    (void)snprintf(fingerprint, AFT_SHA256_HEX_SIZE, "%064d", stage);
}

struct aft_json *fixture_settings(int stage)
{
    struct aft_json *settings = aft_json_object();
    aft_json_set_integer(settings, "stage.timesteps", 1000 * stage);
    aft_json_set_real(settings, "ppo.gamma", 0.985);
    aft_json_set_string(settings, "ppo.activation", "tanh");
    return settings;
}

void fixture_put(const char *folder, const struct fixture_file *file,
                 char state_hash[AFT_SHA256_HEX_SIZE])
{
    struct fixture fixture;
    fixture_init(&fixture, 2);
    char fingerprint[AFT_SHA256_HEX_SIZE];
    fixture_fingerprint(fingerprint, file->stage);
    fixture.content.kind = file->kind;
    fixture.content.counters.stage = file->stage;
    fixture.content.counters.steps = file->steps;
    if (file->other_weights) {
        fixture.floats[0] += 1.0F;
    }
    aft_json_set_integer(fixture.manifest, "stage", file->stage);
    if (file->attempt > 0) {
        aft_json_set_integer(fixture.manifest, "attempt", file->attempt);
    }
    aft_json_set(fixture.manifest, "settings", fixture_settings(file->stage));
    aft_json_set(fixture.manifest, "parent", aft_json_string(file->parent));
    aft_json_set_string(fixture.manifest, "fingerprint",
                        file->fingerprint != NULL ? file->fingerprint : fingerprint);
    size_t size;
    char *bytes = fixture_build(&fixture, &size);
    if (file->damaged) {
        bytes[size / 2] ^= 1;
    }
    fixture_write(folder, file->file, bytes, size);
    if (state_hash != NULL) {
        aft_archive_state_sha256(state_hash, fixture.tensors, fixture.content.n_tensors,
                                 &fixture.content.counters);
    }
    free(bytes);
    fixture_clear(&fixture);
}
