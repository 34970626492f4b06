#include "recovery/archive.h"

#include "base/file.h"
#include "recovery/archive_parts.h"
#include "recovery/sb3_data.h"
#include "recovery/torch_file.h"
#include "recovery/zip_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OWNED = 8 };

struct draft { /* the members collected so far */
    size_t n;
    struct aft_zip_entry entries[AFT_MAX_MEMBERS];
    int n_owned;
    char *owned[MAX_OWNED];
};

/* Text shrinks; floats do not, and torch wants its zips stored. */
static bool worth_deflating(const char *name)
{
    static const char *const endings[] = {".json", ".ini", ".csv", ".txt", "data"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length >= ending && strcmp(name + length - ending, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum aft_code add(struct draft *draft, const char *name, const void *bytes, size_t size,
                         struct aft_error *error)
{
    size_t length = strlen(name);
    if (length == 0 || length > AFT_MAX_MEMBER_NAME || strpbrk(name, "/\\") != NULL ||
        strstr(name, "..") != NULL) {
        return aft_fail(error, AFT_ERR_USAGE, "build an archive: odd member name '%.100s'", name);
    }
    if (draft->n == AFT_MAX_MEMBERS) {
        return aft_fail(error, AFT_ERR_USAGE, "build an archive: more than %d members",
                        (int)AFT_MAX_MEMBERS);
    }
    for (size_t i = 0; i < draft->n; i++) {
        if (strcmp(draft->entries[i].name, name) == 0) {
            return aft_fail(error, AFT_ERR_USAGE, "build an archive: two members called '%s'",
                            name);
        }
    }
    draft->entries[draft->n++] = (struct aft_zip_entry){
        .name = name, .bytes = bytes, .size = size, .deflate = worth_deflating(name)};
    return AFT_OK;
}

/* Takes the bytes over. */
static enum aft_code add_owned(struct draft *draft, const char *name, char *bytes, size_t size,
                               struct aft_error *error)
{
    draft->owned[draft->n_owned++] = bytes;
    return add(draft, name, bytes, size, error);
}

static enum aft_code add_tensors(struct draft *draft, const struct aft_archive_content *content,
                                 struct aft_error *error)
{
    const struct aft_torch_adam adam = {.learning_rate = content->sb3.learning_rate,
                                        .eps = content->sb3.adam_eps,
                                        .step = content->counters.adam_step};
    char *bytes;
    size_t size;
    enum aft_code code = aft_torch_write_empty(&bytes, &size, error);
    if (code == AFT_OK) {
        code = add_owned(draft, AFT_MEMBER_VARIABLES, bytes, size, error);
    }
    if (code == AFT_OK) {
        code = aft_torch_write_policy(&bytes, &size, content->tensors, content->n_tensors, error);
    }
    if (code == AFT_OK) {
        code = add_owned(draft, AFT_MEMBER_POLICY, bytes, size, error);
    }
    if (code == AFT_OK) {
        code =
            aft_torch_write_adam(&bytes, &size, content->tensors, content->n_tensors, &adam, error);
    }
    if (code == AFT_OK) {
        code = add_owned(draft, AFT_MEMBER_OPTIMIZER, bytes, size, error);
    }
    return code;
}

static enum aft_code add_sb3(struct draft *draft, const struct aft_archive_content *content,
                             struct aft_error *error)
{
    static const char system_info[] =
        "- Written by: Aftershock " AFT_VERSION "\n- Stable-Baselines3: " AFT_SB3_VERSION
        " (the format; it took no part)\n";
    char *data;
    size_t size;
    enum aft_code code = aft_sb3_data_write(&data, &size, &content->sb3, &content->counters, error);
    if (code == AFT_OK) {
        code = add_owned(draft, AFT_MEMBER_DATA, data, size, error);
    }
    if (code == AFT_OK) {
        code = add_tensors(draft, content, error);
    }
    if (code == AFT_OK) {
        code =
            add(draft, AFT_MEMBER_SB3_VERSION, AFT_SB3_VERSION, sizeof AFT_SB3_VERSION - 1, error);
    }
    if (code == AFT_OK) {
        code = add(draft, AFT_MEMBER_SYSTEM_INFO, system_info, sizeof system_info - 1, error);
    }
    for (int i = 0; i < content->n_members && code == AFT_OK; i++) {
        const struct aft_archive_member *member = &content->members[i];
        code = add(draft, member->name, member->bytes, member->size, error);
    }
    return code;
}

static struct aft_json *counters_json(const struct aft_archive_counters *counters)
{
    struct aft_json *object = aft_json_object();
    for (size_t i = 0; i < AFT_COUNTER_FIELDS; i++) {
        int64_t number;
        memcpy(&number, (const char *)counters + aft_counter_fields[i].offset, sizeof number);
        aft_json_set_integer(object, aft_counter_fields[i].key, number);
    }
    return object;
}

static struct aft_json *member_hashes(const struct draft *draft)
{
    struct aft_json *hashes = aft_json_object();
    for (size_t i = 0; i < draft->n; i++) {
        char hex[AFT_SHA256_HEX_SIZE];
        aft_sha256_hex(draft->entries[i].bytes, draft->entries[i].size, hex);
        aft_json_set_string(hashes, draft->entries[i].name, hex);
    }
    return hashes;
}

static bool writer_adds(const char *key)
{
    static const char *const keys[] = {"format",         "kind",    "counters",
                                       "weights_sha256", "members", "training_state_sha256"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum aft_code add_manifest(struct draft *draft, const struct aft_archive_content *content,
                                  struct aft_error *error)
{
    struct aft_json *manifest = aft_json_object();
    aft_json_set_integer(manifest, "format", AFT_ARCHIVE_FORMAT_VERSION);
    aft_json_set_string(manifest, "kind", aft_archive_kind_name(content->kind));
    for (size_t i = 0; i < aft_json_length(content->manifest); i++) {
        const struct aft_json *value;
        const char *key = aft_json_key_at(content->manifest, i, &value);
        if (key != NULL && !writer_adds(key)) {
            aft_json_set(manifest, key, aft_json_copy(value));
        }
    }
    char hex[AFT_SHA256_HEX_SIZE];
    aft_json_set(manifest, "counters", counters_json(&content->counters));
    aft_archive_weights_sha256(hex, content->tensors, content->n_tensors);
    aft_json_set_string(manifest, "weights_sha256", hex);
    aft_archive_state_sha256(hex, content->tensors, content->n_tensors, &content->counters);
    aft_json_set_string(manifest, "training_state_sha256", hex);
    aft_json_set(manifest, "members", member_hashes(draft));
    char *text;
    size_t size;
    enum aft_code code = aft_json_write(&text, &size, manifest, true, error);
    aft_json_destroy(manifest);
    return code == AFT_OK ? add_owned(draft, AFT_MEMBER_MANIFEST, text, size, error) : code;
}

/* The comment's length stands just before it, and so under the digest. */
static enum aft_code append_digest(char **bytes, size_t *size, struct aft_error *error)
{
    char *grown = realloc(*bytes, *size + AFT_COMMENT_SIZE + 1);
    if (grown == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "build an archive: no memory for its digest");
    }
    grown[*size - 2] = (char)AFT_COMMENT_SIZE;
    grown[*size - 1] = 0;
    char hex[AFT_SHA256_HEX_SIZE];
    aft_sha256_hex(grown, *size, hex);
    (void)snprintf(grown + *size, AFT_COMMENT_SIZE + 1, "%s%s", AFT_COMMENT_PREFIX, hex);
    *bytes = grown;
    *size += AFT_COMMENT_SIZE;
    return AFT_OK;
}

static enum aft_code pack(char **bytes, size_t *size, const struct draft *draft,
                          struct aft_error *error)
{
    size_t total = 0;
    for (size_t i = 0; i < draft->n; i++) {
        total += draft->entries[i].size;
    }
    char *packed;
    size_t packed_size;
    enum aft_code code = aft_zip_write(&packed, &packed_size, draft->entries, draft->n, error);
    if (code != AFT_OK) {
        return code;
    }
    if (packed_size > AFT_ARCHIVE_SIZE_LIMIT - AFT_COMMENT_SIZE ||
        total > aft_archive_unpacked_limit(packed_size)) {
        free(packed);
        return aft_fail(error, AFT_ERR_USAGE, "build an archive: %zu bytes are too many", total);
    }
    code = append_digest(&packed, &packed_size, error);
    if (code != AFT_OK) {
        free(packed);
        return code;
    }
    *bytes = packed;
    *size = packed_size;
    return AFT_OK;
}

enum aft_code aft_archive_build(char **bytes, size_t *size,
                                const struct aft_archive_content *content, struct aft_error *error)
{
    struct draft *draft = calloc(1, sizeof *draft);
    if (draft == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "build an archive: no memory");
    }
    enum aft_code code = add_sb3(draft, content, error);
    if (code == AFT_OK) {
        code = add_manifest(draft, content, error);
    }
    if (code == AFT_OK) {
        code = pack(bytes, size, draft, error);
    }
    for (int i = 0; i < draft->n_owned; i++) {
        free(draft->owned[i]);
    }
    free(draft);
    return code;
}

/* Bytes that would not verify never replace a file: they are verified before
 * they are written, and what was written is then compared with them. */
enum aft_code aft_archive_publish(const char *path, const void *bytes, size_t size,
                                  struct aft_error *error)
{
    struct aft_archive *archive = NULL;
    enum aft_code code = aft_archive_open_bytes(&archive, bytes, size, path, error);
    aft_archive_close(archive);
    if (code == AFT_OK) {
        code = aft_file_publish(path, bytes, size, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    char *read_back;
    size_t read_size;
    code = aft_file_read(&read_back, &read_size, path, AFT_ARCHIVE_SIZE_LIMIT, error);
    if (code != AFT_OK) {
        return code;
    }
    if (read_size != size || memcmp(read_back, bytes, size) != 0) {
        code = aft_fail(error, AFT_ERR_CORRUPT,
                        "read back '%s': the file does not hold what was written", path);
    }
    free(read_back);
    return code;
}
