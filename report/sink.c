/* A bounded queue in front of a stream; see the header. */
#include "report/sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 512 }; /* at most PIPE_BUF: a writable pipe takes it without blocking */

bool aft_sink_init(struct aft_sink *sink, FILE *stream)
{
    *sink = (struct aft_sink){.stream = stream, .fd = fileno(stream)};
    sink->bytes = malloc(AFT_SINK_LIMIT);
    return sink->bytes != NULL;
}

static void flush_stream(struct aft_sink *sink)
{
    (void)fwrite(sink->bytes, 1, sink->used, sink->stream);
    sink->used = 0;
    if (fflush(sink->stream) != 0 || ferror(sink->stream)) {
        sink->dead = true;
    }
}

static bool writable(int fd, int wait_ms)
{
    struct pollfd entry = {.fd = fd, .events = POLLOUT};
    return poll(&entry, 1, wait_ms) > 0;
}

void aft_sink_flush(struct aft_sink *sink, int wait_ms)
{
    if (sink->dead || sink->used == 0) {
        return;
    }
    if (sink->fd < 0) {
        flush_stream(sink);
        return;
    }
    (void)fflush(sink->stream); /* what others have put into the stream comes first */
    size_t done = 0;
    while (done < sink->used && writable(sink->fd, wait_ms)) {
        size_t size = sink->used - done < CHUNK ? sink->used - done : CHUNK;
        ssize_t n = write(sink->fd, sink->bytes + done, size);
        if (n > 0) {
            done += (size_t)n;
        } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            break; /* at the next tick */
        } else if (n < 0) {
            sink->dead = true; /* EPIPE, EIO of a terminal that is gone, ENOSPC, … */
            done = sink->used;
        }
    }
    sink->used -= done;
    memmove(sink->bytes, sink->bytes + done, sink->used);
}

void aft_sink_add(struct aft_sink *sink, const char *text, size_t size)
{
    if (sink->dead) {
        return;
    }
    if (size > AFT_SINK_LIMIT - sink->used) {
        aft_sink_flush(sink, 0);
    }
    if (size > AFT_SINK_LIMIT - sink->used) {
        sink->dropped++;
        return;
    }
    memcpy(sink->bytes + sink->used, text, size);
    sink->used += size;
}

void aft_sink_clear(struct aft_sink *sink)
{
    free(sink->bytes);
    *sink = (struct aft_sink){.fd = -1, .dead = true};
}
