/*
 * Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding), as
 * much as it takes to write a message: varints, bytes, messages
 * within messages.
 */
#ifndef AFT_RUNNER_EXPORT_PROTO_WRITE_H
#define AFT_RUNNER_EXPORT_PROTO_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aft_proto { /* a message in the making; starts as {0}; bytes are the caller's to free */
    char *bytes;
    size_t size, capacity;
    bool failed; /* memory ran out: what was written since is missing */
};

void aft_proto_number(struct aft_proto *message, int field, int64_t number);
void aft_proto_bytes(struct aft_proto *message, int field, const void *bytes, size_t size);
void aft_proto_text(struct aft_proto *message, int field, const char *utf8);
/* Takes the inner message's bytes over and empties it, so that it may be used again. */
void aft_proto_message(struct aft_proto *message, int field, struct aft_proto *inner);

#endif
