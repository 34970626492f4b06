/* Event files when training returns to a step: what is beyond it goes. */
#include "base/file.h"
#include "base/path.h"
#include "report/event_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const size_t size_limit = (size_t)1 << 30;
static const int64_t LATEST_SECONDS = 9999999999; /* of ten digits, as names are compared */

struct record { /* what matters of an event */
    int64_t step;
    bool summary, ours; /* ours: its source_metadata names this program */
};

struct bytes { /* what is still to be read */
    const unsigned char *at;
    size_t size;
};

static bool skip(struct bytes *bytes, uint64_t n)
{
    if (n > bytes->size) {
        return false;
    }
    bytes->at += n;
    bytes->size -= (size_t)n;
    return true;
}

static bool take_varint(uint64_t *value, struct bytes *bytes)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && bytes->size > 0; shift += 7) {
        unsigned char byte = *bytes->at;
        (void)skip(bytes, 1);
        *value |= (uint64_t)(byte & 0x7fU) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

/* One field of a message: its number, and its value where that is a varint or bytes. */
static bool take_field(unsigned *number, uint64_t *value, struct bytes *contents,
                       struct bytes *bytes)
{
    uint64_t key;
    *contents = (struct bytes){0};
    *value = 0;
    if (!take_varint(&key, bytes)) {
        return false;
    }
    *number = (unsigned)(key >> 3);
    switch (key & 7U) {
    case 0:
        return take_varint(value, bytes);
    case 1:
        return skip(bytes, 8);
    case 2:
        if (!take_varint(value, bytes)) {
            return false;
        }
        *contents = (struct bytes){bytes->at, (size_t)*value};
        return skip(bytes, *value);
    case 5:
        return skip(bytes, 4);
    default:
        return false;
    }
}

static bool contains(const struct bytes *bytes, const char *text)
{
    return bytes->size > 0 && memmem(bytes->at, bytes->size, text, strlen(text)) != NULL;
}

static bool parse_event(struct record *record, struct bytes payload)
{
    *record = (struct record){0};
    while (payload.size > 0) {
        unsigned number;
        uint64_t value;
        struct bytes contents;
        if (!take_field(&number, &value, &contents, &payload)) {
            return false;
        }
        if (number == 2) {
            record->step = (int64_t)value;
        } else if (number == 5) {
            record->summary = true;
        } else if (number == 10) {
            record->ours = contains(&contents, AFT_EVENT_FILE_WRITER);
        }
    }
    return true;
}

static uint64_t little(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static bool crc_is_right(const unsigned char *bytes, size_t size, const unsigned char *masked)
{
    return aft_event_file_crc(bytes, size) == (uint32_t)little(masked, 4);
}

/* The next record's payload; false where the file is over, or torn. */
static bool take_payload(struct bytes *payload, struct bytes *file)
{
    if (file->size < 12 || !crc_is_right(file->at, 8, file->at + 8)) {
        return false;
    }
    uint64_t size = little(file->at, 8);
    if (size > file->size - 12 || file->size - 12 - size < 4 ||
        !crc_is_right(file->at + 12, (size_t)size, file->at + 12 + size)) {
        return false;
    }
    *payload = (struct bytes){file->at + 12, (size_t)size};
    return skip(file, 12 + size + 4);
}

struct survey { /* of one file */
    bool ours, summaries, has_tag;
    size_t kept;
};

static struct survey look_through(const void *bytes, size_t size, int64_t keep_step,
                                  const char *tag)
{
    struct survey survey = {0};
    struct bytes file = {bytes, size};
    struct bytes payload;
    struct record record;
    bool first = true;
    while (take_payload(&payload, &file) && parse_event(&record, payload)) {
        survey.ours = first ? record.ours : survey.ours;
        first = false;
        if (record.summary && record.step > keep_step) {
            break;
        }
        survey.summaries = survey.summaries || record.summary;
        survey.has_tag = survey.has_tag ||
                         (record.summary && record.step == keep_step && contains(&payload, tag));
        survey.kept = size - file.size;
    }
    return survey;
}

static enum aft_code trim_file(struct aft_event_files *found, const char *path, int64_t keep_step,
                               const char *tag, struct aft_error *error)
{
    char *bytes = NULL;
    size_t size = 0;
    enum aft_code code = aft_file_read(&bytes, &size, path, size_limit, error);
    if (code != AFT_OK) {
        return code;
    }
    struct survey survey = look_through(bytes, size, keep_step, tag);
    free(bytes);
    if (!survey.ours) {
        return AFT_OK;
    }
    found->has_tag = found->has_tag || survey.has_tag;
    if (!survey.summaries) {
        return unlink(path) == 0 ? AFT_OK : aft_fail_errno(error, "remove '%s'", path);
    }
    if (survey.kept < size && truncate(path, (off_t)survey.kept) != 0) {
        return aft_fail_errno(error, "shorten '%s'", path);
    }
    return AFT_OK;
}

enum aft_code aft_event_files_trim(struct aft_event_files *found, const char *folder,
                                   int64_t keep_step, const char *tag, struct aft_error *error)
{
    static const char prefix[] = AFT_EVENT_FILE_PREFIX;
    *found = (struct aft_event_files){0};
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return aft_fail_errno(error, "look into '%s'", folder);
    }
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        char path[PATH_MAX];
        struct aft_error cause;
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) {
            continue;
        }
        int64_t seconds = strtoll(entry->d_name + strlen(prefix), NULL, 10);
        if (seconds > found->newest && seconds < LATEST_SECONDS) {
            found->newest = seconds;
        }
        enum aft_code code = aft_path_join(path, folder, entry->d_name, &cause);
        if (code == AFT_OK) {
            code = trim_file(found, path, keep_step, tag, &cause);
        }
        if (code != AFT_OK) {
            (void)fprintf(stderr, "warning: %s; TensorBoard may show steps of it twice\n",
                          cause.message);
        }
    }
    (void)closedir(stream);
    return AFT_OK;
}
