/*
 * Recorded ground motions from text files.
 *
 * PEER .AT2: somewhere in the first 40 lines stand the number of points and
 * the step, as "NPTS= 1559, DT= .02000 SEC" (any case, with or without SEC or
 * commas) or as "7997 0.0050 NPTS, DT". From the next line on follow exactly
 * that many numbers; text after them is ignored.
 *
 * CSV: numbers separated by commas, semicolons or blanks, one row a line.
 * Two columns are time (s, evenly spaced) and acceleration; one column is the
 * acceleration, and a comment or heading above says "dt = 0.01" (s). Comments
 * start with # or %; headings are lines above the first number.
 *
 * Units are those that the lines above the numbers name ("units of g", "(g)",
 * "in g", "cm/s2", "cm/s/s", "gal", "m/s2"); g where they are silent, which
 * units_assumed says. Lines may end in LF, CR LF or CR CR LF.
 *
 * Every mistake is a USAGE error with file, line, and what was expected.
 */
#ifndef AFT_ENVIRONMENT_RECORD_READER_H
#define AFT_ENVIRONMENT_RECORD_READER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { AFT_RECORD_MAX_BYTES = 64 << 20, AFT_RECORD_MAX_SAMPLES = 4 << 20 };

struct aft_record {
    double *acceleration_m_s2; /* [n] */
    size_t n;
    double dt_s;
    bool units_assumed; /* the file names none: taken as g */
};

/* Anything but a file whose name ends in .csv is read as .AT2 if NPTS stands
 * in its first 40 lines, as CSV if not. */
enum aft_code aft_record_read(struct aft_record *record, const char *path, struct aft_error *error);
/* The same from memory; path is for the messages (and the ending). */
enum aft_code aft_record_parse(struct aft_record *record, const char *text, size_t size,
                               const char *path, struct aft_error *error);
void aft_record_clear(struct aft_record *record);

#endif
