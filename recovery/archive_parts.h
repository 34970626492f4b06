/* What the archive's writer, its reader and the scan share, and nobody else sees. */
#ifndef AFT_RECOVERY_ARCHIVE_PARTS_H
#define AFT_RECOVERY_ARCHIVE_PARTS_H

#include "recovery/archive.h"
#include "recovery/torch_file.h"
#include "recovery/zip_bytes.h"

#include <stddef.h>

#define AFT_MEMBER_DATA "data"
#define AFT_MEMBER_VARIABLES "pytorch_variables.pth"
#define AFT_MEMBER_POLICY "policy.pth"
#define AFT_MEMBER_OPTIMIZER "policy.optimizer.pth"
#define AFT_MEMBER_SB3_VERSION "_stable_baselines3_version"
#define AFT_MEMBER_SYSTEM_INFO "system_info.txt"
#define AFT_MEMBER_MANIFEST "manifest.json"

/* The zip's comment: "sha256:" and 64 hex digits, over every byte before it. */
#define AFT_COMMENT_PREFIX "sha256:"
enum {
    AFT_COMMENT_PREFIX_SIZE = sizeof AFT_COMMENT_PREFIX - 1,
    AFT_COMMENT_SIZE = AFT_COMMENT_PREFIX_SIZE + AFT_SHA256_HEX_SIZE - 1,
    AFT_ZIP_END_SIZE = 22, /* of the end record without its comment, whose last two bytes */
    AFT_MAX_MEMBERS = 256, /* are the comment's length */
    AFT_MAX_MEMBER_NAME = 96,
};

/* The manifest's "counters": names and places. */
struct aft_counter_field {
    const char *key;
    size_t offset; /* of an int64_t in struct aft_archive_counters */
};
enum { AFT_COUNTER_FIELDS = 7 };
extern const struct aft_counter_field aft_counter_fields[AFT_COUNTER_FIELDS];

/* Archives unpack to at most this: plenty for text, and no bomb. */
size_t aft_archive_unpacked_limit(size_t file_size);

struct aft_archive {
    enum aft_archive_kind kind;
    struct aft_json *manifest; /* NULL: saved by Stable-Baselines3 */
    struct aft_archive_counters counters;
    struct aft_sb3_model sb3; /* filled in for that kind only */
    struct aft_zip zip;
    char (*member_hashes)[AFT_SHA256_HEX_SIZE]; /* [zip.n] */
    struct aft_torch_tensors tensors;
    char weights_hash[AFT_SHA256_HEX_SIZE];
    char state_hash[AFT_SHA256_HEX_SIZE];
};

/* aft_archive_open_bytes, and aft_archive_open_any of bytes, with messages that are bare
 * causes. */
enum aft_code aft_archive_read_bytes(struct aft_archive **archive, const void *bytes, size_t size,
                                     struct aft_error *error);
enum aft_code aft_archive_read_any_bytes(struct aft_archive **archive, const void *bytes,
                                         size_t size, struct aft_error *error);

/* Steps of reading that both kinds share, once the zip is unpacked. */
bool aft_archive_has_digest(const char *bytes, size_t size);
enum aft_code aft_archive_hash_members(struct aft_archive *archive, struct aft_error *error);
/* Weights and, where there is a policy.optimizer.pth, moments; all must be finite. */
enum aft_code aft_archive_read_tensors(struct aft_archive *archive, struct aft_torch_adam *adam,
                                       struct aft_error *error);
enum aft_code aft_archive_hash_state(struct aft_archive *archive, struct aft_error *error);

#endif
