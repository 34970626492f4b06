/* What a file's name says about it. */
#ifndef AFT_RECOVERY_SCAN_NAME_H
#define AFT_RECOVERY_SCAN_NAME_H

#include "base/error.h"
#include "recovery/archive.h"

#include <limits.h>
#include <stdbool.h>

#define AFT_CHECKPOINT_FOLDER "checkpoints"
#define AFT_CORRUPT_SUFFIX ".corrupt"
#define AFT_SUPERSEDED_SUFFIX ".superseded.zip"

struct aft_scan_name {
    enum aft_archive_kind kind; /* UNKNOWN for a zip of any other name */
    int stage;                  /* 0: the name says none */
    bool set_aside;
};

/* False for a name that no archive has: temporaries, logs, … */
bool aft_scan_name_parse(struct aft_scan_name *parsed, const char *name);

/* A free path: "<stem><suffix>", or "<stem>.2<suffix>", "<stem>.3<suffix>", … */
enum aft_code aft_scan_free_path(char out[PATH_MAX], const char *stem, const char *suffix,
                                 struct aft_error *error);

#endif
