/*
 * A reader for the part of pickle protocol 2 that torch.save uses. It builds a
 * graph of plain values and executes nothing: a call (REDUCE) stays a record
 * of what would be called with what. Every other opcode is refused. Size,
 * number of values and depth of marks are limited; nothing is recursive.
 *
 * Messages are bare causes, as in zip_bytes.h.
 */
#ifndef AFT_RECOVERY_PICKLE_READ_H
#define AFT_RECOVERY_PICKLE_READ_H

#include "base/error.h"
#include "recovery/pickle_value.h"

#include <stddef.h>

enum {
    AFT_PICKLE_MAX_BYTES = 4 << 20,
    AFT_PICKLE_MAX_VALUES = 100000,
    AFT_PICKLE_MAX_MARKS = 64,
};

/* The bytes are borrowed until destroy. AFT_ERR_CORRUPT for anything but one
 * pickle of protocol 2, of the known opcodes, within the limits. */
enum aft_code aft_pickle_read(struct aft_pickle **pickle, const void *bytes, size_t size,
                              struct aft_error *error);

#endif
