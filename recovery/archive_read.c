#include "recovery/archive.h"

#include "base/file.h"
#include "base/path.h"
#include "recovery/archive_parts.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static enum aft_code bad(struct aft_error *error, const char *cause)
{
    return aft_fail(error, AFT_ERR_CORRUPT, "%s", cause);
}

bool aft_archive_has_digest(const char *bytes, size_t size)
{
    return size >= AFT_ZIP_END_SIZE + AFT_COMMENT_SIZE &&
           memcmp(bytes + size - AFT_COMMENT_SIZE, AFT_COMMENT_PREFIX, AFT_COMMENT_PREFIX_SIZE) ==
               0;
}

static enum aft_code check_digest(const char *bytes, size_t size, struct aft_error *error)
{
    if (size < AFT_ZIP_END_SIZE + AFT_COMMENT_SIZE) {
        return aft_fail(error, AFT_ERR_CORRUPT, "only %zu bytes long: truncated", size);
    }
    size_t covered = size - AFT_COMMENT_SIZE;
    const char *comment = bytes + covered;
    const char *end_record = comment - AFT_ZIP_END_SIZE;
    if (!aft_archive_has_digest(bytes, size)) {
        return bad(error, "no digest at its end: truncated, or not an Aftershock archive");
    }
    char hex[AFT_SHA256_HEX_SIZE];
    aft_sha256_hex(bytes, covered, hex);
    if (memcmp(comment + AFT_COMMENT_PREFIX_SIZE, hex, AFT_SHA256_HEX_SIZE - 1) != 0) {
        return bad(error,
                   "digest of the file does not match: a bit was flipped or it was truncated");
    }
    /* So that what the digest covers is what zip readers see. */
    if (memcmp(end_record, "PK\5\6", 4) != 0 || comment[-2] != (char)AFT_COMMENT_SIZE ||
        comment[-1] != 0) {
        return bad(error, "the digest is not the comment of a zip");
    }
    return AFT_OK;
}

enum { MANIFEST_LIMIT = 4 << 20 }; /* parsed, JSON takes some 70 times its size */

static enum aft_code parse_manifest(struct aft_archive *archive, struct aft_error *error)
{
    const struct aft_zip_member *member = aft_zip_find(&archive->zip, AFT_MEMBER_MANIFEST);
    if (member == NULL) {
        return bad(error, "it has no " AFT_MEMBER_MANIFEST);
    }
    if (member->size > MANIFEST_LIMIT) {
        return bad(error, "its manifest is absurdly long");
    }
    enum aft_code code =
        aft_json_parse(&archive->manifest, member->bytes, member->size, AFT_MEMBER_MANIFEST, error);
    if (code != AFT_OK) {
        return code == AFT_ERR_MEMORY
                   ? code
                   : aft_fail(error, AFT_ERR_CORRUPT, AFT_MEMBER_MANIFEST " is not JSON");
    }
    int64_t format = aft_json_get_integer(archive->manifest, "format", 0);
    if (format > AFT_ARCHIVE_FORMAT_VERSION) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "format %" PRId64 " is newer than this program, which knows format %d",
                        format, (int)AFT_ARCHIVE_FORMAT_VERSION);
    }
    if (format != AFT_ARCHIVE_FORMAT_VERSION) {
        return bad(error, "the manifest states no format");
    }
    archive->kind = aft_archive_kind_of_name(aft_json_get_string(archive->manifest, "kind", NULL));
    return archive->kind != AFT_ARCHIVE_UNKNOWN ? AFT_OK
                                                : bad(error, "the manifest states no known kind");
}

static enum aft_code parse_counters(struct aft_archive *archive, struct aft_error *error)
{
    const struct aft_json *counters = aft_json_get(archive->manifest, "counters");
    for (size_t i = 0; i < AFT_COUNTER_FIELDS; i++) {
        const struct aft_counter_field *field = &aft_counter_fields[i];
        int64_t number = aft_json_get_integer(counters, field->key, -1);
        if (number < 0) {
            return aft_fail(error, AFT_ERR_CORRUPT, "the manifest's counter '%s' is no count",
                            field->key);
        }
        memcpy((char *)&archive->counters + field->offset, &number, sizeof number);
    }
    return AFT_OK;
}

enum aft_code aft_archive_hash_members(struct aft_archive *archive, struct aft_error *error)
{
    const struct aft_zip *zip = &archive->zip;
    archive->member_hashes = calloc(zip->n, sizeof *archive->member_hashes);
    if (archive->member_hashes == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "no memory for hashes");
    }
    for (size_t i = 0; i < zip->n; i++) {
        const struct aft_zip_member *member = &zip->members[i];
        aft_sha256_hex(member->bytes, member->size, archive->member_hashes[i]);
    }
    return AFT_OK;
}

static enum aft_code check_members(const struct aft_archive *archive, struct aft_error *error)
{
    const struct aft_json *listed = aft_json_get(archive->manifest, "members");
    const struct aft_zip *zip = &archive->zip;
    for (size_t i = 0; i < zip->n; i++) {
        const struct aft_zip_member *member = &zip->members[i];
        if (strcmp(member->name, AFT_MEMBER_MANIFEST) == 0) {
            continue; /* it cannot hold its own hash; the file's digest covers it */
        }
        const char *expected = aft_json_get_string(listed, member->name, NULL);
        if (expected == NULL) {
            return aft_fail(error, AFT_ERR_CORRUPT, "the manifest does not list member '%s'",
                            member->name);
        }
        if (strcmp(expected, archive->member_hashes[i]) != 0) {
            return aft_fail(error, AFT_ERR_CORRUPT, "member '%s' does not have its SHA-256",
                            member->name);
        }
    }
    if (!aft_json_is_object(listed) || aft_json_length(listed) != zip->n - 1) {
        return bad(error, "a member that the manifest lists is missing");
    }
    return AFT_OK;
}

/* By the exponent's bits: an integer reduction is vectorised, a float one is not. */
static bool all_finite(const float *floats, size_t count)
{
    const uint32_t exponent = 0x7f800000U;
    uint32_t found = 0;
    for (size_t i = 0; floats != NULL && i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &floats[i], sizeof bits);
        found |= (uint32_t)((bits & exponent) == exponent);
    }
    return found == 0;
}

static enum aft_code check_finite(const struct aft_archive *archive, struct aft_error *error)
{
    for (int i = 0; i < archive->tensors.n; i++) {
        const struct aft_archive_tensor *tensor = &archive->tensors.tensor[i];
        if (!all_finite(tensor->value, tensor->count)) {
            return aft_fail(error, AFT_ERR_CORRUPT, "weights '%s' are not finite", tensor->name);
        }
        if (!all_finite(tensor->exp_avg, tensor->count) ||
            !all_finite(tensor->exp_avg_sq, tensor->count)) {
            return aft_fail(error, AFT_ERR_CORRUPT, "moments of '%s' are not finite", tensor->name);
        }
    }
    return AFT_OK;
}

static enum aft_code in_member(enum aft_code code, const char *name, struct aft_error *error)
{
    if (code != AFT_OK && error != NULL) {
        struct aft_error cause = *error;
        return aft_fail(error, code, "member '%s': %.200s", name, cause.message);
    }
    return code;
}

enum aft_code aft_archive_read_tensors(struct aft_archive *archive, struct aft_torch_adam *adam,
                                       struct aft_error *error)
{
    const struct aft_zip_member *policy = aft_zip_find(&archive->zip, AFT_MEMBER_POLICY);
    const struct aft_zip_member *optimizer = aft_zip_find(&archive->zip, AFT_MEMBER_OPTIMIZER);
    memset(adam, 0, sizeof *adam);
    if (policy == NULL) {
        return bad(error, "it has no " AFT_MEMBER_POLICY);
    }
    enum aft_code code =
        aft_torch_read_policy(&archive->tensors, policy->bytes, policy->size, error);
    if (code != AFT_OK) {
        return in_member(code, AFT_MEMBER_POLICY, error);
    }
    if (optimizer != NULL) {
        code =
            aft_torch_read_adam(&archive->tensors, adam, optimizer->bytes, optimizer->size, error);
    }
    if (code != AFT_OK) {
        return in_member(code, AFT_MEMBER_OPTIMIZER, error);
    }
    return check_finite(archive, error);
}

static enum aft_code read_tensors(struct aft_archive *archive, struct aft_error *error)
{
    if (aft_zip_find(&archive->zip, AFT_MEMBER_OPTIMIZER) == NULL) {
        return bad(error, "it has no " AFT_MEMBER_OPTIMIZER);
    }
    struct aft_torch_adam adam;
    enum aft_code code = aft_archive_read_tensors(archive, &adam, error);
    if (code != AFT_OK) {
        return code;
    }
    bool has_moments = archive->tensors.n > 0 && archive->tensors.tensor[0].exp_avg != NULL;
    if (has_moments && (float)adam.step != (float)archive->counters.adam_step) {
        return bad(error, "the optimizer's step is not the manifest's");
    }
    return AFT_OK;
}

enum aft_code aft_archive_hash_state(struct aft_archive *archive, struct aft_error *error)
{
    const struct aft_torch_tensors *tensors = &archive->tensors;
    aft_archive_weights_sha256(archive->weights_hash, tensors->tensor, tensors->n);
    aft_archive_state_sha256(archive->state_hash, tensors->tensor, tensors->n, &archive->counters);
    if (archive->weights_hash[0] == '\0' || archive->state_hash[0] == '\0') {
        return aft_fail(error, AFT_ERR_MEMORY, "no memory for hashes");
    }
    return AFT_OK;
}

static enum aft_code check_hashes(struct aft_archive *archive, struct aft_error *error)
{
    enum aft_code code = aft_archive_hash_state(archive, error);
    const char *weights = aft_json_get_string(archive->manifest, "weights_sha256", "");
    const char *state = aft_json_get_string(archive->manifest, "training_state_sha256", "");
    if (code == AFT_OK &&
        (strcmp(weights, archive->weights_hash) != 0 || strcmp(state, archive->state_hash) != 0)) {
        return bad(error, "weights or optimizer state do not have the manifest's SHA-256");
    }
    return code;
}

static enum aft_code read_verified(struct aft_archive *archive, const void *bytes, size_t size,
                                   struct aft_error *error)
{
    const struct aft_zip_limits limits = {.members = AFT_MAX_MEMBERS,
                                          .total = aft_archive_unpacked_limit(size)};
    enum aft_code code = check_digest(bytes, size, error);
    if (code == AFT_OK) {
        code = aft_zip_read(&archive->zip, bytes, size, &limits, error);
    }
    if (code == AFT_OK) {
        code = parse_manifest(archive, error);
    }
    if (code == AFT_OK) {
        code = aft_archive_hash_members(archive, error);
    }
    if (code == AFT_OK) {
        code = check_members(archive, error);
    }
    if (code == AFT_OK) {
        code = parse_counters(archive, error);
    }
    if (code == AFT_OK) {
        code = read_tensors(archive, error);
    }
    return code == AFT_OK ? check_hashes(archive, error) : code;
}

enum aft_code aft_archive_read_bytes(struct aft_archive **archive, const void *bytes, size_t size,
                                     struct aft_error *error)
{
    struct aft_archive *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "no memory");
    }
    enum aft_code code = read_verified(opened, bytes, size, error);
    if (code != AFT_OK) {
        aft_archive_close(opened);
        return code;
    }
    *archive = opened;
    return AFT_OK;
}

/* a long folder must not push the cause out of the message */
static enum aft_code fail_opening(enum aft_code code, const char *what,
                                  const struct aft_error *cause, struct aft_error *error)
{
    const char *name = strlen(what) > 100 ? aft_path_name(what) : what;
    return aft_fail(error, code, "open archive '%.100s': %.140s", name, cause->message);
}

enum aft_code aft_archive_open_bytes(struct aft_archive **archive, const void *bytes, size_t size,
                                     const char *what, struct aft_error *error)
{
    struct aft_error cause = {0};
    enum aft_code code = aft_archive_read_bytes(archive, bytes, size, &cause);
    return code == AFT_OK ? AFT_OK : fail_opening(code, what, &cause, error);
}

enum aft_code aft_archive_open(struct aft_archive **archive, const char *path,
                               struct aft_error *error)
{
    char *bytes;
    size_t size;
    enum aft_code code = aft_file_read(&bytes, &size, path, AFT_ARCHIVE_SIZE_LIMIT, error);
    if (code == AFT_OK) {
        code = aft_archive_open_bytes(archive, bytes, size, path, error);
        free(bytes);
    }
    return code;
}

enum aft_code aft_archive_open_any(struct aft_archive **archive, const char *path,
                                   struct aft_error *error)
{
    char *bytes;
    size_t size;
    struct aft_error cause = {0};
    enum aft_code code = aft_file_read(&bytes, &size, path, AFT_ARCHIVE_SIZE_LIMIT, error);
    if (code != AFT_OK) {
        return code;
    }
    code = aft_archive_read_any_bytes(archive, bytes, size, &cause);
    free(bytes);
    return code == AFT_OK ? AFT_OK : fail_opening(code, path, &cause, error);
}

void aft_archive_close(struct aft_archive *archive)
{
    if (archive != NULL) {
        aft_json_destroy(archive->manifest);
        aft_torch_tensors_clear(&archive->tensors);
        aft_zip_clear(&archive->zip);
        free(archive->member_hashes);
        free(archive);
    }
}

enum aft_archive_kind aft_archive_kind(const struct aft_archive *archive)
{
    return archive->kind;
}

const struct aft_json *aft_archive_manifest(const struct aft_archive *archive)
{
    return archive->manifest;
}

const struct aft_archive_counters *aft_archive_counters(const struct aft_archive *archive)
{
    return &archive->counters;
}

int aft_archive_tensors(const struct aft_archive *archive,
                        const struct aft_archive_tensor **tensors)
{
    *tensors = archive->tensors.tensor;
    return archive->tensors.n;
}

const struct aft_sb3_model *aft_archive_sb3_model(const struct aft_archive *archive)
{
    return archive->kind == AFT_ARCHIVE_SB3 ? &archive->sb3 : NULL;
}

const char *aft_archive_weights_hash(const struct aft_archive *archive)
{
    return archive->weights_hash;
}

const char *aft_archive_state_hash(const struct aft_archive *archive)
{
    return archive->state_hash;
}

int aft_archive_member_count(const struct aft_archive *archive)
{
    return (int)archive->zip.n;
}

bool aft_archive_member_at(const struct aft_archive *archive, int index,
                           struct aft_archive_member *member, char hex[AFT_SHA256_HEX_SIZE])
{
    if (index < 0 || (size_t)index >= archive->zip.n) {
        return false;
    }
    const struct aft_zip_member *found = &archive->zip.members[index];
    *member = (struct aft_archive_member){
        .name = found->name, .bytes = found->bytes, .size = found->size};
    if (hex != NULL) {
        memcpy(hex, archive->member_hashes[index], AFT_SHA256_HEX_SIZE);
    }
    return true;
}

const void *aft_archive_member(const struct aft_archive *archive, const char *name, size_t *size)
{
    const struct aft_zip_member *found = aft_zip_find(&archive->zip, name);
    if (found == NULL) {
        return NULL;
    }
    *size = found->size;
    return found->bytes;
}
