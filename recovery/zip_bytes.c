#include "recovery/zip_bytes.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { FIXED_DOS_TIME = 0, FIXED_DOS_DATE = 0x21 /* 1980-01-01 */, MAX_NAME = 128 };

static enum aft_code fail_memory(struct aft_error *error)
{
    return aft_fail(error, AFT_ERR_MEMORY, "no memory for a zip");
}

static enum aft_code add_entry(zip_t *zip, const struct aft_zip_entry *entry,
                               struct aft_error *error)
{
    zip_source_t *source = zip_source_buffer(zip, entry->bytes, entry->size, 0);
    if (source == NULL) {
        return fail_memory(error);
    }
    zip_int64_t index = zip_file_add(zip, entry->name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source); /* zip_file_add takes it over on success only */
        return aft_fail(error, AFT_ERR_USAGE, "add member '%.64s': %s", entry->name,
                        zip_strerror(zip));
    }
    zip_uint64_t at = (zip_uint64_t)index;
    zip_int32_t method = entry->deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE;
    /* Level 1: a long history takes a fifth of the default's time, and a tenth more space. */
    zip_uint32_t level = entry->deflate ? 1 : 0;
    if (zip_set_file_compression(zip, at, method, level) != 0 ||
        zip_file_set_dostime(zip, at, FIXED_DOS_TIME, FIXED_DOS_DATE, 0) != 0) {
        return aft_fail(error, AFT_ERR_USAGE, "add member '%.64s': %s", entry->name,
                        zip_strerror(zip));
    }
    return AFT_OK;
}

static enum aft_code read_source(char **bytes, size_t *size, zip_source_t *source,
                                 struct aft_error *error)
{
    zip_stat_t status;
    if (zip_source_stat(source, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0) {
        return aft_fail(error, AFT_ERR_MEMORY, "look at the written zip: it has no size");
    }
    char *buffer = malloc((size_t)status.size + 1);
    if (buffer == NULL) {
        return fail_memory(error);
    }
    if (zip_source_open(source) != 0) {
        free(buffer);
        return fail_memory(error);
    }
    zip_int64_t n = zip_source_read(source, buffer, status.size);
    (void)zip_source_close(source);
    if (n < 0 || (zip_uint64_t)n != status.size) {
        free(buffer);
        return aft_fail(error, AFT_ERR_MEMORY, "read the written zip: it is short");
    }
    *bytes = buffer;
    *size = (size_t)status.size;
    return AFT_OK;
}

enum aft_code aft_zip_write(char **bytes, size_t *size, const struct aft_zip_entry *entries,
                            size_t n, struct aft_error *error)
{
    zip_error_t cause;
    zip_error_init(&cause);
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &cause);
    if (source == NULL) {
        return fail_memory(error);
    }
    zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &cause);
    if (zip == NULL) {
        zip_source_free(source);
        return fail_memory(error);
    }
    zip_source_keep(source); /* zip_close drops its own reference */
    enum aft_code code = AFT_OK;
    for (size_t i = 0; i < n && code == AFT_OK; i++) {
        code = add_entry(zip, &entries[i], error);
    }
    if (code == AFT_OK && zip_close(zip) != 0) {
        code = aft_fail(error, AFT_ERR_MEMORY, "write the zip: %s", zip_strerror(zip));
    } else if (code == AFT_OK) {
        zip = NULL;
        code = read_source(bytes, size, source, error);
    }
    if (zip != NULL) {
        zip_discard(zip);
    }
    zip_source_free(source);
    return code;
}

/* Names are never used as paths; refusing odd ones keeps every reader of the
 * archive safe, also those that unpack it. */
static bool name_is_plain(const char *name, bool folders)
{
    size_t length = strlen(name);
    if (length == 0 || length > MAX_NAME || name[0] == '/' || strstr(name, "..") != NULL) {
        return false;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e || *c == '\\' || (*c == '/' && !folders)) {
            return false;
        }
    }
    return true;
}

static enum aft_code check_stat(const zip_stat_t *status, size_t room, bool folders,
                                struct aft_error *error)
{
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD |
                                ZIP_STAT_ENCRYPTION_METHOD | ZIP_STAT_CRC;
    if ((status->valid & needed) != needed || !name_is_plain(status->name, folders)) {
        return aft_fail(error, AFT_ERR_CORRUPT, "a member has an odd name or no size");
    }
    if ((status->comp_method != ZIP_CM_STORE && status->comp_method != ZIP_CM_DEFLATE) ||
        status->encryption_method != ZIP_EM_NONE) {
        return aft_fail(error, AFT_ERR_CORRUPT, "member '%s' is neither stored nor deflated",
                        status->name);
    }
    if (status->size > room) {
        return aft_fail(error, AFT_ERR_CORRUPT, "member '%s' unpacks to more than is allowed",
                        status->name);
    }
    return AFT_OK;
}

/* Only a read past the end reports a wrong CRC, or data longer than stated. */
static bool read_exactly(zip_file_t *file, char *bytes, size_t size)
{
    size_t used = 0;
    while (used < size) {
        zip_int64_t n = zip_fread(file, bytes + used, size - used);
        if (n <= 0) {
            return false;
        }
        used += (size_t)n;
    }
    char past;
    return zip_fread(file, &past, 1) == 0;
}

static enum aft_code read_member(struct aft_zip_member *member, zip_t *zip, zip_uint64_t index,
                                 const zip_stat_t *status, struct aft_error *error)
{
    member->size = (size_t)status->size;
    member->name = strdup(status->name);
    member->bytes = malloc(member->size + 1);
    if (member->name == NULL || member->bytes == NULL) {
        return fail_memory(error);
    }
    zip_file_t *file = zip_fopen_index(zip, index, 0);
    if (file == NULL) {
        return aft_fail(error, AFT_ERR_CORRUPT, "member '%s' cannot be opened: %s", member->name,
                        zip_strerror(zip));
    }
    bool good = read_exactly(file, member->bytes, member->size);
    (void)zip_fclose(file);
    if (!good) {
        return aft_fail(error, AFT_ERR_CORRUPT, "member '%s' has a wrong CRC or length",
                        member->name);
    }
    member->bytes[member->size] = '\0';
    return AFT_OK;
}

static enum aft_code read_all(struct aft_zip *out, zip_t *zip, const struct aft_zip_limits *limits,
                              struct aft_error *error)
{
    zip_int64_t n = zip_get_num_entries(zip, 0);
    if (n < 0 || (zip_uint64_t)n > limits->members) {
        return aft_fail(error, AFT_ERR_CORRUPT, "more than %zu members", limits->members);
    }
    out->members = calloc((size_t)n + 1, sizeof *out->members);
    if (out->members == NULL) {
        return fail_memory(error);
    }
    size_t room = limits->total;
    for (zip_uint64_t i = 0; i < (zip_uint64_t)n; i++) {
        zip_stat_t status;
        if (zip_stat_index(zip, i, 0, &status) != 0) {
            return aft_fail(error, AFT_ERR_CORRUPT, "a member cannot be looked at");
        }
        enum aft_code code = check_stat(&status, room, limits->folders, error);
        if (code == AFT_OK) {
            out->n = (size_t)i + 1;
            code = read_member(&out->members[i], zip, i, &status, error);
        }
        if (code != AFT_OK) {
            return code;
        }
        room -= out->members[i].size;
    }
    return AFT_OK;
}

static enum aft_code fail_opening(zip_error_t *cause, struct aft_error *error)
{
    int number = zip_error_code_zip(cause);
    if (number == ZIP_ER_MEMORY) {
        return fail_memory(error);
    }
    if (number == ZIP_ER_EXISTS) {
        return aft_fail(error, AFT_ERR_CORRUPT, "two members have one name");
    }
    return aft_fail(error, AFT_ERR_CORRUPT, "not a sound zip: %s", zip_error_strerror(cause));
}

enum aft_code aft_zip_read(struct aft_zip *out, const void *bytes, size_t size,
                           const struct aft_zip_limits *limits, struct aft_error *error)
{
    memset(out, 0, sizeof *out);
    zip_error_t cause;
    zip_error_init(&cause);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &cause);
    if (source == NULL) {
        return fail_memory(error);
    }
    /* ZIP_CHECKCONS compares local headers with the directory and refuses doubled names. */
    zip_t *zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &cause);
    if (zip == NULL) {
        enum aft_code code = fail_opening(&cause, error);
        zip_error_fini(&cause);
        zip_source_free(source);
        return code;
    }
    enum aft_code code = read_all(out, zip, limits, error);
    zip_discard(zip);
    if (code != AFT_OK) {
        aft_zip_clear(out);
    }
    return code;
}

void aft_zip_clear(struct aft_zip *zip)
{
    for (size_t i = 0; i < zip->n; i++) {
        free(zip->members[i].name);
        free(zip->members[i].bytes);
    }
    free(zip->members);
    memset(zip, 0, sizeof *zip);
}

const struct aft_zip_member *aft_zip_find(const struct aft_zip *zip, const char *name)
{
    for (size_t i = 0; i < zip->n; i++) {
        if (strcmp(zip->members[i].name, name) == 0) {
            return &zip->members[i];
        }
    }
    return NULL;
}
