/* Archives that must not be believed: damaged, forged, or something else altogether. */
#include "cmocka_headers.h"
#include "fixture.h"
#include "recovery/archive_parts.h"
#include "recovery/torch_file.h"
#include "recovery/zip_bytes.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum aft_code open_code(const void *bytes, size_t size, struct aft_error *error)
{
    struct aft_archive *archive = NULL;
    memset(error, 0, sizeof *error);
    enum aft_code code = aft_archive_open_bytes(&archive, bytes, size, "x.zip", error);
    aft_archive_close(archive);
    return code;
}

static char *build_small(size_t *size)
{
    struct fixture fixture;
    fixture_init(&fixture, 2);
    char *bytes = fixture_build(&fixture, size);
    fixture_clear(&fixture);
    return bytes;
}

/* A forger's workbench: the members of a sound archive, to be changed and packed anew with
 * digests that fit. */
struct forgery {
    struct aft_zip zip;
    struct aft_zip_entry entries[32];
    size_t n;
};

static void forgery_init(struct forgery *forgery)
{
    const struct aft_zip_limits limits = {.members = 32, .total = 1 << 20};
    size_t size;
    char *bytes = build_small(&size);
    memset(forgery, 0, sizeof *forgery);
    assert_int_equal(aft_zip_read(&forgery->zip, bytes, size, &limits, NULL), AFT_OK);
    for (size_t i = 0; i < forgery->zip.n; i++) {
        const struct aft_zip_member *member = &forgery->zip.members[i];
        forgery->entries[forgery->n++] = (struct aft_zip_entry){
            .name = member->name, .bytes = member->bytes, .size = member->size};
    }
    free(bytes);
}

static struct aft_zip_entry *forgery_find(struct forgery *forgery, const char *name)
{
    for (size_t i = 0; i < forgery->n; i++) {
        if (strcmp(forgery->entries[i].name, name) == 0) {
            return &forgery->entries[i];
        }
    }
    fail_msg("no member %s", name);
    return NULL;
}

/* The manifest with the members' hashes as they are now; the caller frees it. */
static char *honest_manifest(struct forgery *forgery)
{
    const struct aft_zip_entry *entry = forgery_find(forgery, AFT_MEMBER_MANIFEST);
    struct aft_json *manifest = NULL;
    assert_int_equal(aft_json_parse(&manifest, entry->bytes, entry->size, "manifest", NULL),
                     AFT_OK);
    struct aft_json *members = aft_json_object();
    for (size_t i = 0; i < forgery->n; i++) {
        char hex[AFT_SHA256_HEX_SIZE];
        const struct aft_zip_entry *other = &forgery->entries[i];
        if (strcmp(other->name, AFT_MEMBER_MANIFEST) != 0) {
            aft_sha256_hex(other->bytes, other->size, hex);
            aft_json_set_string(members, other->name, hex);
        }
    }
    aft_json_set(manifest, "members", members);
    char *text = NULL;
    size_t size;
    assert_int_equal(aft_json_write(&text, &size, manifest, false, NULL), AFT_OK);
    aft_json_destroy(manifest);
    return text;
}

static char *sign_zip(char *zip, size_t *size)
{
    char *bytes = realloc(zip, *size + AFT_COMMENT_SIZE);
    assert_non_null(bytes);
    bytes[*size - 2] = (char)AFT_COMMENT_SIZE;
    memcpy(bytes + *size, AFT_COMMENT_PREFIX, AFT_COMMENT_PREFIX_SIZE);
    *size += AFT_COMMENT_SIZE;
    fixture_sign(bytes, *size);
    return bytes;
}

static char *forgery_pack(struct forgery *forgery, size_t *size)
{
    char *zip = NULL;
    struct aft_error error;
    if (aft_zip_write(&zip, size, forgery->entries, forgery->n, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return sign_zip(zip, size);
}

/* Packs, opens and expects that code, and that cause in the message. */
static void expect(struct forgery *forgery, enum aft_code code, const char *cause)
{
    struct aft_error error;
    size_t size;
    char *bytes = forgery_pack(forgery, &size);
    enum aft_code found = open_code(bytes, size, &error);
    if (found != code || strstr(error.message, cause) == NULL) {
        fail_msg("code %d, message '%s'; expected code %d, '%s'", (int)found, error.message,
                 (int)code, cause);
    }
    free(bytes);
}

/* The same with the manifest's hashes put right first. */
static void expect_honest(struct forgery *forgery, enum aft_code code, const char *cause)
{
    char *text = honest_manifest(forgery);
    struct aft_zip_entry *entry = forgery_find(forgery, AFT_MEMBER_MANIFEST);
    entry->bytes = text;
    entry->size = strlen(text);
    expect(forgery, code, cause);
    free(text);
}

static void archive_open__rejects_every_flipped_bit(void **state)
{
    (void)state;
    struct aft_error error;
    size_t size;
    char *bytes = build_small(&size);
    assert_int_equal(open_code(bytes, size, &error), AFT_OK);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << (bit % 8)));
        if (open_code(bytes, size, &error) != AFT_ERR_CORRUPT) {
            fail_msg("bit %zu of byte %zu of %zu was not seen", bit % 8, bit / 8, size);
        }
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
    print_message("%zu bits flipped\n", 8 * size);
    free(bytes);
}

static void archive_open__rejects_every_truncation(void **state)
{
    (void)state;
    struct aft_error error;
    size_t size;
    char *bytes = build_small(&size);
    for (size_t length = 0; length < size; length++) {
        char *shorter = malloc(length + 1); /* its own block: reads past the end are seen */
        memcpy(shorter, bytes, length);
        assert_int_equal(open_code(shorter, length, &error), AFT_ERR_CORRUPT);
        free(shorter);
    }
    free(bytes);
}

static void archive_open__rejects_appended_bytes(void **state)
{
    (void)state;
    struct aft_error error;
    size_t size;
    char *bytes = build_small(&size);
    char *longer = calloc(1, size + 100);
    for (size_t more = 1; more <= 100; more++) {
        memcpy(longer, bytes, size);
        assert_int_equal(open_code(longer, size + more, &error), AFT_ERR_CORRUPT);
    }
    free(longer);
    free(bytes);
}

/* With the digest made to fit, the other checks stand alone. What they let pass (times, flags)
 * must not have changed what is read. */
static void archive_open__survives_flips_under_a_forged_digest(void **state)
{
    (void)state;
    struct aft_error error;
    size_t size;
    char *bytes = build_small(&size);
    struct aft_archive *archive = NULL;
    assert_int_equal(aft_archive_open_bytes(&archive, bytes, size, "x", &error), AFT_OK);
    char expected[AFT_SHA256_HEX_SIZE];
    (void)snprintf(expected, sizeof expected, "%s", aft_archive_state_hash(archive));
    aft_archive_close(archive);
    size_t passed = 0;
    for (size_t at = 0; at < size - AFT_COMMENT_SIZE; at += 5) {
        char kept = bytes[at];
        bytes[at] = (char)(bytes[at] ^ (1 << (at % 8)));
        fixture_sign(bytes, size);
        archive = NULL;
        if (aft_archive_open_bytes(&archive, bytes, size, "x", &error) == AFT_OK) {
            assert_string_equal(aft_archive_state_hash(archive), expected);
            passed++;
        }
        aft_archive_close(archive);
        bytes[at] = kept;
    }
    assert_true(passed < size / 20);
    free(bytes);
}

static void archive_open__rejects_a_zip_without_digest(void **state)
{
    (void)state;
    struct forgery forgery;
    forgery_init(&forgery);
    char *zip = NULL;
    size_t size;
    struct aft_error error;
    assert_int_equal(aft_zip_write(&zip, &size, forgery.entries, forgery.n, NULL), AFT_OK);
    assert_int_equal(open_code(zip, size, &error), AFT_ERR_CORRUPT);
    assert_non_null(strstr(error.message, "not an Aftershock archive"));
    free(zip);
    aft_zip_clear(&forgery.zip);
}

static void archive_open__takes_an_honest_repacking(void **state)
{
    (void)state;
    struct forgery forgery;
    forgery_init(&forgery);
    expect_honest(&forgery, AFT_OK, "");
    aft_zip_clear(&forgery.zip);
}

static void archive_open__rejects_unlisted_missing_and_changed_members(void **state)
{
    (void)state;
    struct forgery forgery;
    forgery_init(&forgery);
    size_t n = forgery.n;
    forgery.entries[forgery.n++] = (struct aft_zip_entry){.name = "extra", .bytes = "x", .size = 1};
    expect(&forgery, AFT_ERR_CORRUPT, "does not list member 'extra'");
    forgery.n = n;
    struct aft_zip_entry *entry = forgery_find(&forgery, "state.bin");
    struct aft_zip_entry kept = *entry;
    entry->size--;
    expect(&forgery, AFT_ERR_CORRUPT, "'state.bin' does not have its SHA-256");
    *entry = forgery.entries[--forgery.n];
    expect(&forgery, AFT_ERR_CORRUPT, "");
    *entry = kept;
    aft_zip_clear(&forgery.zip);
}

static void archive_open__rejects_archives_that_lack_a_needed_member(void **state)
{
    (void)state;
    static const char *const names[] = {AFT_MEMBER_POLICY, AFT_MEMBER_OPTIMIZER};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct forgery forgery;
        forgery_init(&forgery);
        struct aft_zip_entry *entry = forgery_find(&forgery, names[i]);
        *entry = forgery.entries[--forgery.n];
        expect_honest(&forgery, AFT_ERR_CORRUPT, "it has no policy");
        aft_zip_clear(&forgery.zip);
    }
}

static void archive_open__rejects_doubled_names(void **state)
{
    (void)state;
    struct forgery forgery;
    forgery_init(&forgery);
    forgery.entries[forgery.n++] =
        (struct aft_zip_entry){.name = "stbte.bin", .bytes = "evil", .size = 4};
    struct aft_error error;
    size_t size;
    char *bytes = forgery_pack(&forgery, &size);
    for (size_t i = 0; i + 9 <= size; i++) { /* local header and directory */
        if (memcmp(bytes + i, "stbte.bin", 9) == 0) {
            bytes[i + 2] = 'a';
        }
    }
    fixture_sign(bytes, size);
    assert_int_equal(open_code(bytes, size, &error), AFT_ERR_CORRUPT);
    assert_non_null(strstr(error.message, "two members have one name"));
    free(bytes);
    aft_zip_clear(&forgery.zip);
}

static void archive_open__rejects_names_that_leave_the_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"../evil", "/etc/passwd", "a/b", "a\\b", "..", "a\nb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct forgery forgery;
        forgery_init(&forgery);
        forgery.entries[forgery.n++] =
            (struct aft_zip_entry){.name = names[i], .bytes = "x", .size = 1};
        expect_honest(&forgery, AFT_ERR_CORRUPT, "odd name");
        aft_zip_clear(&forgery.zip);
    }
}

static void archive_open__rejects_a_zip_bomb(void **state)
{
    (void)state;
    const size_t size = (size_t)128 << 20;
    char *zeros = calloc(1, size);
    assert_non_null(zeros);
    struct forgery forgery;
    forgery_init(&forgery);
    forgery.entries[forgery.n++] =
        (struct aft_zip_entry){.name = "bomb", .bytes = zeros, .size = size, .deflate = true};
    expect(&forgery, AFT_ERR_CORRUPT, "unpacks to more than is allowed");
    free(zeros);
    aft_zip_clear(&forgery.zip);
}

static void archive_open__rejects_more_members_than_allowed(void **state)
{
    (void)state;
    enum { MANY = AFT_MAX_MEMBERS + 1 };
    struct aft_zip_entry entries[MANY];
    char names[MANY][8];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "m%d", i);
        entries[i] = (struct aft_zip_entry){.name = names[i], .bytes = "", .size = 0};
    }
    char *zip = NULL;
    size_t size;
    struct aft_error error;
    assert_int_equal(aft_zip_write(&zip, &size, entries, MANY, NULL), AFT_OK);
    zip = sign_zip(zip, &size);
    assert_int_equal(open_code(zip, size, &error), AFT_ERR_CORRUPT);
    assert_non_null(strstr(error.message, "more than 256 members"));
    free(zip);
}

static void archive_open__rejects_numbers_that_are_not_finite(void **state)
{
    (void)state;
    static const float evil[] = {(float)NAN, (float)INFINITY, -(float)INFINITY};
    for (int i = 0; i < 9; i++) { /* each of them in weights, first and second moments */
        struct fixture fixture;
        fixture_init(&fixture, 2);
        fixture.floats[(size_t)(i / 3) * fixture.n_floats + 7] = evil[i % 3];
        size_t size;
        char *bytes = fixture_build(&fixture, &size);
        struct aft_error error;
        assert_int_equal(open_code(bytes, size, &error), AFT_ERR_CORRUPT);
        assert_non_null(strstr(error.message, "not finite"));
        free(bytes);
        fixture_clear(&fixture);
    }
}

static void archive_open__rejects_weights_that_are_not_those_of_the_manifest(void **state)
{
    (void)state;
    struct fixture fixture;
    struct forgery forgery;
    fixture_init(&fixture, 2);
    forgery_init(&forgery);
    fixture.floats[3] += 1.0F;
    char *policy = NULL;
    size_t size;
    assert_int_equal(
        aft_torch_write_policy(&policy, &size, fixture.tensors, fixture.content.n_tensors, NULL),
        AFT_OK);
    struct aft_zip_entry *entry = forgery_find(&forgery, AFT_MEMBER_POLICY);
    entry->bytes = policy;
    entry->size = size;
    expect_honest(&forgery, AFT_ERR_CORRUPT, "manifest's SHA-256");
    free(policy);
    aft_zip_clear(&forgery.zip);
    fixture_clear(&fixture);
}

static void archive_open__rejects_manifests_of_wrong_types(void **state)
{
    (void)state;
    static const char *const manifests[] = {
        "",
        "[]",
        "{",
        "null",
        "\"x\"",
        "{}",
        "{\"format\": \"1\"}",
        "{\"format\": 1.0}",
        "{\"format\": 0}",
        "{\"format\": -1}",
        "{\"format\": 1}",
        "{\"format\": 1, \"kind\": 3}",
        "{\"format\": 1, \"kind\": \"unknown\"}",
        "{\"format\": 1, \"kind\": \"stage\"}",
        "{\"format\": 1, \"kind\": \"stage\", \"members\": []}",
        "{\"format\": 1, \"kind\": \"stage\", \"members\": {\"data\": 1}}",
        "{\"format\": 1, \"kind\": \"stage\", \"members\": {}, \"members\": {}}",
        "{\"format\": 1, \"kind\": \"stage\", \"members\": {\"data\": [\"x\"]}} trailing",
    };
    for (size_t i = 0; i < sizeof manifests / sizeof *manifests; i++) {
        struct forgery forgery;
        forgery_init(&forgery);
        struct aft_zip_entry *entry = forgery_find(&forgery, AFT_MEMBER_MANIFEST);
        entry->bytes = manifests[i];
        entry->size = strlen(manifests[i]);
        expect(&forgery, AFT_ERR_CORRUPT, "");
        aft_zip_clear(&forgery.zip);
    }
}

/* Replaces a key of the manifest, whose hashes fit otherwise. */
static void check_changed_key(const char *key, struct aft_json *value, enum aft_code code)
{
    struct forgery forgery;
    forgery_init(&forgery);
    struct aft_zip_entry *entry = forgery_find(&forgery, AFT_MEMBER_MANIFEST);
    struct aft_json *manifest = NULL;
    assert_int_equal(aft_json_parse(&manifest, entry->bytes, entry->size, "m", NULL), AFT_OK);
    aft_json_set(manifest, key, value);
    char *text = NULL;
    assert_int_equal(aft_json_write(&text, &entry->size, manifest, true, NULL), AFT_OK);
    entry->bytes = text;
    expect(&forgery, code, "");
    free(text);
    aft_json_destroy(manifest);
    aft_zip_clear(&forgery.zip);
}

static void archive_open__rejects_wrong_counters_and_hashes(void **state)
{
    (void)state;
    struct aft_json *negative = aft_json_object();
    aft_json_set_integer(negative, "stage", -1);
    check_changed_key("counters", negative, AFT_ERR_CORRUPT);
    check_changed_key("counters", aft_json_string("many"), AFT_ERR_CORRUPT);
    check_changed_key("counters", aft_json_null(), AFT_ERR_CORRUPT);
    check_changed_key("counters", aft_json_object(), AFT_ERR_CORRUPT);
    check_changed_key("weights_sha256", aft_json_string("00"), AFT_ERR_CORRUPT);
    check_changed_key("training_state_sha256", aft_json_integer(3), AFT_ERR_CORRUPT);
    check_changed_key("kind", aft_json_array(), AFT_ERR_CORRUPT);
    check_changed_key("members", aft_json_null(), AFT_ERR_CORRUPT);
}

static void archive_open__refuses_a_format_of_the_future(void **state)
{
    (void)state;
    check_changed_key("format", aft_json_integer(2), AFT_ERR_REFUSED);
    check_changed_key("format", aft_json_integer(1), AFT_OK);
}

static void archive_open__rejects_things_that_are_no_files(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    struct aft_archive *archive = NULL;
    fixture_make_folder(folder);
    assert_int_not_equal(aft_archive_open(&archive, folder, NULL), AFT_OK);
    (void)snprintf(path, sizeof path, "%s/fifo.zip", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_not_equal(aft_archive_open(&archive, path, NULL), AFT_OK);
    (void)snprintf(path, sizeof path, "%s/loop.zip", folder);
    assert_int_equal(symlink("loop.zip", path), 0);
    assert_int_not_equal(aft_archive_open(&archive, path, NULL), AFT_OK);
    assert_int_not_equal(aft_archive_open(&archive, "/dev/zero", NULL), AFT_OK);
    fixture_write(folder, "empty.zip", "", 0);
    (void)snprintf(path, sizeof path, "%s/empty.zip", folder);
    assert_int_equal(aft_archive_open(&archive, path, NULL), AFT_ERR_CORRUPT);
    (void)snprintf(path, sizeof path, "%s/none.zip", folder);
    assert_int_equal(aft_archive_open(&archive, path, NULL), AFT_ERR_MISSING);
    assert_null(archive);
    fixture_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archive_open__rejects_every_flipped_bit),
        cmocka_unit_test(archive_open__rejects_every_truncation),
        cmocka_unit_test(archive_open__rejects_appended_bytes),
        cmocka_unit_test(archive_open__survives_flips_under_a_forged_digest),
        cmocka_unit_test(archive_open__rejects_a_zip_without_digest),
        cmocka_unit_test(archive_open__takes_an_honest_repacking),
        cmocka_unit_test(archive_open__rejects_unlisted_missing_and_changed_members),
        cmocka_unit_test(archive_open__rejects_archives_that_lack_a_needed_member),
        cmocka_unit_test(archive_open__rejects_doubled_names),
        cmocka_unit_test(archive_open__rejects_names_that_leave_the_folder),
        cmocka_unit_test(archive_open__rejects_a_zip_bomb),
        cmocka_unit_test(archive_open__rejects_more_members_than_allowed),
        cmocka_unit_test(archive_open__rejects_numbers_that_are_not_finite),
        cmocka_unit_test(archive_open__rejects_weights_that_are_not_those_of_the_manifest),
        cmocka_unit_test(archive_open__rejects_manifests_of_wrong_types),
        cmocka_unit_test(archive_open__rejects_wrong_counters_and_hashes),
        cmocka_unit_test(archive_open__refuses_a_format_of_the_future),
        cmocka_unit_test(archive_open__rejects_things_that_are_no_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
