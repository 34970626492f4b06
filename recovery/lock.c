#include "recovery/lock.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void name_holder(int fd)
{
    char host[64] = "?";
    (void)gethostname(host, sizeof host - 1);
    char text[96];
    int length = snprintf(text, sizeof text, "process %ld on %s\n", (long)getpid(), host);
    /* The lock is held whether or not a full disk takes this line. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length) {
        return;
    }
}

static void read_holder(int fd, char *holder, size_t size)
{
    ssize_t n = pread(fd, holder, size - 1, 0);
    holder[n > 0 ? n : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    for (char *c = holder; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            *c = '?';
        }
    }
}

static enum aft_code open_lock(int *fd, const char *path, struct aft_error *error)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (*fd < 0) {
        return aft_fail_errno(error, "open lock '%s'", path);
    }
    struct stat status;
    if (fstat(*fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        (void)close(*fd);
        return aft_fail(error, AFT_ERR_IO, "open lock '%s': not a regular file", path);
    }
    return AFT_OK;
}

static int lock_now(int fd)
{
    int result;
    do {
        result = flock(fd, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    return result;
}

/* Somebody may have removed the file between open and flock: the lock is then
 * on a file that nobody else will find. */
static bool still_there(int fd, const char *path)
{
    struct stat mine;
    struct stat named;
    return fstat(fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_dev == named.st_dev &&
           mine.st_ino == named.st_ino;
}

static enum aft_code fail_locking(int number, int fd, const char *what, struct aft_error *error)
{
    if (number != EWOULDBLOCK) {
        errno = number;
        return aft_fail_errno(error, "lock '%s'", what);
    }
    char holder[96];
    read_holder(fd, holder, sizeof holder);
    return aft_fail(error, AFT_ERR_BUSY, "lock '%.120s': held by %s", what,
                    holder[0] != '\0' ? holder : "another process");
}

/* what: the thing that is locked, for messages. */
static enum aft_code take(struct aft_lock *lock, const char *path, const char *what,
                          struct aft_error *error)
{
    lock->fd = -1;
    enum aft_code code = AFT_OK;
    for (int attempt = 0; code == AFT_OK && attempt < 100; attempt++) {
        int fd;
        code = open_lock(&fd, path, error);
        if (code != AFT_OK) {
            return code;
        }
        if (lock_now(fd) != 0) {
            code = fail_locking(errno, fd, what, error);
        } else if (still_there(fd, path)) {
            name_holder(fd);
            lock->fd = fd;
            return AFT_OK;
        }
        (void)close(fd);
    }
    return code != AFT_OK ? code
                          : aft_fail(error, AFT_ERR_IO, "lock '%s': it keeps vanishing", path);
}

enum aft_code aft_lock_take(struct aft_lock *lock, const char *folder, struct aft_error *error)
{
    char path[PATH_MAX];
    lock->fd = -1;
    enum aft_code code = aft_path_join(path, folder, "lock", error);
    return code == AFT_OK ? take(lock, path, folder, error) : code;
}

enum aft_code aft_lock_take_file(struct aft_lock *lock, const char *path, struct aft_error *error)
{
    return take(lock, path, path, error);
}

void aft_lock_release(struct aft_lock *lock)
{
    if (lock->fd >= 0) {
        (void)flock(lock->fd, LOCK_UN); /* also where a child has inherited the file */
        (void)close(lock->fd);
        lock->fd = -1;
    }
}
