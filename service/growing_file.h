/*
 * Files that another process appends lines to, and may cut back, replace or
 * tear: read from where the last reading ended, as long as that place is still
 * what it was.
 */
#ifndef AFT_SERVICE_GROWING_FILE_H
#define AFT_SERVICE_GROWING_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* A tail is longer than a row of progress.csv, for rows that are written again may differ in their
 * first columns alone: the seconds that they took. */
enum { AFT_FILE_TAIL = 1024, AFT_GROWING_LINE_LIMIT = 1 << 20 };

struct aft_file_place { /* within a file, known again by the bytes before it */
    int64_t offset;
    size_t tail_size; /* at most AFT_FILE_TAIL */
    unsigned char tail[AFT_FILE_TAIL];
};

struct aft_file_mark {             /* how far a file has been read; zeroed: not at all */
    int64_t inode, size, mtime_ns; /* as it was found */
    struct aft_file_place end;     /* of what has been read */
};

/* What stat says, as a mark has it. */
int64_t aft_file_mtime_ns(const struct stat *status);

/* Whether the path's file is as the mark has it: then there is nothing to read. Also where there
 * is none, and the mark is zeroed. */
bool aft_file_is_as_marked(const struct aft_file_mark *mark, const char *path);

struct aft_growing_file {
    int fd;
    struct stat status;
    int64_t offset;     /* of the next line */
    int64_t *budget;    /* bytes that may still be read, of this and other files; borrowed */
    int64_t own_budget; /* bytes that may be read whatever that has left */
    bool cut_short;     /* the budget ended the reading before the file did */
    char *buffer;       /* what follows offset, as far as it has been read */
    size_t start, filled;
    bool skipping; /* within a line that is too long */
    int64_t lines_too_long;
};

/* Opens a regular file. What is read of it is taken from *budget; a little is read though nothing
 * is left there, so that files that grow slowly do not wait for those that are long. MISSING where
 * there is no file; links, folders and FIFOs are refused without being waited for. */
enum aft_code aft_growing_file_open(struct aft_growing_file *file, const char *path,
                                    int64_t *budget, struct aft_error *error);
void aft_growing_file_close(struct aft_growing_file *file);

/* Whether the bytes before that place are still what they were. */
bool aft_growing_file_has(const struct aft_growing_file *file, const struct aft_file_place *place);
/* Lines are read from that offset on. */
void aft_growing_file_go_to(struct aft_growing_file *file, int64_t offset);

/* The next whole line, without its newline and ended by a NUL; borrowed until the next call.
 * Lines beyond AFT_GROWING_LINE_LIMIT are passed over and counted. *line is NULL at the end of
 * what is there, or may be read. */
enum aft_code aft_growing_file_line(char **line, size_t *length, struct aft_growing_file *file,
                                    struct aft_error *error);

/* The place before the next line. */
void aft_growing_file_place(struct aft_file_place *place, const struct aft_growing_file *file);
/* How far it has been read. Where the budget ended it, the mark is of no state of the file, so
 * that the rest is read next time. */
void aft_growing_file_mark(struct aft_file_mark *mark, const struct aft_growing_file *file);

#endif
