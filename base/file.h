/*
 * Files that must not be lost: whole-file reads with a limit, and the one way
 * in which this program publishes a file. Publishing is: write to a temporary
 * name in the same folder, fsync, rename, fsync of the folder. A reader sees
 * the old file or the new one, never a part; after AFT_OK the new one survives
 * a power cut. On failure the old file is untouched and the temporary is gone
 * (or, after a kill, is swept at the next start).
 */
#ifndef AFT_BASE_FILE_H
#define AFT_BASE_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define AFT_TEMPORARY_SUFFIX ".tmp" /* of every temporary name; no reader believes such a file */

/* Reads a regular file whole into *bytes, which the caller frees; one NUL
 * follows the contents. Folders, FIFOs and devices are refused without being
 * waited for; a file longer than limit is refused unread. */
enum aft_code aft_file_read(char **bytes, size_t *size, const char *path, size_t limit,
                            struct aft_error *error);

/* Publishes the bytes under path, durably (see above). */
enum aft_code aft_file_publish(const char *path, const void *bytes, size_t size,
                               struct aft_error *error);

/* The same without a wait for the disk: a reader sees the old file or the new one, but after a
 * power cut it may be either, or empty. For what is written anew all the time. */
enum aft_code aft_file_replace(const char *path, const void *bytes, size_t size,
                               struct aft_error *error);

/* Disk space kept for a day without any: a preallocated file that a last archive
 * is written into. Its name is a temporary's, so a leftover is swept. */
struct aft_file_reserve {
    char *path; /* NULL: none held */
    size_t size;
};

/* Holds at least size bytes in the folder, as <name>.tmp; grows what is held already. On
 * failure what was held is kept. */
enum aft_code aft_file_reserve_hold(struct aft_file_reserve *reserve, const char *folder,
                                    const char *name, size_t size, struct aft_error *error);
/* As aft_file_publish, into the reserve's blocks; the reserve is spent. MISSING
 * where none is held, SPACE where it is too small. */
enum aft_code aft_file_publish_reserved(struct aft_file_reserve *reserve, const char *path,
                                        const void *bytes, size_t size, struct aft_error *error);
void aft_file_reserve_release(struct aft_file_reserve *reserve);

/* Renames within one folder and makes the rename durable. */
enum aft_code aft_file_rename(const char *from, const char *to, struct aft_error *error);

/* fsync of the folder that holds path. */
enum aft_code aft_file_sync_folder_of(const char *path, struct aft_error *error);

/* Creates the folder and its parents, as mkdir -p does, durably. */
enum aft_code aft_file_make_folder(const char *path, struct aft_error *error);

/* Removes temporaries left in the folder by killed processes. Call it only
 * while holding the run's lock. *swept counts them; it may be NULL. */
enum aft_code aft_file_sweep_temporaries(const char *folder, int *swept, struct aft_error *error);

/* True for the name of a temporary. */
bool aft_file_is_temporary(const char *name);

#endif
