/*
 * The document is a row of texts, each as its length (8 bytes) and its bytes:
 * last stage, path, the curriculum's text, the path of references.json, its keys one behind the
 * other, then the overrides. Paths and
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

enum { DOCUMENT_LIMIT = 16 << 20, FIXED_TEXTS = 5 };

static void put_text(FILE *stream, const char *text)
{
    uint64_t length = strlen(text);
    (void)fwrite(&length, sizeof length, 1, stream);
    (void)fwrite(text, 1, length, stream);
}

enum { KEY_LENGTH = AFT_SHA256_HEX_SIZE - 1 };

static void put_references(FILE *stream, const struct aft_reference_file *references)
{
    char keys[AFT_MAX_STAGES * KEY_LENGTH + 1] = "";
    for (int i = 0; i < references->n; i++) {
        memcpy(keys + i * KEY_LENGTH, references->keys[i], KEY_LENGTH + 1);
    }
    put_text(stream, references->path);
    put_text(stream, keys);
}

static void take_references(struct aft_reference_file *references, const char *path,
                            const char *keys)
{
    (void)snprintf(references->path, sizeof references->path, "%s", path);
    int n = (int)(strlen(keys) / KEY_LENGTH);
    references->n = n < AFT_MAX_STAGES ? n : AFT_MAX_STAGES;
    for (int i = 0; i < references->n; i++) {
        memcpy(references->keys[i], keys + i * KEY_LENGTH, KEY_LENGTH); /* ends in 0 as it is */
    }
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
    put_references(stream, &launch->references);
    for (int i = 0; i < n_overrides; i++) {
        put_text(stream, overrides[i]);
    }
    enum aft_code code = AFT_OK;
    if (fclose(stream) != 0) {
        code = aft_fail(error, AFT_ERR_MEMORY, "write launch document: no memory");
    } else {
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
        take_references(&launch->references, texts[3], texts[4]);
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
