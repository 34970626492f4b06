/*
 * Error values. A function that can fail returns an aft_code (0 is success)
 * and fills the caller's struct aft_error: no allocation, no thread-local.
 * A message reads "operation 'object': cause", without a final full stop.
 */
#ifndef AFT_BASE_ERROR_H
#define AFT_BASE_ERROR_H

enum aft_code {
    AFT_OK = 0,
    AFT_ERR_USAGE,   /* bad usage, or a curriculum or input file with a mistake */
    AFT_ERR_IO,      /* the operating system refused a file operation */
    AFT_ERR_SPACE,   /* no space, no inodes, or over quota */
    AFT_ERR_MEMORY,  /* an allocation failed */
    AFT_ERR_CORRUPT, /* an archive or a snapshot that cannot be believed */
    AFT_ERR_REFUSED, /* valid, but contradicts what was asked for */
    AFT_ERR_BUSY,    /* another process holds it */
    AFT_ERR_MISSING, /* a file, a module or a device that is not there */
    AFT_ERR_NUMERIC, /* not finite, singular, or not converged */
    AFT_ERR_ENGINE,  /* the engine's library or device failed; may pass */
    AFT_ERR_GATE,    /* trained to its end, and not good enough */
};

struct aft_error {
    enum aft_code code;
    char message[256];
};

/* Fill *error (which may be NULL) and return code. Long messages are cut. */
enum aft_code aft_fail(struct aft_error *error, enum aft_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": strerror(errno)" appended; the code follows from errno
 * (ENOSPC, EDQUOT, EFBIG: SPACE; ENOMEM: MEMORY; ENOENT: MISSING; otherwise IO). */
enum aft_code aft_fail_errno(struct aft_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
