/* (g) Truncations, flipped bits, torn and appended blocks: nothing of it may be believed. */
#include "tests/torture/examine.h"

#include "base/file.h"
#include "recovery/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct specimen {
    struct place place;
    char path[PATH_MAX]; /* of what is given to the program */
    char *bytes;         /* a sound stage archive */
    size_t size;
    char *copy;       /* [2 size] the damaged one */
    double seconds;   /* spent in reading … */
    double megabytes; /* … so much */
    long by_program;
};

static bool specimen_open(struct specimen *specimen, struct torture *torture)
{
    char path[PATH_MAX];
    struct aft_error error = {0};
    memset(specimen, 0, sizeof *specimen);
    place_open(&specimen->place, torture, torture->long_form ? PLACE_SMALL : PLACE_TINY);
    bool fits =
        snprintf(path, sizeof path, "%s/stage2_100kN.zip", specimen->place.run) < PATH_MAX &&
        snprintf(specimen->path, PATH_MAX, "%s/damaged.zip", specimen->place.folder) < PATH_MAX;
    if (!fits || place_train(&specimen->place, torture, NULL) != 0 ||
        aft_file_read(&specimen->bytes, &specimen->size, path, AFT_ARCHIVE_SIZE_LIMIT, &error) !=
            AFT_OK) {
        return false;
    }
    specimen->copy = malloc(2 * specimen->size);
    return specimen->copy != NULL;
}

static void specimen_close(struct specimen *specimen)
{
    free(specimen->bytes);
    free(specimen->copy);
    place_close(&specimen->place);
}

static bool believed_by_program(struct specimen *specimen, size_t size)
{
    const char *const verify[] = {AFT_BUILD_DIR "/aftershock", "verify", specimen->path, NULL};
    FILE *file = fopen(specimen->path, "wb");
    bool written = file != NULL && fwrite(specimen->copy, 1, size, file) == size;
    if (file == NULL || fclose(file) != 0 || !written) {
        (void)printf("  cannot write %s\n", specimen->path);
        return true; /* shows up as a fault */
    }
    specimen->by_program++;
    return place_command(verify) != 3;
}

/* One try with the first size bytes of the copy: the reader, and sometimes the program. */
static void expect_rejected(struct row *row, struct specimen *specimen, size_t size,
                            bool by_program, const char *what)
{
    struct aft_archive *archive = NULL;
    struct aft_error error = {0};
    double began = torture_now_s();
    enum aft_code code =
        aft_archive_open_bytes(&archive, specimen->copy, size, "damaged.zip", &error);
    specimen->seconds += torture_now_s() - began;
    specimen->megabytes += 1e-6 * (double)size;
    row->tried++;
    if (code == AFT_OK || (by_program && believed_by_program(specimen, size))) {
        row->partial++;
        (void)printf("  BELIEVED: %s, size %zu\n", what, size);
    }
    if (code != AFT_OK && code != AFT_ERR_CORRUPT) {
        row->wrong++;
        (void)printf("  WRONG: %s, size %zu: %s\n", what, size, error.message);
    }
    aft_archive_close(archive);
}

static void truncate_everywhere(struct torture *torture, struct specimen *specimen)
{
    struct row *row = torture_row(torture, "archive cut off after every byte");
    long by_program = torture->long_form ? 1000 : 60;
    long every = (long)specimen->size / by_program + 1;
    memcpy(specimen->copy, specimen->bytes, specimen->size);
    for (size_t size = 0; size < specimen->size; size++) {
        expect_rejected(row, specimen, size, (long)size % every == 0, "cut off");
    }
}

static void flip_bits(struct torture *torture, struct specimen *specimen)
{
    struct row *row = torture_row(torture, "archive with one bit flipped");
    long tries = torture->long_form ? 10000 : 1000;
    long every = torture->long_form ? 10 : 20;
    for (long i = 0; i < tries; i++) {
        size_t at = (size_t)torture_chance(torture, specimen->size);
        int bit = (int)torture_chance(torture, 8);
        memcpy(specimen->copy, specimen->bytes, specimen->size);
        specimen->copy[at] = (char)(specimen->copy[at] ^ (1 << bit));
        expect_rejected(row, specimen, specimen->size, i % every == 0, "bit flipped");
    }
}

/* What disks and file systems do: sectors and pages of zeros, of older bytes, and a longer file. */
static void tear_blocks(struct torture *torture, struct specimen *specimen)
{
    struct row *row = torture_row(torture, "archive with blocks torn, doubled or appended");
    for (size_t block = 512; block <= 4096; block *= 8) {
        for (size_t at = 0; at + 1 < specimen->size; at += block) {
            size_t n = specimen->size - at < block ? specimen->size - at : block;
            memcpy(specimen->copy, specimen->bytes, specimen->size);
            memset(specimen->copy + at, 0, n);
            if (memcmp(specimen->copy, specimen->bytes, specimen->size) != 0) {
                expect_rejected(row, specimen, specimen->size, false, "block of zeros");
            }
            memset(specimen->copy + at, 0, specimen->size - at);
            expect_rejected(row, specimen, specimen->size, at % 8192 == 0, "zeros to the end");
            memcpy(specimen->copy, specimen->bytes, specimen->size);
            memcpy(specimen->copy + at, specimen->bytes, n);
            if (at != 0) {
                expect_rejected(row, specimen, specimen->size, false, "block doubled");
            }
        }
    }
    memcpy(specimen->copy, specimen->bytes, specimen->size);
    memset(specimen->copy + specimen->size, 0, specimen->size);
    for (size_t more = 1; more <= specimen->size; more = more < 64 ? more + 1 : 2 * more) {
        expect_rejected(row, specimen, specimen->size + more, more % 8 == 0, "zeros appended");
    }
}

void attack_with_damage(struct torture *torture)
{
    struct specimen specimen;
    if (!specimen_open(&specimen, torture)) {
        examine_wrong(torture_row(torture, "archive damaged"), &specimen.place, "training",
                      "no archive to damage");
    } else {
        truncate_everywhere(torture, &specimen);
        flip_bits(torture, &specimen);
        tear_blocks(torture, &specimen);
        struct row *row = &torture->rows[torture->n_rows - 1];
        (void)snprintf(row->figures, sizeof row->figures,
                       "archive of %zu bytes; all tries by the reader in-process, %ld of them by "
                       "`aftershock verify` too; rejecting takes %.1f ms per MB",
                       specimen.size, specimen.by_program,
                       1e3 * specimen.seconds / specimen.megabytes);
    }
    specimen_close(&specimen);
}
