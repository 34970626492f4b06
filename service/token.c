#include "service/token.h"

#include "base/path.h"
#include "service/user_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static enum aft_code take(struct aft_token *token, const char *text, const char *source,
                          struct aft_error *error)
{
    size_t length = strlen(text);
    bool good = length >= AFT_TOKEN_LEAST && length <= AFT_TOKEN_MOST;
    for (size_t i = 0; good && i < length; i++) {
        good = text[i] > ' ' && text[i] < 127;
    }
    if (!good) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "%s: a token has %d to %d printable characters without spaces", source,
                        AFT_TOKEN_LEAST, AFT_TOKEN_MOST);
    }
    memcpy(token->text, text, length + 1);
    return AFT_OK;
}

static enum aft_code read_file(struct aft_token *token, const char *path, struct aft_error *error)
{
    char text[AFT_TOKEN_MOST + 3];
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return aft_fail_errno(error, "open '%s'", path);
    }
    enum aft_code code = AFT_OK;
    ssize_t n = 0;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        code = aft_fail(error, AFT_ERR_USAGE, "'%s' is not a file", path);
    } else if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        code = aft_fail(error, AFT_ERR_REFUSED,
                        "'%s': others may read or write this token; chmod 600 it", path);
    } else if ((n = read(fd, text, sizeof text - 1)) < 0) {
        code = aft_fail_errno(error, "read '%s'", path);
    }
    (void)close(fd);
    if (code != AFT_OK) {
        return code;
    }
    text[n] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    (void)snprintf(token->path, sizeof token->path, "%s", path);
    return take(token, text, path, error);
}

/* Under a name of its own first: another server that starts now sees a whole token or none. */
static enum aft_code make_file(const char *path, struct aft_error *error)
{
    unsigned char secret[32];
    char text[2 * sizeof secret + 2] = "";
    char temporary[PATH_MAX];
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret) {
        return aft_fail_errno(error, "make a token");
    }
    for (size_t i = 0; i < sizeof secret; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", secret[i]);
    }
    (void)strcat(text, "\n");
    (void)snprintf(temporary, sizeof temporary, "%.*s.XXXXXX", PATH_MAX - 16, path);
    int fd = mkstemp(temporary); /* with mode 0600 */
    if (fd < 0) {
        return aft_fail_errno(error, "make '%s'", path);
    }
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    enum aft_code code = written ? AFT_OK : aft_fail_errno(error, "write '%s'", path);
    (void)close(fd);
    if (code == AFT_OK && link(temporary, path) != 0 && errno != EEXIST) {
        code = aft_fail_errno(error, "make '%s'", path);
    }
    (void)unlink(temporary);
    return code;
}

enum aft_code aft_token_find(struct aft_token *token, const char *path, struct aft_error *error)
{
    static const char variable[] = "AFTERSHOCK_TOKEN";
    char folder[PATH_MAX], own[PATH_MAX];
    const char *text = getenv(variable);
    *token = (struct aft_token){.text = ""};
    if (path != NULL) {
        return read_file(token, path, error);
    }
    if (text != NULL && *text != '\0') {
        return take(token, text, variable, error);
    }
    enum aft_code code = aft_user_folder(folder, "XDG_STATE_HOME", ".local/state", error);
    if (code == AFT_OK) {
        code = aft_path_join(own, folder, "token", error);
    }
    if (code == AFT_OK && access(own, F_OK) != 0) {
        code = make_file(own, error);
    }
    return code == AFT_OK ? read_file(token, own, error) : code;
}
