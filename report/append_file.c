/* Appends whole lines; see the header. */
#include "report/append_file.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum aft_code aft_append_file_reopen(struct aft_append_file *file, struct aft_error *error)
{
    aft_append_file_close(file);
    struct stat status;
    if (stat(file->path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode)) {
        return aft_fail(error, AFT_ERR_IO, "open '%s': not a regular file", file->path);
    }
    file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (file->fd < 0) {
        return aft_fail_errno(error, "open '%s'", file->path);
    }
    return AFT_OK;
}

enum aft_code aft_append_file_open(struct aft_append_file *file, const char *folder,
                                   const char *name, struct aft_error *error)
{
    file->fd = -1;
    file->lines_lost = 0;
    enum aft_code code = aft_path_join(file->path, folder, name, error);
    if (code != AFT_OK) {
        return code;
    }
    return aft_append_file_reopen(file, error);
}

void aft_append_file_write(struct aft_append_file *file, const char *text, size_t size)
{
    ssize_t written = -1;
    errno = EBADF;
    if (file->fd >= 0) {
        do {
            written = write(file->fd, text, size);
        } while (written < 0 && errno == EINTR);
    }
    if (written >= 0 && (size_t)written == size) {
        return;
    }
    int cause = written < 0 ? errno : ENOSPC;
    struct stat status;
    if (written > 0 && fstat(file->fd, &status) == 0 && S_ISREG(status.st_mode) &&
        ftruncate(file->fd, status.st_size - written) != 0) {
        cause = errno; /* the torn line stays; readers drop it */
    }
    if (file->lines_lost++ == 0) {
        (void)fprintf(stderr, "warning: write '%s': %s; training goes on without these lines\n",
                      file->path, strerror(cause));
    }
}

bool aft_append_file_is_regular(const struct aft_append_file *file)
{
    struct stat status;
    return file->fd >= 0 && fstat(file->fd, &status) == 0 && S_ISREG(status.st_mode);
}

void aft_append_file_close(struct aft_append_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = -1;
}
