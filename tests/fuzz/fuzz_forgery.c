/* The archive reader over whole forgeries: a pack (forge.h) becomes an archive in
 * which every hash, CRC and digest fits what the pack says. Only the manifest's
 * own keys, the pickles and the floats are left to be judged. */
#include "forge.h"
#include "fuzz.h"
#include "recovery/archive_parts.h"
#include "recovery/torch_file.h"
#include "recovery/zip_bytes.h"

#include <stdlib.h>
#include <string.h>

struct forgery {
    struct forge_pack pack;
    struct forge_members members;
    char *manifest;
    struct aft_zip_entry *manifest_entry; /* NULL: the pack has none */
};

static void collect(struct forgery *forgery)
{
    forge_collect(&forgery->members, &forgery->pack);
    for (size_t i = 0; i < forgery->members.n; i++) {
        if (strcmp(forgery->members.entries[i].name, AFT_MEMBER_MANIFEST) == 0) {
            forgery->manifest_entry = &forgery->members.entries[i];
        }
    }
}

/* JSON's keys are UTF-8; other names stay unlisted. */
static bool is_ascii(const char *name)
{
    while (*name != '\0' && (unsigned char)*name < 0x80) {
        name++;
    }
    return *name == '\0';
}

static struct aft_json *true_hashes(const struct forgery *forgery)
{
    struct aft_json *members = aft_json_object();
    for (size_t i = 0; i < forgery->members.n; i++) {
        const struct aft_zip_entry *entry = &forgery->members.entries[i];
        char hex[AFT_SHA256_HEX_SIZE];
        if (strcmp(entry->name, AFT_MEMBER_MANIFEST) != 0 && is_ascii(entry->name)) {
            aft_sha256_hex(entry->bytes, entry->size, hex);
            aft_json_set_string(members, entry->name, hex);
        }
    }
    return members;
}

static const struct aft_zip_entry *find(const struct forgery *forgery, const char *name)
{
    for (size_t i = 0; i < forgery->members.n; i++) {
        if (strcmp(forgery->members.entries[i].name, name) == 0) {
            return &forgery->members.entries[i];
        }
    }
    return NULL;
}

static void read_counters(struct aft_archive_counters *counters, const struct aft_json *manifest)
{
    const struct aft_json *object = aft_json_get(manifest, "counters");
    for (size_t i = 0; i < AFT_COUNTER_FIELDS; i++) {
        int64_t value = aft_json_get_integer(object, aft_counter_fields[i].key, -1);
        memcpy((char *)counters + aft_counter_fields[i].offset, &value, sizeof value);
    }
}

static void set_state_hashes(const struct forgery *forgery, struct aft_json *manifest)
{
    const struct aft_zip_entry *policy = find(forgery, AFT_MEMBER_POLICY);
    const struct aft_zip_entry *optimizer = find(forgery, AFT_MEMBER_OPTIMIZER);
    struct aft_torch_tensors tensors;
    struct aft_torch_adam adam;
    if (policy == NULL || optimizer == NULL ||
        aft_torch_read_policy(&tensors, policy->bytes, policy->size, NULL) != AFT_OK) {
        return;
    }
    if (aft_torch_read_adam(&tensors, &adam, optimizer->bytes, optimizer->size, NULL) == AFT_OK) {
        char hex[AFT_SHA256_HEX_SIZE];
        struct aft_archive_counters counters;
        read_counters(&counters, manifest);
        aft_archive_weights_sha256(hex, tensors.tensor, tensors.n);
        aft_json_set_string(manifest, "weights_sha256", hex);
        aft_archive_state_sha256(hex, tensors.tensor, tensors.n, &counters);
        aft_json_set_string(manifest, "training_state_sha256", hex);
    }
    aft_torch_tensors_clear(&tensors);
}

/* A manifest that is no JSON object stays as it is. */
static void make_honest(struct forgery *forgery)
{
    struct aft_zip_entry *entry = forgery->manifest_entry;
    struct aft_json *manifest = NULL;
    if (entry == NULL ||
        aft_json_parse(&manifest, entry->bytes, entry->size, "manifest", NULL) != AFT_OK) {
        return;
    }
    if (aft_json_is_object(manifest)) {
        aft_json_set(manifest, "members", true_hashes(forgery));
        set_state_hashes(forgery, manifest);
        if (aft_json_write(&forgery->manifest, &entry->size, manifest, false, NULL) == AFT_OK) {
            entry->bytes = forgery->manifest;
        }
    }
    aft_json_destroy(manifest);
}

static void pack_and_open(const struct forgery *forgery)
{
    char *zip = NULL;
    size_t size = 0;
    if (aft_zip_write(&zip, &size, forgery->members.entries, forgery->members.n, NULL) != AFT_OK) {
        return; /* two members of one name, or names that are no UTF-8 */
    }
    char *bytes = malloc(size + AFT_COMMENT_SIZE);
    FUZZ_CHECK(bytes != NULL && size >= AFT_ZIP_END_SIZE);
    memcpy(bytes, zip, size);
    bytes[size - 2] = (char)AFT_COMMENT_SIZE;
    FUZZ_CHECK(forge_digest(bytes, size + AFT_COMMENT_SIZE));
    forge_open(bytes, size + AFT_COMMENT_SIZE);
    free(bytes);
    free(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct forgery *forgery = calloc(1, sizeof *forgery);
    FUZZ_CHECK(forgery != NULL);
    forge_read_pack(&forgery->pack, data, size);
    if (forgery->pack.n > 0) {
        collect(forgery);
        make_honest(forgery);
        pack_and_open(forgery);
    }
    forge_members_clear(&forgery->members);
    free(forgery->manifest);
    free(forgery);
    return 0;
}
