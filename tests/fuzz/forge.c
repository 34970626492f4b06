#include "forge.h"

#include "fuzz.h"
#include "recovery/archive_parts.h"
#include "recovery/zip_bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_HEADER = 30, /* sizes of a zip's records without their names, … */
    CENTRAL_HEADER = 46,
    MAX_DEPTH = 2,
};

static size_t number(const uint8_t *bytes, int n_bytes)
{
    size_t value = 0;
    for (int i = n_bytes; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1U) != 0 ? crc >> 1 ^ 0xEDB88320U : crc >> 1;
        }
    }
    return ~crc;
}

static void forge_level(uint8_t *zip, size_t size, int depth);

/* The member that a central header speaks of. */
static void forge_member(uint8_t *zip, size_t size, uint8_t *central, int depth)
{
    size_t packed = number(central + 20, 4);
    size_t offset = number(central + 42, 4);
    if (number(central + 10, 2) != 0 || offset > size || size - offset < LOCAL_HEADER) {
        return;
    }
    uint8_t *local = zip + offset;
    size_t start = offset + LOCAL_HEADER + number(local + 26, 2) + number(local + 28, 2);
    if (memcmp(local, "PK\3\4", 4) != 0 || start > size || packed > size - start) {
        return;
    }
    if (depth < MAX_DEPTH && packed > LOCAL_HEADER && memcmp(zip + start, "PK\3\4", 4) == 0) {
        forge_level(zip + start, packed, depth + 1);
    }
    uint32_t crc = crc32_of(zip + start, packed);
    for (int i = 0; i < 4; i++) {
        central[16 + i] = (uint8_t)(crc >> (8 * i));
        local[14 + i] = (uint8_t)(crc >> (8 * i));
    }
}

static void forge_level(uint8_t *zip, size_t size, int depth)
{
    size_t end = size < AFT_ZIP_END_SIZE ? 0 : size - AFT_ZIP_END_SIZE;
    while (end > 0 && memcmp(zip + end, "PK\5\6", 4) != 0) {
        end--;
    }
    size_t at = end > 0 ? number(zip + end + 16, 4) : end;
    while (at < end && end - at >= CENTRAL_HEADER && memcmp(zip + at, "PK\1\2", 4) == 0) {
        uint8_t *central = zip + at;
        at += CENTRAL_HEADER + number(central + 28, 2) + number(central + 30, 2) +
              number(central + 32, 2);
        forge_member(zip, size, central, depth);
    }
}

void forge_crcs(uint8_t *zip, size_t size)
{
    forge_level(zip, size, 0);
}

bool forge_digest(char *bytes, size_t size)
{
    if (size < AFT_COMMENT_SIZE) {
        return false;
    }
    char hex[AFT_SHA256_HEX_SIZE];
    size_t covered = size - AFT_COMMENT_SIZE;
    aft_sha256_hex(bytes, covered, hex);
    memcpy(bytes + covered, AFT_COMMENT_PREFIX, AFT_COMMENT_PREFIX_SIZE);
    memcpy(bytes + covered + AFT_COMMENT_PREFIX_SIZE, hex, AFT_SHA256_HEX_SIZE - 1);
    return true;
}

static void check_floats(const float *floats, size_t count)
{
    for (size_t i = 0; floats != NULL && i < count; i++) {
        FUZZ_CHECK(isfinite(floats[i]));
    }
}

static void check_tensors(const struct aft_archive *archive)
{
    const struct aft_archive_tensor *tensors = NULL;
    int n = aft_archive_tensors(archive, &tensors);
    FUZZ_CHECK(n >= 0 && n <= AFT_ARCHIVE_MAX_TENSORS);
    for (int i = 0; i < n; i++) {
        const struct aft_archive_tensor *tensor = &tensors[i];
        size_t count = 1;
        FUZZ_CHECK(tensor->n_dims >= 0 && tensor->n_dims <= 2);
        for (int d = 0; d < tensor->n_dims; d++) {
            FUZZ_CHECK(tensor->dims[d] >= 0);
            count *= (size_t)tensor->dims[d];
        }
        FUZZ_CHECK(count == tensor->count);
        FUZZ_CHECK(memchr(tensor->name, '\0', sizeof tensor->name) != NULL);
        FUZZ_CHECK(tensor->value != NULL);
        FUZZ_CHECK((tensor->exp_avg == NULL) == (tensors[0].exp_avg == NULL));
        FUZZ_CHECK((tensor->exp_avg_sq == NULL) == (tensors[0].exp_avg == NULL));
        check_floats(tensor->value, count);
        check_floats(tensor->exp_avg, count);
        check_floats(tensor->exp_avg_sq, count);
    }
    char hex[AFT_SHA256_HEX_SIZE];
    aft_archive_weights_sha256(hex, tensors, n);
    FUZZ_CHECK(strcmp(hex, aft_archive_weights_hash(archive)) == 0);
    aft_archive_state_sha256(hex, tensors, n, aft_archive_counters(archive));
    FUZZ_CHECK(strcmp(hex, aft_archive_state_hash(archive)) == 0);
}

static void check_members(const struct aft_archive *archive)
{
    struct aft_archive_member member;
    char hex[AFT_SHA256_HEX_SIZE];
    char again[AFT_SHA256_HEX_SIZE];
    int n = aft_archive_member_count(archive);
    for (int i = 0; i < n; i++) {
        size_t size = 0;
        FUZZ_CHECK(aft_archive_member_at(archive, i, &member, hex));
        FUZZ_CHECK(aft_archive_member(archive, member.name, &size) == member.bytes);
        FUZZ_CHECK(size == member.size);
        aft_sha256_hex(member.bytes, member.size, again);
        FUZZ_CHECK(strcmp(hex, again) == 0);
    }
    FUZZ_CHECK(!aft_archive_member_at(archive, n, &member, hex));
}

void forge_open(const char *bytes, size_t size)
{
    struct aft_archive *archive = NULL;
    struct aft_error error = {0};
    enum aft_code code = aft_archive_open_bytes(&archive, bytes, size, "fuzz.zip", &error);
    if (code != AFT_OK) {
        FUZZ_CHECK(archive == NULL);
        fuzz_check_failure(code, &error, AFT_ERR_CORRUPT, AFT_ERR_REFUSED);
        return;
    }
    FUZZ_CHECK(aft_archive_kind(archive) < AFT_ARCHIVE_UNKNOWN);
    FUZZ_CHECK(aft_json_is_object(aft_archive_manifest(archive)));
    check_members(archive);
    check_tensors(archive);
    aft_archive_close(archive);
}

static void check_model(const struct aft_archive *archive)
{
    const struct aft_sb3_model *model = aft_archive_sb3_model(archive);
    const struct aft_archive_counters *counters = aft_archive_counters(archive);
    FUZZ_CHECK(model != NULL && aft_archive_manifest(archive) == NULL);
    FUZZ_CHECK(model->version[0] == '2' && strlen(model->version) < sizeof model->version);
    FUZZ_CHECK(model->obs_dim > 0 && model->action_dim == 1);
    FUZZ_CHECK(model->n_layers >= 1 && model->n_layers <= AFT_ARCHIVE_MAX_LAYERS);
    FUZZ_CHECK(counters->total_steps == model->num_timesteps && model->num_timesteps >= 0);
    FUZZ_CHECK(counters->adam_step >= 0 && counters->stage == 0);
}

void forge_open_any(const char *bytes, size_t size)
{
    struct aft_archive *archive = NULL;
    struct aft_error error = {0};
    enum aft_code code = aft_archive_read_any_bytes(&archive, bytes, size, &error);
    if (code != AFT_OK) {
        FUZZ_CHECK(archive == NULL);
        fuzz_check_failure(code, &error, AFT_ERR_CORRUPT, AFT_ERR_REFUSED);
        return;
    }
    if (aft_archive_kind(archive) == AFT_ARCHIVE_SB3) {
        check_model(archive);
    }
    check_members(archive);
    check_tensors(archive);
    aft_archive_close(archive);
}

/* Where the next line "@@…" begins; the end where there is none. */
static const char *next_part(const char *at, const char *end)
{
    for (; end - at >= 3; at++) {
        if (memcmp(at, "\n@@", 3) == 0) {
            return at + 1;
        }
    }
    return end;
}

void forge_read_pack(struct forge_pack *pack, const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    const char *end = at + size;
    pack->n = 0;
    if (size < 3 || memcmp(at, "@@", 2) != 0) {
        return;
    }
    while (at < end && pack->n < FORGE_MAX_PARTS) {
        const char *next = next_part(at, end);
        const char *name = at + 2;
        const char *line = memchr(name, '\n', (size_t)(end - name));
        struct forge_part *part = &pack->parts[pack->n];
        part->deflate = name < next && *name == '~';
        name += part->deflate;
        if (line == NULL || line >= next || line - name >= FORGE_MAX_NAME || line < name) {
            return;
        }
        memcpy(part->name, name, (size_t)(line - name));
        part->name[line - name] = '\0';
        part->bytes = line + 1;
        part->size = (size_t)(next - part->bytes);
        part->size -= next < end && part->size > 0; /* the newline before "@@" */
        pack->n++;
        at = next;
    }
}

bool forge_inner_zip(char **bytes, size_t *size, const struct forge_pack *pack, const char *outer)
{
    struct aft_zip_entry entries[FORGE_MAX_PARTS];
    size_t n = 0;
    size_t length = strlen(outer);
    for (size_t i = 0; i < pack->n; i++) {
        const struct forge_part *part = &pack->parts[i];
        if (strncmp(part->name, outer, length) == 0 && part->name[length] == '!') {
            entries[n++] = (struct aft_zip_entry){.name = part->name + length + 1,
                                                  .bytes = part->bytes,
                                                  .size = part->size,
                                                  .deflate = part->deflate};
        }
    }
    return n > 0 && aft_zip_write(bytes, size, entries, n, NULL) == AFT_OK;
}

void forge_collect(struct forge_members *members, const struct forge_pack *pack)
{
    static const char *const outers[FORGE_INNERS] = {AFT_MEMBER_POLICY, AFT_MEMBER_OPTIMIZER,
                                                     AFT_MEMBER_VARIABLES};
    memset(members, 0, sizeof *members);
    for (size_t i = 0; i < pack->n; i++) {
        const struct forge_part *part = &pack->parts[i];
        if (strchr(part->name, '!') == NULL) {
            members->entries[members->n++] = (struct aft_zip_entry){.name = part->name,
                                                                    .bytes = part->bytes,
                                                                    .size = part->size,
                                                                    .deflate = part->deflate};
        }
    }
    for (size_t i = 0; i < FORGE_INNERS; i++) {
        size_t size = 0;
        if (forge_inner_zip(&members->inner[i], &size, pack, outers[i])) {
            members->entries[members->n++] =
                (struct aft_zip_entry){.name = outers[i], .bytes = members->inner[i], .size = size};
        }
    }
}

void forge_members_clear(struct forge_members *members)
{
    for (size_t i = 0; i < FORGE_INNERS; i++) {
        free(members->inner[i]);
    }
}
