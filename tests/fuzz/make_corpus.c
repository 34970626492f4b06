/*
 * Writes the seeds that come from our own writers, and from the archives that
 * Stable-Baselines3 wrote, into a corpus folder:
 *   make_corpus tests/fuzz/corpus tests/sb3/fixtures
 * Archives, .pth files and pickles; the texts (ini, at2, csv) are written by hand.
 */
#include "base/file.h"
#include "fixture.h"
#include "recovery/archive_parts.h"
#include "recovery/pickle_write.h"
#include "recovery/zip_bytes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *corpus;

static FILE *create(const char *target, const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s/%s", corpus, target, name);
    FILE *stream = fopen(path, "wb");
    if (stream == NULL) {
        perror(path);
        exit(1);
    }
    return stream;
}

static void put(const char *target, const char *name, const void *bytes, size_t size)
{
    FILE *stream = create(target, name);
    (void)fwrite(bytes, 1, size, stream);
    (void)fclose(stream);
}

static void unpack(struct aft_zip *zip, const void *bytes, size_t size)
{
    const struct aft_zip_limits limits = {.members = 256, .total = 1 << 24, .folders = true};
    struct aft_error error = {0};
    if (aft_zip_read(zip, bytes, size, &limits, &error) != AFT_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

/* The parts of a .pth, into a pack (forge.h); its pickle also as a seed of its own, where that
 * has a name. */
static void pack_inner(FILE *pack, const struct aft_zip_member *outer, const char *seed)
{
    struct aft_zip zip;
    unpack(&zip, outer->bytes, outer->size);
    for (size_t i = 0; i < zip.n; i++) {
        const struct aft_zip_member *member = &zip.members[i];
        const char *slash = strchr(member->name, '/');
        (void)fprintf(pack, "@@%s!%s\n", outer->name, member->name);
        (void)fwrite(member->bytes, 1, member->size, pack);
        (void)fputc('\n', pack);
        if (seed != NULL && slash != NULL && strcmp(slash, "/data.pkl") == 0) {
            char name[64];
            (void)snprintf(name, sizeof name, "%s-%s", seed, outer->name);
            put("pickle", name, member->bytes, member->size);
        }
    }
    aft_zip_clear(&zip);
}

static void write_seeds(const char *seed, const struct fixture *fixture)
{
    size_t size = 0;
    char *bytes = fixture_build(fixture, &size);
    struct aft_zip zip;
    unpack(&zip, bytes, size);
    put("archive", seed, bytes, size);
    FILE *forgery = create("forgery", seed);
    FILE *torch = create("torch", seed);
    for (size_t i = 0; i < zip.n; i++) {
        const struct aft_zip_member *member = &zip.members[i];
        if (strstr(member->name, ".pth") != NULL) {
            pack_inner(forgery, member, seed);
            pack_inner(torch, member, seed);
            continue;
        }
        (void)fprintf(forgery, "@@%s\n", member->name);
        (void)fwrite(member->bytes, 1, member->size, forgery);
        (void)fputc('\n', forgery);
    }
    (void)fclose(forgery);
    (void)fclose(torch);
    aft_zip_clear(&zip);
    free(bytes);
}

static void without_moments(struct fixture *fixture)
{
    for (int i = 0; i < fixture->content.n_tensors; i++) {
        fixture->tensors[i].exp_avg = NULL;
        fixture->tensors[i].exp_avg_sq = NULL;
    }
    fixture->content.counters.adam_step = 0;
}

/* A tensor of 2 x 3 that lies in its storage by columns, behind one float. The storage
 * stands in memo 7 from the second time on. */
static void tensor_by_columns(struct aft_pickle_writer *pickle, bool first)
{
    aft_pickle_global(pickle, "torch._utils", "_rebuild_tensor_v2");
    aft_pickle_ops(pickle, "(");
    if (first) {
        aft_pickle_ops(pickle, "(");
        aft_pickle_text(pickle, "storage");
        aft_pickle_global(pickle, "torch", "FloatStorage");
        aft_pickle_text(pickle, "0");
        aft_pickle_text(pickle, "cpu");
        aft_pickle_integer(pickle, 7);
        aft_pickle_ops(pickle, "tQq\7");
    } else {
        aft_pickle_ops(pickle, "h\7");
    }
    aft_pickle_integer(pickle, 1);
    aft_pickle_ops(pickle, "K\2K\3\x86K\1K\2\x86\x89"); /* (2, 3), (1, 2), False */
    aft_pickle_global(pickle, "collections", "OrderedDict");
    aft_pickle_ops(pickle, ")RtR");
}

static void policy_by_columns(struct aft_pickle_writer *pickle)
{
    aft_pickle_start(pickle);
    aft_pickle_ops(pickle, "}");
    for (int i = 0; i < 2; i++) {
        aft_pickle_text(pickle, i == 0 ? "a" : "b");
        tensor_by_columns(pickle, i == 0);
        aft_pickle_ops(pickle, "s");
    }
    aft_pickle_ops(pickle, ".");
}

/* Steps are integers, as before torch 1.12; items are set one by one. */
static void adam_by_columns(struct aft_pickle_writer *pickle)
{
    aft_pickle_start(pickle);
    aft_pickle_ops(pickle, "}");
    aft_pickle_text(pickle, "state");
    aft_pickle_ops(pickle, "}");
    for (int i = 0; i < 2; i++) {
        aft_pickle_integer(pickle, i);
        aft_pickle_ops(pickle, "}");
        aft_pickle_text(pickle, "step");
        aft_pickle_ops(pickle, "\x8a\1\x50s"); /* 80, as LONG1 */
        aft_pickle_text(pickle, "exp_avg");
        tensor_by_columns(pickle, i == 0);
        aft_pickle_ops(pickle, "s");
        aft_pickle_text(pickle, "exp_avg_sq");
        tensor_by_columns(pickle, false);
        aft_pickle_ops(pickle, "ss");
    }
    aft_pickle_ops(pickle, "s");
    aft_pickle_text(pickle, "param_groups");
    aft_pickle_ops(pickle, "]}");
    aft_pickle_text(pickle, "lr");
    aft_pickle_real(pickle, 0.5);
    aft_pickle_ops(pickle, "s");
    aft_pickle_text(pickle, "eps");
    aft_pickle_real(pickle, 0.5);
    aft_pickle_ops(pickle, "s");
    aft_pickle_text(pickle, "params");
    aft_pickle_ops(pickle, "]K\1aK\2asas.");
}

static void put_by_columns(FILE *pack, const char *outer,
                           void (*write)(struct aft_pickle_writer *pickle))
{
    static const float floats[7] = {9.0F, 1.0F, 4.0F, 2.0F, 5.0F, 3.0F, 6.0F};
    struct aft_pickle_writer pickle = {0};
    char name[64];
    write(&pickle);
    (void)snprintf(name, sizeof name, "columns-%s", outer);
    put("pickle", name, pickle.bytes, pickle.size);
    (void)fprintf(pack, "@@%s!archive/data.pkl\n", outer);
    (void)fwrite(pickle.bytes, 1, pickle.size, pack);
    (void)fprintf(pack, "\n@@%s!archive/byteorder\nlittle\n@@%s!archive/data/0\n", outer, outer);
    (void)fwrite(floats, sizeof *floats, 7, pack);
    (void)fputc('\n', pack);
    free(pickle.bytes);
}

/* What torch may write and our writer does not. */
static void write_by_columns(const char *target)
{
    FILE *pack = create(target, "columns");
    (void)fputs(
        "@@manifest.json\n{\"format\": 1, \"kind\": \"best\", \"counters\": {\"stage\": 1, "
        "\"steps\": 1, \"total_steps\": 1, \"iterations\": 1, \"episodes\": 1, "
        "\"updates\": 1, \"adam_step\": 80}}\n@@~state.bin\nzzzzzzzzzz\n",
        pack);
    put_by_columns(pack, AFT_MEMBER_POLICY, policy_by_columns);
    put_by_columns(pack, AFT_MEMBER_OPTIMIZER, adam_by_columns);
    (void)fclose(pack);
}

/* The keys of `data` that are read, so that mutations hit what matters. */
static struct aft_json *what_is_read(const struct aft_json *data)
{
    static const char *const keys[] = {
        "clip_range",         "n_epochs",     "gae_lambda",        "use_sde",      "num_timesteps",
        "_last_original_obs", "policy_class", "observation_space", "action_space", "policy_kwargs"};
    static const char *const left_out[] = {":serialized:", "__doc__", "__init__"};
    struct aft_json *kept = aft_json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct aft_json *value = aft_json_get(data, keys[i]);
        if (value == NULL || !aft_json_is_object(value)) {
            aft_json_set(kept, keys[i], value == NULL ? NULL : aft_json_copy(value));
            continue;
        }
        struct aft_json *part = aft_json_object();
        for (size_t k = 0; k < aft_json_length(value); k++) {
            const struct aft_json *inner = NULL;
            const char *name = aft_json_key_at(value, k, &inner);
            const char *text = aft_json_string_value(inner, "");
            bool is_code = strncmp(text, "<function", 9) == 0;
            for (size_t j = 0; j < sizeof left_out / sizeof *left_out; j++) {
                is_code = is_code || strcmp(name, left_out[j]) == 0;
            }
            if (!is_code) {
                aft_json_set(part, name, aft_json_copy(inner));
            }
        }
        aft_json_set(kept, keys[i], part);
    }
    return kept;
}

static void pack_data(FILE *pack, const struct aft_zip_member *member)
{
    struct aft_json *data = NULL;
    char *text = NULL;
    size_t size = 0;
    struct aft_error error = {0};
    if (aft_json_parse(&data, member->bytes, member->size, "data", &error) == AFT_OK) {
        struct aft_json *kept = what_is_read(data);
        (void)aft_json_write(&text, &size, kept, false, &error);
        aft_json_destroy(kept);
        aft_json_destroy(data);
    }
    if (text == NULL) {
        (void)fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    (void)fprintf(pack, "@@data\n%.*s\n", (int)size, text);
    free(text);
}

static void write_sb3_seed(const char *folder, const char *fixture)
{
    char path[PATH_MAX], seed[64];
    char *bytes = NULL;
    size_t size = 0;
    struct aft_error error = {0};
    struct aft_zip zip;
    (void)snprintf(path, sizeof path, "%s/%s.zip", folder, fixture);
    (void)snprintf(seed, sizeof seed, "sb3-%s", fixture);
    if (aft_file_read(&bytes, &size, path, 1 << 24, &error) != AFT_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    unpack(&zip, bytes, size);
    FILE *pack = create("sb3", seed);
    for (size_t i = 0; i < zip.n; i++) {
        const struct aft_zip_member *member = &zip.members[i];
        if (strstr(member->name, ".pth") != NULL) {
            pack_inner(pack, member, strcmp(fixture, "list") == 0 ? seed : NULL);
        } else if (strcmp(member->name, AFT_MEMBER_DATA) == 0) {
            pack_data(pack, member);
        } else if (strcmp(member->name, AFT_MEMBER_SB3_VERSION) == 0) {
            (void)fprintf(pack, "@@%s\n%.*s\n", member->name, (int)member->size, member->bytes);
        }
    }
    (void)fclose(pack);
    aft_zip_clear(&zip);
    free(bytes);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: %s FOLDER FIXTURES\n", argv[0]);
        return 2;
    }
    corpus = argv[1];
    write_sb3_seed(argv[2], "list");
    write_sb3_seed(argv[2], "old-style-list");
    write_sb3_seed(argv[2], "refused-two-networks");
    write_sb3_seed(argv[2], "refused-no-layers");
    write_sb3_seed(argv[2], "refused-weight-decay");
    write_sb3_seed(argv[2], "refused-dict");
    struct fixture fixture;
    fixture_init(&fixture, 1);
    write_seeds("stage", &fixture);
    fixture.content.kind = AFT_ARCHIVE_INTERRUPTED;
    fixture.content.n_tensors = 2;
    fixture.content.n_members = 0;
    write_seeds("interrupted", &fixture);
    fixture.content.kind = AFT_ARCHIVE_CHECKPOINT;
    fixture.floats[fixture.n_floats + 1] = (float)NAN;
    write_seeds("not_finite", &fixture);
    fixture.content.kind = AFT_ARCHIVE_ERROR;
    without_moments(&fixture);
    write_seeds("error", &fixture);
    fixture_clear(&fixture);
    write_by_columns("forgery");
    write_by_columns("torch");
    return 0;
}
