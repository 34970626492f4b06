/*
 * The document is a row of texts, each as its length (8 bytes) and its bytes:
 * last stage, path, the curriculum's text, reference scores as JSON, then the overrides. Paths and
 * texts need not be valid UTF-8.
 */
#include "runner/launch.h"

#include "base/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DOCUMENT_LIMIT = 16 << 20, FIXED_TEXTS = 4 };

static void put_text(FILE *stream, const char *text)
{
    uint64_t length = strlen(text);
    (void)fwrite(&length, sizeof length, 1, stream);
    (void)fwrite(text, 1, length, stream);
}

static enum aft_code put_references(FILE *stream, const struct aft_launch *launch,
                                    struct aft_error *error)
{
    struct aft_json *list = aft_json_array();
    char *text = NULL;
    size_t size = 0;
    for (int i = 0; i < launch->curriculum->n_stages; i++) {
        struct aft_json *stage = aft_json_object();
        aft_reference_score_set(stage, &launch->references.stages[i]);
        aft_json_append(list, stage);
    }
    enum aft_code code = aft_json_write(&text, &size, list, false, error);
    if (code == AFT_OK) {
        put_text(stream, text);
    }
    aft_json_destroy(list);
    free(text);
    return code;
}

static enum aft_code take_references(struct aft_reference_scores *references, const char *text,
                                     struct aft_error *error)
{
    struct aft_json *list = NULL;
    aft_reference_scores_forget(references);
    enum aft_code code = aft_json_parse(&list, text, strlen(text), "launch document", error);
    for (size_t i = 0; i < aft_json_length(list) && i < AFT_MAX_STAGES && code == AFT_OK; i++) {
        references->stages[i] = aft_reference_score_get(aft_json_at(list, i));
    }
    aft_json_destroy(list);
    return code;
}

enum aft_code aft_launch_write(int *fd, const struct aft_launch *launch,
                               const char *const *overrides, int n_overrides,
                               struct aft_error *error)
{
    const struct aft_curriculum *curriculum = launch->curriculum;
    char number[16];
    char *bytes = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    if (stream == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write launch document: no memory");
    }
    (void)snprintf(number, sizeof number, "%d", launch->last_stage);
    put_text(stream, number);
    put_text(stream, curriculum->path);
    put_text(stream, curriculum->text);
    enum aft_code code = put_references(stream, launch, error);
    for (int i = 0; i < n_overrides; i++) {
        put_text(stream, overrides[i]);
    }
    if (fclose(stream) != 0 && code == AFT_OK) {
        code = aft_fail(error, AFT_ERR_MEMORY, "write launch document: no memory");
    } else if (code == AFT_OK) {
        *fd = memfd_create("aftershock-launch", MFD_CLOEXEC);
        if (*fd < 0 || write(*fd, bytes, size) != (ssize_t)size) {
            code = aft_fail_errno(error, "write launch document");
        }
    }
    free(bytes);
    return code;
}

/* Takes the texts apart; each becomes a string of its own. */
static enum aft_code take_texts(char ***texts, int *n, const char *bytes, size_t size,
                                struct aft_error *error)
{
    size_t at = 0;
    while (at < size) {
        uint64_t length;
        char **grown = realloc(*texts, ((size_t)*n + 1) * sizeof *grown);
        if (grown == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "read launch document: no memory");
        }
        *texts = grown;
        if (size - at < sizeof length) {
            return aft_fail(error, AFT_ERR_CORRUPT, "read launch document: it is cut short");
        }
        memcpy(&length, bytes + at, sizeof length);
        at += sizeof length;
        if (length > size - at) {
            return aft_fail(error, AFT_ERR_CORRUPT, "read launch document: it is cut short");
        }
        grown[*n] = strndup(bytes + at, length);
        if (grown[*n] == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "read launch document: no memory");
        }
        (*n)++;
        at += length;
    }
    return *n >= FIXED_TEXTS
               ? AFT_OK
               : aft_fail(error, AFT_ERR_CORRUPT, "read launch document: it is cut short");
}

enum aft_code aft_launch_read(struct aft_launch *launch, int fd, struct aft_error *error)
{
    char path[64];
    char *bytes = NULL;
    size_t size = 0;
    char **texts = NULL;
    int n = 0;
    memset(launch, 0, sizeof *launch);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    enum aft_code code = aft_file_read(&bytes, &size, path, DOCUMENT_LIMIT, error);
    if (code == AFT_OK) {
        code = take_texts(&texts, &n, bytes, size, error);
    }
    if (code == AFT_OK) {
        code = take_references(&launch->references, texts[3], error);
    }
    if (code == AFT_OK) {
        launch->last_stage = (int)strtol(texts[0], NULL, 10);
        code =
            aft_curriculum_parse(&launch->curriculum, texts[2], strlen(texts[2]), texts[1],
                                 (const char *const *)&texts[FIXED_TEXTS], n - FIXED_TEXTS, error);
    }
    for (int i = 0; i < n; i++) {
        free(texts[i]);
    }
    free(texts);
    free(bytes);
    return code;
}

void aft_launch_clear(struct aft_launch *launch)
{
    aft_curriculum_destroy(launch->curriculum);
}
