#include "base/file.h"

#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum aft_code read_open_file(int fd, char **bytes, size_t *size, const char *path,
                                    size_t limit, struct aft_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return aft_fail_errno(error, "look at '%s'", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return aft_fail(error, AFT_ERR_IO, "read '%s': not a regular file", path);
    }
    if (status.st_size < 0 || (uintmax_t)status.st_size > limit) {
        return aft_fail(error, AFT_ERR_IO, "read '%s': larger than %zu bytes", path, limit);
    }
    size_t expected = (size_t)status.st_size;
    char *buffer = malloc(expected + 1);
    if (buffer == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read '%s': no memory for %zu bytes", path,
                        expected);
    }
    size_t used = 0;
    while (used < expected) {
        ssize_t n = read(fd, buffer + used, expected - used);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            enum aft_code code = aft_fail_errno(error, "read '%s'", path);
            free(buffer);
            return code;
        }
        if (n == 0) {
            break; /* the file shrank meanwhile; the caller sees what is there */
        }
        used += (size_t)n;
    }
    buffer[used] = '\0';
    *bytes = buffer;
    *size = used;
    return AFT_OK;
}

enum aft_code aft_file_read(char **bytes, size_t *size, const char *path, size_t limit,
                            struct aft_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return aft_fail_errno(error, "open '%s'", path);
    }
    enum aft_code code = read_open_file(fd, bytes, size, path, limit, error);
    (void)close(fd);
    return code;
}

static enum aft_code write_all(int fd, const char *bytes, size_t size, const char *path,
                               struct aft_error *error)
{
    size_t written = 0;
    while (written < size) {
        ssize_t n = write(fd, bytes + written, size - written);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return aft_fail_errno(error, "write '%s'", path);
        }
        written += (size_t)n;
    }
    return AFT_OK;
}

enum aft_code aft_file_sync_folder_of(const char *path, struct aft_error *error)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        memcpy(folder, ".", 2);
    } else if ((size_t)(slash - path) + 2 > sizeof folder) {
        return aft_fail(error, AFT_ERR_IO, "sync folder of '%.100s…': path too long", path);
    } else {
        size_t length = slash == path ? 1 : (size_t)(slash - path);
        memcpy(folder, path, length);
        folder[length] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return aft_fail_errno(error, "open folder '%s'", folder);
    }
    enum aft_code code = AFT_OK;
    if (fsync(fd) != 0) {
        code = aft_fail_errno(error, "sync folder '%s'", folder);
    }
    (void)close(fd);
    return code;
}

enum aft_code aft_file_rename(const char *from, const char *to, struct aft_error *error)
{
    if (rename(from, to) != 0) {
        return aft_fail_errno(error, "rename '%s' to '%s'", from, aft_path_name(to));
    }
    return aft_file_sync_folder_of(to, error);
}

/* By a temporary name in the same folder. The rename is not yet durable. */
static enum aft_code put_in_place(const char *path, const void *bytes, size_t size, bool durable,
                                  struct aft_error *error)
{
    char temporary[PATH_MAX];
    int length =
        snprintf(temporary, sizeof temporary, "%s.%ld" AFT_TEMPORARY_SUFFIX, path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return aft_fail(error, AFT_ERR_IO, "write '%.100s…': path too long", path);
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        return aft_fail_errno(error, "create '%s'", temporary);
    }
    enum aft_code code = write_all(fd, bytes, size, temporary, error);
    /* A failed fsync is not repeated on this file: the kernel may have dropped
     * the pages it could not write, and would then report success. */
    if (code == AFT_OK && durable && fsync(fd) != 0) {
        code = aft_fail_errno(error, "sync '%s'", temporary);
    }
    if (close(fd) != 0 && code == AFT_OK) {
        code = aft_fail_errno(error, "close '%s'", temporary);
    }
    if (code == AFT_OK && rename(temporary, path) != 0) {
        code = aft_fail_errno(error, "rename '%s' to '%s'", temporary, aft_path_name(path));
    }
    if (code != AFT_OK) {
        (void)unlink(temporary);
    }
    return code;
}

enum aft_code aft_file_publish(const char *path, const void *bytes, size_t size,
                               struct aft_error *error)
{
    enum aft_code code = put_in_place(path, bytes, size, true, error);
    return code == AFT_OK ? aft_file_sync_folder_of(path, error) : code;
}

enum aft_code aft_file_replace(const char *path, const void *bytes, size_t size,
                               struct aft_error *error)
{
    return put_in_place(path, bytes, size, false, error);
}

enum aft_code aft_file_reserve_hold(struct aft_file_reserve *reserve, const char *folder,
                                    const char *name, size_t size, struct aft_error *error)
{
    char path[PATH_MAX];
    char file_name[64];
    if (reserve->path != NULL && reserve->size >= size) {
        return AFT_OK;
    }
    (void)snprintf(file_name, sizeof file_name, "%s" AFT_TEMPORARY_SUFFIX, name);
    enum aft_code code = aft_path_join(path, folder, file_name, error);
    if (code != AFT_OK) {
        return code;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        return aft_fail_errno(error, "create '%s'", path);
    }
    errno = posix_fallocate(fd, 0, (off_t)size);
    if (errno != 0) {
        code = aft_fail_errno(error, "reserve %zu bytes in '%s'", size, path);
    }
    (void)close(fd);
    if (code == AFT_OK && reserve->path == NULL && (reserve->path = strdup(path)) == NULL) {
        code = aft_fail(error, AFT_ERR_MEMORY, "reserve space: no memory");
    }
    if (code == AFT_OK) {
        reserve->size = size;
    } else if (reserve->path == NULL) {
        (void)unlink(path);
    }
    return code;
}

static enum aft_code fill_reserve(int fd, const struct aft_file_reserve *reserve, const void *bytes,
                                  size_t size, struct aft_error *error)
{
    enum aft_code code = write_all(fd, bytes, size, reserve->path, error);
    if (code == AFT_OK && ftruncate(fd, (off_t)size) != 0) {
        code = aft_fail_errno(error, "shorten '%s'", reserve->path);
    }
    if (code == AFT_OK && fsync(fd) != 0) {
        code = aft_fail_errno(error, "sync '%s'", reserve->path);
    }
    return code;
}

enum aft_code aft_file_publish_reserved(struct aft_file_reserve *reserve, const char *path,
                                        const void *bytes, size_t size, struct aft_error *error)
{
    if (reserve->path == NULL) {
        return aft_fail(error, AFT_ERR_MISSING, "write '%s': no space was reserved", path);
    }
    if (size > reserve->size) {
        return aft_fail(error, AFT_ERR_SPACE, "write '%s': %zu bytes, and %zu are reserved", path,
                        size, reserve->size);
    }
    int fd = open(reserve->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return aft_fail_errno(error, "open '%s'", reserve->path);
    }
    enum aft_code code = fill_reserve(fd, reserve, bytes, size, error);
    (void)close(fd);
    if (code == AFT_OK) {
        code = aft_file_rename(reserve->path, path, error);
    }
    aft_file_reserve_release(reserve);
    return code;
}

void aft_file_reserve_release(struct aft_file_reserve *reserve)
{
    if (reserve->path != NULL) {
        (void)unlink(reserve->path); /* gone already when it was published */
        free(reserve->path);
    }
    *reserve = (struct aft_file_reserve){0};
}

enum aft_code aft_file_make_folder(const char *path, struct aft_error *error)
{
    char partial[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial) {
        return aft_fail(error, AFT_ERR_USAGE, "create folder '%.100s': bad path", path);
    }
    memcpy(partial, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (partial[i] != '/' && partial[i] != '\0') {
            continue;
        }
        char kept = partial[i];
        partial[i] = '\0';
        if (mkdir(partial, 0777) == 0) {
            enum aft_code code = aft_file_sync_folder_of(partial, error);
            if (code != AFT_OK) {
                return code;
            }
        } else if (errno != EEXIST) {
            return aft_fail_errno(error, "create folder '%s'", partial);
        }
        partial[i] = kept;
    }
    struct stat status;
    if (stat(path, &status) != 0) {
        return aft_fail_errno(error, "look at folder '%s'", path);
    }
    if (!S_ISDIR(status.st_mode)) {
        return aft_fail(error, AFT_ERR_IO, "create folder '%s': a file is in the way", path);
    }
    return AFT_OK;
}

bool aft_file_is_temporary(const char *name)
{
    size_t length = strlen(name);
    size_t suffix = strlen(AFT_TEMPORARY_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, AFT_TEMPORARY_SUFFIX) == 0;
}

enum aft_code aft_file_sweep_temporaries(const char *folder, int *swept, struct aft_error *error)
{
    int count = 0;
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return aft_fail_errno(error, "open folder '%s'", folder);
    }
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        if (aft_file_is_temporary(entry->d_name) &&
            unlinkat(dirfd(stream), entry->d_name, 0) == 0) {
            count++;
        }
    }
    (void)closedir(stream);
    if (swept != NULL) {
        *swept = count;
    }
    return AFT_OK;
}
