#include "service/growing_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_SIZE = 2 * AFT_GROWING_LINE_LIMIT, OWN_BUDGET = 64 << 10 };
static const int64_t ns_per_s = 1000000000;

int64_t aft_file_mtime_ns(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * ns_per_s + (int64_t)status->st_mtim.tv_nsec;
}

bool aft_file_is_as_marked(const struct aft_file_mark *mark, const char *path)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return mark->inode == 0;
    }
    return mark->inode == (int64_t)status.st_ino && mark->size == (int64_t)status.st_size &&
           mark->mtime_ns == aft_file_mtime_ns(&status);
}

enum aft_code aft_growing_file_open(struct aft_growing_file *file, const char *path,
                                    int64_t *budget, struct aft_error *error)
{
    *file = (struct aft_growing_file){.budget = budget, .own_budget = OWN_BUDGET};
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file->fd < 0) {
        return aft_fail_errno(error, "read '%s'", path);
    }
    enum aft_code code = AFT_OK;
    if (fstat(file->fd, &file->status) != 0) {
        code = aft_fail_errno(error, "read '%s'", path);
    } else if (!S_ISREG(file->status.st_mode)) {
        code = aft_fail(error, AFT_ERR_IO, "read '%s': not a regular file", path);
    } else if ((file->buffer = malloc(BUFFER_SIZE)) == NULL) {
        code = aft_fail(error, AFT_ERR_MEMORY, "read '%s': out of memory", path);
    }
    if (code != AFT_OK) {
        aft_growing_file_close(file);
    }
    return code;
}

void aft_growing_file_close(struct aft_growing_file *file)
{
    free(file->buffer);
    file->buffer = NULL;
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = -1;
}

/* As many bytes as there are, at most size. */
static ssize_t read_at(int fd, void *bytes, size_t size, int64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + (int64_t)done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    return (ssize_t)done;
}

bool aft_growing_file_has(const struct aft_growing_file *file, const struct aft_file_place *place)
{
    unsigned char tail[AFT_FILE_TAIL];
    ssize_t n =
        read_at(file->fd, tail, place->tail_size, place->offset - (int64_t)place->tail_size);
    return n == (ssize_t)place->tail_size && memcmp(tail, place->tail, place->tail_size) == 0;
}

void aft_growing_file_go_to(struct aft_growing_file *file, int64_t offset)
{
    file->offset = offset;
    file->start = file->filled = 0;
    file->skipping = false;
}

/* Reads on behind what is in the buffer; false where nothing came. */
static enum aft_code fill(bool *came, struct aft_growing_file *file, struct aft_error *error)
{
    size_t left = file->filled - file->start;
    if (file->start > 0) {
        memmove(file->buffer, file->buffer + file->start, left);
        file->start = 0;
        file->filled = left;
    }
    size_t room = BUFFER_SIZE - file->filled;
    int64_t left_to_read = *file->budget > file->own_budget ? *file->budget : file->own_budget;
    file->cut_short = left_to_read <= 0;
    if ((int64_t)room > left_to_read) {
        room = (size_t)left_to_read;
    }
    ssize_t n =
        read_at(file->fd, file->buffer + file->filled, room, file->offset + (int64_t)file->filled);
    if (n < 0) {
        return aft_fail_errno(error, "read a file");
    }
    file->filled += (size_t)n;
    file->own_budget = file->own_budget > n ? file->own_budget - n : 0;
    *file->budget = *file->budget > n ? *file->budget - n : 0;
    *came = n > 0;
    return AFT_OK;
}

/* Drops what is in the buffer of a line that is too long. */
static void skip(struct aft_growing_file *file)
{
    file->lines_too_long += file->skipping ? 0 : 1;
    file->skipping = true;
    file->offset += (int64_t)(file->filled - file->start);
    file->start = file->filled = 0;
}

enum aft_code aft_growing_file_line(char **line, size_t *length, struct aft_growing_file *file,
                                    struct aft_error *error)
{
    *line = NULL;
    *length = 0;
    for (;;) {
        char *from = file->buffer + file->start;
        char *newline = memchr(from, '\n', file->filled - file->start);
        if (newline != NULL) {
            size_t size = (size_t)(newline - from);
            bool wanted = !file->skipping && size <= AFT_GROWING_LINE_LIMIT;
            file->lines_too_long += !file->skipping && !wanted;
            file->skipping = false;
            file->start += size + 1;
            file->offset += (int64_t)size + 1;
            if (!wanted) {
                continue;
            }
            *newline = '\0';
            *line = from;
            *length = size;
            return AFT_OK;
        }
        if (file->filled - file->start > AFT_GROWING_LINE_LIMIT) {
            skip(file);
        }
        bool came = false;
        enum aft_code code = fill(&came, file, error);
        if (code != AFT_OK || !came) {
            return code;
        }
    }
}

void aft_growing_file_place(struct aft_file_place *place, const struct aft_growing_file *file)
{
    size_t size = file->offset < AFT_FILE_TAIL ? (size_t)file->offset : AFT_FILE_TAIL;
    place->offset = file->offset;
    ssize_t n = read_at(file->fd, place->tail, size, file->offset - (int64_t)size);
    place->tail_size = n > 0 ? (size_t)n : 0;
}

void aft_growing_file_mark(struct aft_file_mark *mark, const struct aft_growing_file *file)
{
    mark->inode = (int64_t)file->status.st_ino;
    mark->size = (int64_t)file->status.st_size;
    mark->mtime_ns = file->cut_short ? -1 : aft_file_mtime_ns(&file->status);
    aft_growing_file_place(&mark->end, file);
}
