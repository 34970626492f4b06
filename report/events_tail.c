/*
 * A kill between two write() calls leaves nothing torn; a full disk or a power
 * cut may leave a part of a line, or zeros. The file is searched from its end,
 * in a window that grows until it holds a sound line.
 */
#include "report/events_tail.h"

#include "base/json.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_WINDOW = 1 << 16, WINDOW_GROWTH = 8 };

struct tail {
    int64_t seq; /* of the last sound line; -1: none found */
    off_t end;   /* just behind it */
    bool has_lines;
};

static int64_t seq_of(const char *line, size_t length)
{
    struct aft_json *event = NULL;
    int64_t seq = -1;
    if (aft_json_parse(&event, line, length, "event", NULL) == AFT_OK) {
        seq = aft_json_get_integer(event, "seq", -1);
    }
    aft_json_destroy(event);
    return seq;
}

/* Looks for the last sound line in the file's last size bytes, which begin at offset. A line
 * that may have begun before them is not looked at. */
static void search(struct tail *tail, const char *bytes, size_t size, off_t offset)
{
    const char *newline = memrchr(bytes, '\n', size);
    tail->seq = -1;
    tail->end = 0;
    tail->has_lines = newline != NULL;
    while (newline != NULL) {
        const char *before = memrchr(bytes, '\n', (size_t)(newline - bytes));
        if (before == NULL && offset > 0) {
            return;
        }
        const char *line = before != NULL ? before + 1 : bytes;
        tail->seq = seq_of(line, (size_t)(newline - line));
        if (tail->seq >= 0) {
            tail->end = offset + (newline - bytes) + 1;
            return;
        }
        newline = before;
    }
}

static enum aft_code find(struct tail *tail, char *first, int fd, off_t size, const char *path,
                          struct aft_error *error)
{
    for (off_t window = FIRST_WINDOW;; window *= WINDOW_GROWTH) {
        off_t offset = window < size ? size - window : 0;
        size_t wanted = (size_t)(size - offset);
        char *bytes = malloc(wanted);
        if (bytes == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "read '%s': no memory", path);
        }
        ssize_t n = pread(fd, bytes, wanted, offset);
        if (n < 0 || (size_t)n != wanted) {
            free(bytes);
            return aft_fail_errno(error, "read '%s'", path);
        }
        search(tail, bytes, wanted, offset);
        *first = bytes[0];
        free(bytes);
        if (tail->seq >= 0 || offset == 0) {
            return AFT_OK;
        }
    }
}

static enum aft_code mend(int64_t *seq, int fd, const char *path, struct aft_error *error)
{
    struct stat status;
    struct tail tail = {0};
    char first = '\0';
    if (fstat(fd, &status) != 0) {
        return aft_fail_errno(error, "look at '%s'", path);
    }
    if (status.st_size == 0) {
        return AFT_OK;
    }
    enum aft_code code = find(&tail, &first, fd, status.st_size, path, error);
    if (code != AFT_OK) {
        return code;
    }
    bool torn_first_line = !tail.has_lines && (first == '{' || first == '\0');
    if (tail.seq < 0 && !torn_first_line) {
        return aft_fail(error, AFT_ERR_REFUSED, "continue '%s': no line of it is an event", path);
    }
    if (tail.end < status.st_size && ftruncate(fd, tail.end) != 0) {
        return aft_fail_errno(error, "shorten '%s'", path);
    }
    *seq = tail.seq > 0 ? tail.seq : 0;
    return AFT_OK;
}

enum aft_code aft_events_tail_mend(int64_t *seq, const char *path, struct aft_error *error)
{
    *seq = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return aft_fail_errno(error, "open '%s'", path);
    }
    enum aft_code code = mend(seq, fd, path, error);
    (void)close(fd);
    return code;
}
