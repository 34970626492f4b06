#include "report/event_file.h"

#include "report/crc.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HEADER_SIZE = 12, FOOTER_SIZE = 4, VARINT_SIZE = 10 };

/* Fields of the messages: number << 3 | wire type. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum {
    EVENT_WALL_TIME = 1 << 3 | FIXED64,
    EVENT_STEP = 2 << 3 | VARINT,
    EVENT_FILE_VERSION = 3 << 3 | BYTES,
    EVENT_SUMMARY = 5 << 3 | BYTES,
    EVENT_SESSION_LOG = 7 << 3 | BYTES,
    EVENT_SOURCE_METADATA = 10 << 3 | BYTES,
    SOURCE_WRITER = 1 << 3 | BYTES,
    SESSION_STATUS = 1 << 3 | VARINT,
    SESSION_START = 1,
    SUMMARY_VALUE = 1 << 3 | BYTES,
    VALUE_TAG = 1 << 3 | BYTES,
    VALUE_SIMPLE = 2 << 3 | FIXED32,
    VALUE_TENSOR = 8 << 3 | BYTES,
    VALUE_METADATA = 9 << 3 | BYTES,
    METADATA_PLUGIN = 1 << 3 | BYTES,
    METADATA_CLASS = 4 << 3 | VARINT,
    CLASS_TENSOR = 2,
    PLUGIN_NAME = 1 << 3 | BYTES,
    TENSOR_TYPE = 1 << 3 | VARINT,
    TYPE_STRING = 7,
    TENSOR_SHAPE = 2 << 3 | BYTES,
    TENSOR_STRING = 8 << 3 | BYTES,
    SHAPE_DIM = 2 << 3 | BYTES,
    DIM_SIZE = 1 << 3 | VARINT,
};

uint32_t aft_event_file_crc(const void *bytes, size_t size)
{
    uint32_t crc = aft_crc32c(bytes, size);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

static void put(struct aft_event_file *file, const void *bytes, size_t size)
{
    size_t room = sizeof file->record - FOOTER_SIZE;
    if (file->used <= room && size <= room - file->used) {
        memcpy(file->record + file->used, bytes, size);
        file->used += size;
    } else {
        file->used = sizeof file->record + 1; /* too long, for good */
    }
}

static void put_number(struct aft_event_file *file, uint64_t value, int bytes)
{
    unsigned char little[8];
    for (int i = 0; i < bytes; i++) {
        little[i] = (unsigned char)(value >> (8 * i));
    }
    put(file, little, (size_t)bytes);
}

static size_t encode_varint(unsigned char out[VARINT_SIZE], uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) {
        out[n++] = (unsigned char)(value | 0x80);
    }
    out[n++] = (unsigned char)value;
    return n;
}

static void put_varint(struct aft_event_file *file, uint64_t value)
{
    unsigned char bytes[VARINT_SIZE];
    put(file, bytes, encode_varint(bytes, value));
}

static void put_varint_field(struct aft_event_file *file, unsigned field, uint64_t value)
{
    put_varint(file, field);
    put_varint(file, value);
}

static void put_text_field(struct aft_event_file *file, unsigned field, const char *text)
{
    put_varint(file, field);
    put_varint(file, strlen(text));
    put(file, text, strlen(text));
}

/* A message within a message: its length is put before it once it is known. */
static size_t open_message(struct aft_event_file *file, unsigned field)
{
    put_varint(file, field);
    return file->used;
}

static void close_message(struct aft_event_file *file, size_t start)
{
    unsigned char length[VARINT_SIZE];
    if (file->used > sizeof file->record) {
        return;
    }
    size_t size = file->used - start;
    size_t n = encode_varint(length, size);
    put(file, length, n); /* makes the room */
    if (file->used <= sizeof file->record) {
        memmove(file->record + start + n, file->record + start, size);
        memcpy(file->record + start, length, n);
    }
}

/* Leaves room for the record's length, which is not known yet. */
static void begin_event(struct aft_event_file *file, double unix_time, int64_t step)
{
    uint64_t bits;
    file->used = HEADER_SIZE;
    memcpy(&bits, &unix_time, sizeof bits);
    put_varint(file, EVENT_WALL_TIME);
    put_number(file, bits, 8);
    put_varint_field(file, EVENT_STEP, (uint64_t)step);
}

void aft_event_file_begin(struct aft_event_file *file, double unix_time, int64_t step)
{
    begin_event(file, unix_time, step);
    file->summary = open_message(file, EVENT_SUMMARY);
}

void aft_event_file_scalar(struct aft_event_file *file, const char *tag, double value)
{
    float single = (float)value;
    uint32_t bits;
    if (!isfinite(single)) {
        return;
    }
    memcpy(&bits, &single, sizeof bits);
    size_t start = open_message(file, SUMMARY_VALUE);
    put_text_field(file, VALUE_TAG, tag);
    put_varint(file, VALUE_SIMPLE);
    put_number(file, bits, 4);
    close_message(file, start);
}

void aft_event_file_text(struct aft_event_file *file, const char *tag, const char *text)
{
    size_t value = open_message(file, SUMMARY_VALUE);
    put_text_field(file, VALUE_TAG, tag);
    size_t metadata = open_message(file, VALUE_METADATA);
    size_t plugin = open_message(file, METADATA_PLUGIN);
    put_text_field(file, PLUGIN_NAME, "text");
    close_message(file, plugin);
    put_varint_field(file, METADATA_CLASS, CLASS_TENSOR);
    close_message(file, metadata);
    size_t tensor = open_message(file, VALUE_TENSOR);
    put_varint_field(file, TENSOR_TYPE, TYPE_STRING);
    size_t shape = open_message(file, TENSOR_SHAPE);
    size_t dim = open_message(file, SHAPE_DIM);
    put_varint_field(file, DIM_SIZE, 1);
    close_message(file, dim);
    close_message(file, shape);
    put_text_field(file, TENSOR_STRING, text);
    close_message(file, tensor);
    close_message(file, value);
}

static void write_record(struct aft_event_file *file)
{
    if (file->used > sizeof file->record - FOOTER_SIZE) {
        if (file->file.lines_lost++ == 0) {
            (void)fprintf(stderr, "warning: write '%s': an event is too long; it is left out\n",
                          file->file.path);
        }
        return;
    }
    size_t end = file->used;
    uint32_t crc = aft_event_file_crc(file->record + HEADER_SIZE, end - HEADER_SIZE);
    file->used = 0;
    put_number(file, end - HEADER_SIZE, 8);
    put_number(file, aft_event_file_crc(file->record, 8), 4);
    file->used = end;
    for (int i = 0; i < FOOTER_SIZE; i++) {
        file->record[end + (size_t)i] = (unsigned char)(crc >> (8 * i));
    }
    aft_append_file_write(&file->file, (const char *)file->record, end + FOOTER_SIZE);
}

void aft_event_file_write(struct aft_event_file *file)
{
    close_message(file, file->summary);
    write_record(file);
}

static void write_version(struct aft_event_file *file, double unix_time)
{
    begin_event(file, unix_time, 0);
    put_text_field(file, EVENT_FILE_VERSION, "brain.Event:2");
    size_t source = open_message(file, EVENT_SOURCE_METADATA);
    put_text_field(file, SOURCE_WRITER, AFT_EVENT_FILE_WRITER);
    close_message(file, source);
    write_record(file);
}

static void write_start(struct aft_event_file *file, double unix_time, int64_t step)
{
    begin_event(file, unix_time, step);
    size_t session = open_message(file, EVENT_SESSION_LOG);
    put_varint_field(file, SESSION_STATUS, SESSION_START);
    close_message(file, session);
    write_record(file);
}

enum aft_code aft_event_file_create(struct aft_event_file *file, const char *folder, int64_t newest,
                                    int64_t step, struct aft_error *error)
{
    char host[128] = "";
    char name[256];
    int64_t now = (int64_t)time(NULL);
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(name, sizeof name, AFT_EVENT_FILE_PREFIX "%010" PRId64 ".%s.%d.0",
                   now > newest ? now : newest + 1, host, (int)getpid());
    enum aft_code code = aft_append_file_open(&file->file, folder, name, error);
    if (code == AFT_OK) {
        write_version(file, (double)now);
        write_start(file, (double)now, step);
    }
    return code;
}

void aft_event_file_close(struct aft_event_file *file)
{
    if (file->file.lines_lost > 1) {
        (void)fprintf(stderr, "warning: '%s' lacks %" PRId64 " events that could not be written\n",
                      file->file.path, file->file.lines_lost);
    }
    aft_append_file_close(&file->file);
}
