#include "runner/launch.h"

#include "base/file.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DOCUMENT_LIMIT = 16 << 20 };

static enum aft_code write_document(int *fd, const char *text, size_t size, struct aft_error *error)
{
    *fd = memfd_create("aftershock-launch", MFD_CLOEXEC);
    if (*fd < 0 || write(*fd, text, size) != (ssize_t)size) {
        return aft_fail_errno(error, "write launch document");
    }
    return AFT_OK;
}

enum aft_code aft_launch_write(int *fd, const struct aft_curriculum *curriculum,
                               const char *const *overrides, int n_overrides, int last_stage,
                               struct aft_error *error)
{
    struct aft_json *document = aft_json_object();
    struct aft_json *list = aft_json_array();
    for (int i = 0; i < n_overrides; i++) {
        aft_json_append(list, aft_json_string(overrides[i]));
    }
    aft_json_set_string(document, "path", curriculum->path);
    aft_json_set_string(document, "text", curriculum->text);
    aft_json_set(document, "overrides", list);
    aft_json_set_integer(document, "last_stage", last_stage);
    char *text = NULL;
    size_t size = 0;
    enum aft_code code = aft_json_write(&text, &size, document, false, error);
    if (code == AFT_OK) {
        code = write_document(fd, text, size, error);
    }
    free(text);
    aft_json_destroy(document);
    return code;
}

static enum aft_code parse_document(struct aft_launch *launch, const struct aft_json *document,
                                    struct aft_error *error)
{
    const struct aft_json *list = aft_json_get(document, "overrides");
    const char *path = aft_json_get_string(document, "path", "");
    const char *text = aft_json_get_string(document, "text", "");
    size_t n = aft_json_length(list);
    const char **overrides = calloc(n + 1, sizeof *overrides);
    if (overrides == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read launch document: no memory");
    }
    for (size_t i = 0; i < n; i++) {
        overrides[i] = aft_json_string_value(aft_json_at(list, i), "");
    }
    launch->last_stage = (int)aft_json_get_integer(document, "last_stage", 0);
    enum aft_code code = aft_curriculum_parse(&launch->curriculum, text, strlen(text), path,
                                              overrides, (int)n, error);
    free(overrides);
    return code;
}

enum aft_code aft_launch_read(struct aft_launch *launch, int fd, struct aft_error *error)
{
    char path[64];
    char *text = NULL;
    size_t size = 0;
    struct aft_json *document = NULL;
    memset(launch, 0, sizeof *launch);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    enum aft_code code = aft_file_read(&text, &size, path, DOCUMENT_LIMIT, error);
    if (code == AFT_OK) {
        code = aft_json_parse(&document, text, size, "launch document", error);
    }
    if (code == AFT_OK) {
        code = parse_document(launch, document, error);
    }
    aft_json_destroy(document);
    free(text);
    return code;
}

void aft_launch_clear(struct aft_launch *launch)
{
    aft_curriculum_destroy(launch->curriculum);
}
