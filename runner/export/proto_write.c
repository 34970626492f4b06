#include "runner/export/proto_write.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, LENGTH_DELIMITED = 2, MAX_VARINT = 10 };

static void add(struct aft_proto *message, const void *bytes, size_t size)
{
    if (message->failed || size == 0) {
        return;
    }
    if (message->capacity - message->size < size) {
        size_t capacity = 2 * (message->capacity + size);
        char *grown = realloc(message->bytes, capacity);
        if (grown == NULL) {
            message->failed = true;
            return;
        }
        message->bytes = grown;
        message->capacity = capacity;
    }
    memcpy(message->bytes + message->size, bytes, size);
    message->size += size;
}

static void add_varint(struct aft_proto *message, uint64_t number)
{
    unsigned char bytes[MAX_VARINT];
    size_t n = 0;
    for (; number >= 0x80; number >>= 7) {
        bytes[n++] = (unsigned char)(number | 0x80);
    }
    bytes[n++] = (unsigned char)number;
    add(message, bytes, n);
}

static void add_tag(struct aft_proto *message, int field, unsigned type)
{
    add_varint(message, (uint64_t)field << 3 | type);
}

void aft_proto_number(struct aft_proto *message, int field, int64_t number)
{
    add_tag(message, field, VARINT);
    add_varint(message, (uint64_t)number);
}

void aft_proto_bytes(struct aft_proto *message, int field, const void *bytes, size_t size)
{
    add_tag(message, field, LENGTH_DELIMITED);
    add_varint(message, size);
    add(message, bytes, size);
}

void aft_proto_text(struct aft_proto *message, int field, const char *utf8)
{
    aft_proto_bytes(message, field, utf8, strlen(utf8));
}

void aft_proto_message(struct aft_proto *message, int field, struct aft_proto *inner)
{
    aft_proto_bytes(message, field, inner->bytes, inner->size);
    message->failed = message->failed || inner->failed;
    free(inner->bytes);
    memset(inner, 0, sizeof *inner);
}
