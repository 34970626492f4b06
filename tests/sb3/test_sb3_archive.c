/*
 * Archives that real Stable-Baselines3 saved (fixtures/, README.md): what is read is
 * what SB3 says it saved, our forward pass is its forward pass, and what does not
 * fit is refused for its reason.
 */
#include "base/file.h"
#include "forward.h"
#include "recovery/archive.h"
#include "recovery/archive_parts.h"
#include "recovery/torch_file.h"
#include "recovery/zip_bytes.h"
#include "runner/archive_state.h"
#include "runner/training_state.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIXTURES AFT_SOURCE_DIR "/tests/sb3/fixtures/"

enum { MAX_ROWS = 16, MAX_OBS = 16, LINE = 1024 };

struct expected { /* NAME.txt */
    char version[32], activation[16], weights[80], moments[80];
    int64_t num_timesteps, adam_step;
    int n_rows, n_obs;
    float obs[MAX_ROWS * MAX_OBS];
    float mean[MAX_ROWS], value[MAX_ROWS];
};

static const char *const readable[] = {"default",      "list",           "relu",         "building",
                                       "three-layers", "old-style-list", "vec-normalize"};
enum { N_READABLE = sizeof readable / sizeof *readable };

static void read_row(struct expected *expected, char *text)
{
    float numbers[MAX_OBS + 2];
    int n = 0;
    for (char *word = strtok(text, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        assert_true(n < MAX_OBS + 2);
        numbers[n++] = strtof(word, NULL);
    }
    expected->n_obs = n - 2;
    assert_true(n > 2 && expected->n_rows < MAX_ROWS);
    memcpy(expected->obs + expected->n_rows * expected->n_obs, numbers,
           (size_t)expected->n_obs * sizeof *numbers);
    expected->mean[expected->n_rows] = numbers[n - 2];
    expected->value[expected->n_rows++] = numbers[n - 1];
}

static void read_expected(struct expected *expected, const char *name)
{
    char path[512], line[LINE];
    (void)snprintf(path, sizeof path, FIXTURES "%s.txt", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    memset(expected, 0, sizeof *expected);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "row ", 4) == 0) {
            read_row(expected, line + 4);
            continue;
        }
        (void)(sscanf(line, "version %31s", expected->version) == 1 ||
               sscanf(line, "activation %15s", expected->activation) == 1 ||
               sscanf(line, "num_timesteps %" SCNd64, &expected->num_timesteps) == 1 ||
               sscanf(line, "adam_step %" SCNd64, &expected->adam_step) == 1 ||
               sscanf(line, "weights_sha256 %79s", expected->weights) == 1 ||
               sscanf(line, "moments_sha256 %79s", expected->moments) == 1);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(expected->n_rows, 12);
}

static struct aft_archive *open_fixture(const char *name)
{
    char path[512];
    struct aft_archive *archive = NULL;
    struct aft_error error = {0};
    (void)snprintf(path, sizeof path, FIXTURES "%s.zip", name);
    if (aft_archive_open_any(&archive, path, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return archive;
}

static void moments_hash(char hex[AFT_SHA256_HEX_SIZE], const struct aft_archive_tensor *tensors,
                         int n)
{
    struct aft_digest *digest = aft_digest_create();
    for (int moment = 0; moment < 2; moment++) {
        for (int i = 0; i < n; i++) {
            const float *floats = moment == 0 ? tensors[i].exp_avg : tensors[i].exp_avg_sq;
            aft_digest_add(digest, floats, tensors[i].count * sizeof *floats);
        }
    }
    aft_digest_finish(digest, hex);
}

static void archive_open_any__reads_what_sb3_says_it_saved(void **state)
{
    (void)state;
    for (int i = 0; i < N_READABLE; i++) {
        struct expected expected;
        read_expected(&expected, readable[i]);
        struct aft_archive *archive = open_fixture(readable[i]);
        const struct aft_sb3_model *model = aft_archive_sb3_model(archive);
        const struct aft_archive_tensor *tensors = NULL;
        int n = aft_archive_tensors(archive, &tensors);
        assert_int_equal(aft_archive_kind(archive), AFT_ARCHIVE_SB3);
        assert_null(aft_archive_manifest(archive));
        assert_string_equal(model->version, expected.version);
        assert_string_equal(model->relu ? "ReLU" : "Tanh", expected.activation);
        assert_int_equal(model->obs_dim, expected.n_obs);
        assert_int_equal(model->action_dim, 1);
        assert_true(model->num_timesteps == expected.num_timesteps);
        assert_true(aft_archive_counters(archive)->total_steps == expected.num_timesteps);
        assert_true(aft_archive_counters(archive)->adam_step == expected.adam_step);
        assert_int_equal(model->vec_normalize, strcmp(readable[i], "vec-normalize") == 0);
        assert_string_equal(aft_archive_weights_hash(archive), expected.weights);
        if (strcmp(expected.moments, "none") == 0) {
            assert_null(tensors[0].exp_avg);
        } else {
            char hex[AFT_SHA256_HEX_SIZE];
            moments_hash(hex, tensors, n);
            assert_string_equal(hex, expected.moments);
        }
        aft_archive_close(archive);
    }
}

static void fixtures__cover_what_they_are_for(void **state)
{
    (void)state;
    int without_moments = 0, relu = 0;
    for (int i = 0; i < N_READABLE; i++) {
        struct expected expected;
        read_expected(&expected, readable[i]);
        without_moments += expected.adam_step == 0;
        relu += strcmp(expected.activation, "ReLU") == 0;
    }
    assert_int_equal(without_moments, 3);
    assert_int_equal(relu, 3);
    struct aft_archive *archive = open_fixture("three-layers");
    const struct aft_sb3_model *model = aft_archive_sb3_model(archive);
    static const int layers[] = {7, 6, 5};
    assert_int_equal(model->n_layers, 3);
    assert_memory_equal(model->layers, layers, sizeof layers);
    aft_archive_close(archive);
}

static void assert_near(float found, float wanted, const char *what, const char *name)
{
    double tolerance = 1e-6 * fmax(1.0, fabs((double)wanted));
    if (fabs((double)found - (double)wanted) > tolerance) {
        fail_msg("%s of '%s': %.9g, SB3's is %.9g", what, name, (double)found, (double)wanted);
    }
}

static void native_engine__computes_what_sb3_computes(void **state)
{
    (void)state;
    for (int i = 0; i < N_READABLE; i++) {
        struct expected expected;
        struct aft_error error = {0};
        float actions[MAX_ROWS], values[MAX_ROWS];
        struct aft_archive *archive = open_fixture(readable[i]);
        read_expected(&expected, readable[i]);
        if (forward_of_archive(actions, values, archive, expected.obs, expected.n_rows, &error) !=
            AFT_OK) {
            fail_msg("%s", error.message);
        }
        for (int row = 0; row < expected.n_rows; row++) {
            assert_near(actions[row], expected.mean[row], "an action", readable[i]);
            assert_near(values[row], expected.value[row], "a value", readable[i]);
        }
        aft_archive_close(archive);
    }
}

/* Bit for bit, and step and steps, into the state that training begins with. */
static void training_state_of_archive__keeps_every_float(void **state)
{
    (void)state;
    for (int i = 0; i < N_READABLE; i++) {
        struct aft_archive *archive = open_fixture(readable[i]);
        const struct aft_archive_tensor *tensors = NULL;
        struct aft_training_state laid_out;
        void *bytes = NULL;
        size_t size = 0, at = 0;
        int n = aft_archive_tensors(archive, &tensors);
        assert_int_equal(aft_training_state_of_archive(&bytes, &size, archive, NULL), AFT_OK);
        assert_int_equal(aft_training_state_view(&laid_out, bytes, size, NULL), AFT_OK);
        for (int k = 0; k < n; k++) {
            size_t length = tensors[k].count * sizeof(float);
            float zeros[64 * 64] = {0};
            bool has = tensors[k].exp_avg != NULL;
            assert_memory_equal(laid_out.parameters + at, tensors[k].value, length);
            assert_memory_equal(laid_out.adam_m + at, has ? tensors[k].exp_avg : zeros, length);
            assert_memory_equal(laid_out.adam_v + at, has ? tensors[k].exp_avg_sq : zeros, length);
            at += tensors[k].count;
        }
        assert_true(laid_out.header->parameter_count == at);
        assert_memory_equal(&laid_out.header->counters, aft_archive_counters(archive),
                            sizeof laid_out.header->counters);
        assert_true(laid_out.mean[0] == 0 && laid_out.variance[0] == 1);
        free(bytes);
        aft_archive_close(archive);
    }
}

static void archive_open_any__refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *name, *reason;
    } cases[] = {
        {"a2c", "no PPO model: it has no 'clip_range'"},
        {"sac", "its policy is of stable_baselines3.sac.policies"},
        {"sde", "use_sde"},
        {"discrete", "its action space is <class 'gymnasium.spaces.discrete.Discrete'>"},
        {"dict", "its observation space is <class 'gymnasium.spaces.dict.Dict'>"},
        {"cnn", "3 dimensions (images?)"},
        {"two-actions", "2 actions"},
        {"other-bounds", "go from -2.0 to 2.0"},
        {"two-networks", "different hidden layers"},
        {"no-layers", "0 hidden layers"},
        {"elu", "activation_fn = <class 'torch.nn.modules.activation.ELU'>"},
        {"adamw", "optimizer_class = <class 'torch.optim.adamw.AdamW'>"},
        {"weight-decay", "weight decay"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[512];
        struct aft_archive *archive = NULL;
        struct aft_error error = {0};
        (void)snprintf(path, sizeof path, FIXTURES "refused-%s.zip", cases[i].name);
        assert_int_equal(aft_archive_open_any(&archive, path, &error), AFT_ERR_REFUSED);
        assert_null(archive);
        if (strstr(error.message, cases[i].reason) == NULL) {
            fail_msg("'%s' was refused for another reason: %s", cases[i].name, error.message);
        }
    }
}

/* The fixture "list" with one member replaced, or left out where bytes is NULL. */
static char *with_member(size_t *size, const char *name, const void *bytes, size_t length)
{
    struct aft_archive *archive = open_fixture("list");
    struct aft_zip_entry entries[16];
    struct aft_archive_member member;
    size_t n = 0;
    char *zip = NULL;
    for (int i = 0; aft_archive_member_at(archive, i, &member, NULL); i++) {
        bool replaced = strcmp(member.name, name) == 0;
        if (!replaced || bytes != NULL) {
            entries[n++] = (struct aft_zip_entry){.name = member.name,
                                                  .bytes = replaced ? bytes : member.bytes,
                                                  .size = replaced ? length : member.size};
        }
    }
    assert_int_equal(aft_zip_write(&zip, size, entries, n, NULL), AFT_OK);
    aft_archive_close(archive);
    return zip;
}

static void assert_reads_as(const char *name, const void *bytes, size_t length, enum aft_code code,
                            const char *reason)
{
    size_t size = 0;
    struct aft_archive *archive = NULL;
    struct aft_error error = {0};
    char *zip = with_member(&size, name, bytes, length);
    enum aft_code found = aft_archive_read_any_bytes(&archive, zip, size, &error);
    if (found != code || strstr(error.message, reason) == NULL) {
        fail_msg("%s: code %d, %s", name, found, error.message);
    }
    aft_archive_close(archive);
    free(zip);
}

static void archive_open_any__checks_each_member(void **state)
{
    (void)state;
    const char nothing[] = "{}";
    const char steering[] = "{\"policy_class\": {\"__module__\": \"a\\u001b[2J\\nb\"}}";
    assert_reads_as("none of them", nothing, 2, AFT_OK, "");
    assert_reads_as("policy.optimizer.pth", NULL, 0, AFT_OK, "");
    assert_reads_as("policy.pth", NULL, 0, AFT_ERR_CORRUPT, "neither an archive of ours");
    assert_reads_as("policy.pth", nothing, 2, AFT_ERR_CORRUPT, "member 'policy.pth'");
    assert_reads_as("policy.optimizer.pth", nothing, 2, AFT_ERR_CORRUPT,
                    "member 'policy.optimizer.pth'");
    assert_reads_as("data", NULL, 0, AFT_ERR_CORRUPT, "neither an archive of ours");
    assert_reads_as("data", "{", 1, AFT_ERR_CORRUPT, "no JSON");
    assert_reads_as("data", nothing, 2, AFT_ERR_REFUSED, "no PPO model");
    assert_reads_as("data", steering, sizeof steering - 1, AFT_ERR_REFUSED, "is of a?[2J?b");
    assert_reads_as("_stable_baselines3_version", NULL, 0, AFT_ERR_REFUSED, "which");
    assert_reads_as("_stable_baselines3_version", "1.8.0", 5, AFT_ERR_REFUSED, "1.8.0 saved it");
    assert_reads_as("_stable_baselines3_version", "3.0.0", 5, AFT_ERR_REFUSED, "3.0.0 saved it");
    assert_reads_as("_stable_baselines3_version", "2.10.1\n", 7, AFT_OK, "");
}

/* What training adds to must have room to grow. */
static void archive_open_any__refuses_counts_without_end(void **state)
{
    (void)state;
    static const char key[] = "\"num_timesteps\": ";
    struct aft_archive *archive = open_fixture("list");
    size_t size = 0;
    const char *data = aft_archive_member(archive, "data", &size);
    const char *at = strstr(data, key);
    char *text = malloc(size + 32);
    assert_non_null(at);
    assert_non_null(text);
    size_t before = (size_t)(at - data) + strlen(key);
    int length = snprintf(text, size + 32, "%.*s9223372036854775807%s", (int)before, data,
                          data + before + strspn(data + before, "0123456789"));
    assert_reads_as("data", text, (size_t)length, AFT_ERR_REFUSED, "beyond all counting");
    free(text);
    aft_archive_close(archive);
}

/* Of which there is no root. */
static void archive_open_any__refuses_negative_second_moments(void **state)
{
    (void)state;
    struct aft_archive *archive = open_fixture("list");
    const struct aft_archive_tensor *tensors = NULL;
    struct aft_archive_tensor changed[AFT_ARCHIVE_MAX_TENSORS];
    const struct aft_torch_adam adam = {
        .step = aft_archive_counters(archive)->adam_step, .learning_rate = 1e-3, .eps = 1e-5};
    int n = aft_archive_tensors(archive, &tensors);
    memcpy(changed, tensors, (size_t)n * sizeof *tensors);
    struct aft_archive_tensor *last = &changed[n - 1];
    float *squares = malloc(last->count * sizeof *squares);
    assert_non_null(squares);
    memcpy(squares, last->exp_avg_sq, last->count * sizeof *squares);
    last->exp_avg_sq = squares;
    for (int negative = 0; negative < 2; negative++) {
        char *optimizer = NULL;
        size_t size = 0;
        squares[last->count - 1] = negative ? -1e-30F : 0.0F;
        assert_int_equal(aft_torch_write_adam(&optimizer, &size, changed, n, &adam, NULL), AFT_OK);
        assert_reads_as("policy.optimizer.pth", optimizer, size,
                        negative ? AFT_ERR_REFUSED : AFT_OK,
                        negative ? "second moments of 'value_net.bias' are negative" : "");
        free(optimizer);
    }
    free(squares);
    aft_archive_close(archive);
}

/* Stable-Baselines3 2.x makes none of these; 1.x and other libraries do. */
static void archive_open_any__refuses_other_layouts(void **state)
{
    (void)state;
    struct {
        const char *instead_of, *name;
        const char *reason;
    } cases[] = {
        {"mlp_extractor.policy_net.0.weight", "mlp_extractor.shared_net.0.weight", "share layers"},
        {"log_std", "features_extractor.cnn.0.bias", "features extractor"},
        {"log_std", "lstm_actor.bias", "'log_std' is missing"},
        {"value_net.bias", "value_net.offset", "'value_net.bias' is missing"},
    };
    struct aft_archive *archive = open_fixture("list");
    const struct aft_archive_tensor *tensors = NULL;
    int n = aft_archive_tensors(archive, &tensors);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aft_archive_tensor renamed[AFT_ARCHIVE_MAX_TENSORS];
        char *policy = NULL;
        size_t size = 0;
        for (int k = 0; k < n; k++) {
            renamed[k] = tensors[k];
            if (strcmp(tensors[k].name, cases[i].instead_of) == 0) {
                (void)snprintf(renamed[k].name, sizeof renamed[k].name, "%s", cases[i].name);
            }
        }
        assert_int_equal(aft_torch_write_policy(&policy, &size, renamed, n, NULL), AFT_OK);
        assert_reads_as("policy.pth", policy, size, AFT_ERR_REFUSED, cases[i].reason);
        free(policy);
    }
    aft_archive_close(archive);
}

/* The byte of a dimension, the first after what precedes it behind the name; in a data.pkl. */
static char *find_dimension(char *pickle, size_t size, const char *name)
{
    const char before[] = "tQK\0(K"; /* the storage, offset 0, the shape: BININT1 */
    char *at = memmem(pickle, size, name, strlen(name));
    assert_non_null(at);
    at = memmem(at, size - (size_t)(at - pickle), before, sizeof before - 1);
    assert_non_null(at);
    return at + sizeof before - 1;
}

/* policy.pth whose one hidden layer has no units, though its tensors have a storage; the
 * weights of the heads, which would be of [1, 0], are of [1]. */
static char *policy_without_units(size_t *size, const struct aft_archive *archive)
{
    static const char *const emptied[] = {
        "mlp_extractor.policy_net.0.weight", "mlp_extractor.policy_net.0.bias",
        "mlp_extractor.value_net.0.weight", "mlp_extractor.value_net.0.bias"};
    static const float zeros[MAX_OBS] = {0};
    const struct aft_sb3_model *model = aft_archive_sb3_model(archive);
    struct aft_archive_tensor tensors[9];
    for (int i = 0; i < 9; i++) { /* all are [1], but for two */
        static const char *const heads[] = {"action_net.weight", "action_net.bias",
                                            "value_net.weight", "value_net.bias"};
        tensors[i] =
            (struct aft_archive_tensor){.n_dims = 1, .dims = {1, 0}, .count = 1, .value = zeros};
        (void)snprintf(tensors[i].name, sizeof tensors[i].name, "%s",
                       i == 0  ? "log_std"
                       : i < 5 ? emptied[i - 1]
                               : heads[i - 5]);
    }
    for (int i = 1; i <= 3; i += 2) {
        tensors[i].n_dims = 2;
        tensors[i].dims[1] = model->obs_dim;
        tensors[i].count = (size_t)model->obs_dim;
    }
    char *policy = NULL, *made = NULL;
    struct aft_zip zip;
    struct aft_zip_entry entries[16];
    const struct aft_zip_limits limits = {.members = 16, .total = 1 << 16, .folders = true};
    assert_int_equal(aft_torch_write_policy(&policy, size, tensors, 9, NULL), AFT_OK);
    assert_int_equal(aft_zip_read(&zip, policy, *size, &limits, NULL), AFT_OK);
    for (size_t i = 0; i < zip.n; i++) {
        entries[i] = (struct aft_zip_entry){.name = zip.members[i].name,
                                            .bytes = zip.members[i].bytes,
                                            .size = zip.members[i].size};
        for (int k = 0; k < 4 && strcmp(zip.members[i].name, "archive/data.pkl") == 0; k++) {
            *find_dimension(zip.members[i].bytes, zip.members[i].size, emptied[k]) = 0;
        }
    }
    assert_int_equal(aft_zip_write(&made, size, entries, zip.n, NULL), AFT_OK);
    aft_zip_clear(&zip);
    free(policy);
    return made;
}

/* Nothing writes such a file but somebody who wants to do harm. */
static void archive_open_any__refuses_layers_without_units(void **state)
{
    (void)state;
    struct aft_archive *archive = open_fixture("list"), *none = NULL;
    struct aft_error error = {0};
    size_t sizes[2], size = 0;
    char *policy = policy_without_units(&sizes[0], archive), *zip = NULL;
    const void *data = aft_archive_member(archive, "data", &sizes[1]);
    const struct aft_zip_entry entries[] = {
        {.name = "policy.pth", .bytes = policy, .size = sizes[0]},
        {.name = "data", .bytes = data, .size = sizes[1]},
        {.name = "_stable_baselines3_version", .bytes = "2.3.2", .size = 5},
    };
    assert_int_equal(aft_zip_write(&zip, &size, entries, 3, NULL), AFT_OK);
    assert_int_equal(aft_archive_read_any_bytes(&none, zip, size, &error), AFT_ERR_REFUSED);
    if (strstr(error.message, "hidden layer 1 has no units") == NULL) {
        fail_msg("%s", error.message);
    }
    free(zip);
    free(policy);
    aft_archive_close(archive);
}

/* PyTorch 2.x puts more members into a .pth than 1.13, which wrote the fixtures. */
static void archive_open_any__passes_over_what_newer_torch_adds(void **state)
{
    (void)state;
    static const struct aft_zip_entry added[] = {
        {.name = "archive/byteorder", .bytes = "little", .size = 6},
        {.name = "archive/.format_version", .bytes = "1", .size = 1},
        {.name = "archive/.storage_alignment", .bytes = "64", .size = 2},
        {.name = "archive/.data/serialization_id", .bytes = "0123456789", .size = 10},
    };
    enum { N_ADDED = sizeof added / sizeof *added };
    struct aft_zip_entry entries[64];
    const struct aft_zip_limits limits = {.members = 64, .total = 1 << 20, .folders = true};
    struct aft_archive *archive = open_fixture("list");
    struct aft_zip zip;
    char *policy = NULL;
    size_t size = 0, n = 0;
    const void *before = aft_archive_member(archive, "policy.pth", &size);
    assert_int_equal(aft_zip_read(&zip, before, size, &limits, NULL), AFT_OK);
    assert_true(zip.n + N_ADDED <= 64);
    for (; n < zip.n; n++) {
        entries[n] = (struct aft_zip_entry){.name = zip.members[n].name,
                                            .bytes = zip.members[n].bytes,
                                            .size = zip.members[n].size};
    }
    memcpy(entries + n, added, sizeof added);
    assert_int_equal(aft_zip_write(&policy, &size, entries, n + N_ADDED, NULL), AFT_OK);
    assert_reads_as("policy.pth", policy, size, AFT_OK, "");
    free(policy);
    aft_zip_clear(&zip);
    aft_archive_close(archive);
}

/* Truncations, and flipped bits: refused or whole, and never ours. */
static void archive_open_any__survives_damage(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(aft_file_read(&bytes, &size, FIXTURES "list.zip", 1 << 20, NULL), AFT_OK);
    for (size_t length = 0; length < size; length += 1 + length / 64) {
        struct aft_archive *archive = NULL;
        char *copy = malloc(length + 1); /* its own block: reads past the end are seen */
        memcpy(copy, bytes, length);
        assert_int_equal(aft_archive_read_any_bytes(&archive, copy, length, NULL), AFT_ERR_CORRUPT);
        free(copy);
    }
    for (size_t at = 0; at < size; at += 17) {
        struct aft_archive *archive = NULL;
        bytes[at] = (char)(bytes[at] ^ 0x20);
        if (aft_archive_read_any_bytes(&archive, bytes, size, NULL) == AFT_OK) {
            assert_int_equal(aft_archive_kind(archive), AFT_ARCHIVE_SB3);
        }
        aft_archive_close(archive);
        bytes[at] = (char)(bytes[at] ^ 0x20);
    }
    free(bytes);
}

/* A strict reader, as a run's folder has, takes none of them. */
static void archive_open__takes_no_archive_of_sb3(void **state)
{
    (void)state;
    struct aft_archive *archive = NULL;
    for (int i = 0; i < N_READABLE; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, FIXTURES "%s.zip", readable[i]);
        assert_int_equal(aft_archive_open(&archive, path, NULL), AFT_ERR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archive_open_any__reads_what_sb3_says_it_saved),
        cmocka_unit_test(fixtures__cover_what_they_are_for),
        cmocka_unit_test(native_engine__computes_what_sb3_computes),
        cmocka_unit_test(training_state_of_archive__keeps_every_float),
        cmocka_unit_test(archive_open_any__refuses_what_does_not_fit),
        cmocka_unit_test(archive_open_any__checks_each_member),
        cmocka_unit_test(archive_open_any__refuses_counts_without_end),
        cmocka_unit_test(archive_open_any__refuses_negative_second_moments),
        cmocka_unit_test(archive_open_any__refuses_other_layouts),
        cmocka_unit_test(archive_open_any__refuses_layers_without_units),
        cmocka_unit_test(archive_open_any__passes_over_what_newer_torch_adds),
        cmocka_unit_test(archive_open_any__survives_damage),
        cmocka_unit_test(archive_open__takes_no_archive_of_sb3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
