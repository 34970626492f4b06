#include "recovery/pickle_write.h"

#include <stdlib.h>
#include <string.h>

static void add(struct aft_pickle_writer *writer, const void *bytes, size_t size)
{
    if (writer->failed) {
        return;
    }
    if (writer->capacity - writer->size < size) {
        size_t capacity = 2 * (writer->capacity + size);
        char *grown = realloc(writer->bytes, capacity);
        if (grown == NULL) {
            writer->failed = true;
            return;
        }
        writer->bytes = grown;
        writer->capacity = capacity;
    }
    memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
}

static void add_little_endian(struct aft_pickle_writer *writer, uint64_t number, int n_bytes)
{
    unsigned char bytes[8];
    for (int i = 0; i < n_bytes; i++) {
        bytes[i] = (unsigned char)(number >> (8 * i));
    }
    add(writer, bytes, (size_t)n_bytes);
}

void aft_pickle_ops(struct aft_pickle_writer *writer, const char *opcodes)
{
    add(writer, opcodes, strlen(opcodes));
}

void aft_pickle_start(struct aft_pickle_writer *writer)
{
    aft_pickle_ops(writer, "\x80\x02");
}

void aft_pickle_text(struct aft_pickle_writer *writer, const char *utf8)
{
    size_t length = strlen(utf8);
    aft_pickle_ops(writer, "X"); /* BINUNICODE */
    add_little_endian(writer, length, 4);
    add(writer, utf8, length);
}

void aft_pickle_integer(struct aft_pickle_writer *writer, int64_t number)
{
    if (number >= 0 && number <= 0xff) {
        aft_pickle_ops(writer, "K"); /* BININT1 */
        add_little_endian(writer, (uint64_t)number, 1);
    } else if (number >= INT32_MIN && number <= INT32_MAX) {
        aft_pickle_ops(writer, "J"); /* BININT */
        add_little_endian(writer, (uint64_t)number, 4);
    } else {
        aft_pickle_ops(writer, "\x8a\x08"); /* LONG1 of 8 bytes */
        add_little_endian(writer, (uint64_t)number, 8);
    }
}

void aft_pickle_real(struct aft_pickle_writer *writer, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    aft_pickle_ops(writer, "G"); /* BINFLOAT, big-endian */
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(bits >> (8 * (7 - i)));
    }
    add(writer, bytes, sizeof bytes);
}

void aft_pickle_boolean(struct aft_pickle_writer *writer, bool truth)
{
    aft_pickle_ops(writer, truth ? "\x88" : "\x89");
}

void aft_pickle_global(struct aft_pickle_writer *writer, const char *module, const char *name)
{
    aft_pickle_ops(writer, "c");
    aft_pickle_ops(writer, module);
    aft_pickle_ops(writer, "\n");
    aft_pickle_ops(writer, name);
    aft_pickle_ops(writer, "\n");
}
