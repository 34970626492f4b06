/*
 * The attacker's side: digests and check sums made to fit, so that mutated
 * bytes get past them to the checks behind.
 */
#ifndef AFT_TESTS_FUZZ_FORGE_H
#define AFT_TESTS_FUZZ_FORGE_H

#include "recovery/zip_bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Puts the CRCs of a zip's stored members right, those of zips within them first. */
void forge_crcs(uint8_t *zip, size_t size);

/* Writes the digest anew where an archive has it. False where the bytes are too few. */
bool forge_digest(char *bytes, size_t size);

/* Opens bytes as an archive; whatever it accepts must keep archive.h's promises. */
void forge_open(const char *bytes, size_t size);

/* The same of the reader that also takes what Stable-Baselines3 saved. */
void forge_open_any(const char *bytes, size_t size);

/*
 * A pack is text and bytes that stand for zips, to be mutated freely:
 *     @@NAME          a line; "@@~NAME" is to be deflated
 *     BYTES           up to the newline before the next "@@", or the end
 * NAME "policy.pth!archive/data.pkl" is a member of a zip which is itself the
 * member policy.pth.
 */
enum { FORGE_MAX_PARTS = 96, FORGE_MAX_NAME = 160 };

struct forge_part {
    char name[FORGE_MAX_NAME];
    const char *bytes; /* borrowed from the pack */
    size_t size;
    bool deflate;
};

struct forge_pack {
    size_t n;
    struct forge_part parts[FORGE_MAX_PARTS];
};

void forge_read_pack(struct forge_pack *pack, const uint8_t *data, size_t size);

/* The zip of the parts named "OUTER!…"; false where there is none or it cannot be made.
 * The caller frees *bytes. */
bool forge_inner_zip(char **bytes, size_t *size, const struct forge_pack *pack, const char *outer);

/* The members of the zip that a pack stands for; those of a .pth are zipped already. */
enum { FORGE_INNERS = 3 };
struct forge_members {
    struct aft_zip_entry entries[FORGE_MAX_PARTS + FORGE_INNERS];
    size_t n;
    char *inner[FORGE_INNERS];
};

/* Borrows from the pack. */
void forge_collect(struct forge_members *members, const struct forge_pack *pack);
void forge_members_clear(struct forge_members *members);

#endif
