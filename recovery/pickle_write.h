/*
 * Pickles of protocol 2, written opcode by opcode without a memo: as much as
 * torch.load and Stable-Baselines3 need to find in our archives.
 */
#ifndef AFT_RECOVERY_PICKLE_WRITE_H
#define AFT_RECOVERY_PICKLE_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aft_pickle_writer { /* starts as {0}; bytes are the caller's to free */
    char *bytes;
    size_t size;
    size_t capacity;
    bool failed; /* memory ran out: what was written since is missing */
};

/* One-byte opcodes, as a string: "}(" is an empty dict and a mark. */
void aft_pickle_ops(struct aft_pickle_writer *writer, const char *opcodes);
void aft_pickle_start(struct aft_pickle_writer *writer); /* protocol 2 */
void aft_pickle_text(struct aft_pickle_writer *writer, const char *utf8);
void aft_pickle_integer(struct aft_pickle_writer *writer, int64_t number);
void aft_pickle_real(struct aft_pickle_writer *writer, double number);
void aft_pickle_boolean(struct aft_pickle_writer *writer, bool truth);
void aft_pickle_global(struct aft_pickle_writer *writer, const char *module, const char *name);

#endif
