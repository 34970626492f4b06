/* After an attack: is everything there that was said to be saved, and is it the truth? */
#ifndef AFT_TESTS_TORTURE_EXAMINE_H
#define AFT_TESTS_TORTURE_EXAMINE_H

#include "tests/torture/place.h"

/* Every archive under a published name is whole; complete stages have the undisturbed run's
 * bits; nothing was set aside as corrupt; every archive that the last start acknowledged is
 * there. Faults are counted in the row and printed with what was done. */
void examine(struct row *row, const struct place *place, const char *done);

/* A valid archive of that stage with at least so many steps, or of a later stage. */
bool examine_has_state(const struct place *place, int64_t stage, int64_t steps);

/* Runs the same command undisturbed; it must end with exit 0, the undisturbed run's bits and no
 * temporaries. */
void examine_finish(struct row *row, const struct place *place, const struct torture *torture,
                    const char *const *arguments, const char *done);

/* The training state's hash, from the archive's members; false where it is not valid. */
bool examine_hash(char hex[AFT_SHA256_HEX_SIZE], const char *path, int64_t *stage, int64_t *steps);

void examine_wrong(struct row *row, const struct place *place, const char *done, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));

#endif
