/*
 * Where the console's text goes. A terminal that has been stopped (Ctrl+S), a
 * pipe whose reader sleeps and a pipe that is closed must not hold up a process
 * that has archives to write: text waits here, up to a limit, and what does
 * not fit is dropped and counted.
 */
#ifndef AFT_REPORT_SINK_H
#define AFT_REPORT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { AFT_SINK_LIMIT = 1 << 18 };

struct aft_sink {
    FILE *stream;
    int fd;      /* -1: the stream is not a file (a memory stream) */
    bool dead;   /* it could not be written; nothing is tried any more */
    char *bytes; /* [AFT_SINK_LIMIT], waiting */
    size_t used;
    int64_t dropped;
};

bool aft_sink_init(struct aft_sink *sink, FILE *stream); /* false: out of memory */
void aft_sink_add(struct aft_sink *sink, const char *text, size_t size);
/* Writes what can be written, waiting at most wait_ms in all. */
void aft_sink_flush(struct aft_sink *sink, int wait_ms);
void aft_sink_clear(struct aft_sink *sink);

#endif
