#include "support.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[40];

int enter_folder(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/aft_curriculum_XXXXXX", sizeof "/tmp/aft_curriculum_XXXXXX");
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

int leave_folder(void **state)
{
    (void)state;
    char command[64];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return chdir("/") == 0 ? system(command) : -1;
}

void put(const char *path, const void *bytes, size_t size)
{
    struct aft_error error;
    assert_int_equal(aft_file_publish(path, bytes, size, &error), AFT_OK);
}

void put_text(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

enum aft_code try_load(const char *text, const char *override, struct aft_error *error)
{
    struct aft_curriculum *curriculum = NULL;
    put_text("t.ini", text);
    enum aft_code code =
        aft_curriculum_load(&curriculum, "t.ini", &override, override != NULL ? 1 : 0, error);
    aft_curriculum_destroy(curriculum);
    return code;
}

struct aft_curriculum *load(const char *text, const char *override)
{
    struct aft_curriculum *curriculum = NULL;
    struct aft_error error = {0};
    put_text("t.ini", text);
    enum aft_code code =
        aft_curriculum_load(&curriculum, "t.ini", &override, override != NULL ? 1 : 0, &error);
    if (code != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return curriculum;
}

void assert_refused(const char *text, const char *override, const char *message)
{
    struct aft_error error = {0};
    assert_int_equal(try_load(text, override, &error), AFT_ERR_USAGE);
    assert_int_equal(error.code, AFT_ERR_USAGE);
    assert_string_equal(error.message, message);
    assert_true(strlen(error.message) < sizeof error.message - 1);
}

void fingerprint_of(const struct aft_curriculum *curriculum, int stage,
                    char hex[AFT_SHA256_HEX_SIZE])
{
    struct aft_json *settings = NULL;
    struct aft_error error = {0};
    if (aft_stage_effective_settings(&settings, curriculum, stage, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(aft_settings_fingerprint(hex, settings, &error), AFT_OK);
    aft_json_destroy(settings);
}
