/* The curriculum's parser. Lines "--set SECTION.KEY=VALUE" before the INI's text
 * are its overrides. What is accepted keeps the ranges of the table of keys. */
#include "curriculum/curriculum.h"
#include "curriculum/keys.h"
#include "curriculum/layers.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OVERRIDES = 8, MAX_OVERRIDE = 256 };

struct input {
    char text[MAX_OVERRIDES][MAX_OVERRIDE];
    const char *overrides[MAX_OVERRIDES];
    int n_overrides;
    const char *ini;
    size_t size;
};

static void split(struct input *input, const char *at, size_t size)
{
    static const char option[] = "--set ";
    const size_t skip = sizeof option - 1;
    const char *end = at + size;
    input->n_overrides = 0;
    while (input->n_overrides < MAX_OVERRIDES && (size_t)(end - at) > skip &&
           memcmp(at, option, skip) == 0) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        int i = input->n_overrides++;
        int length = (int)(stop - at - (ptrdiff_t)skip);
        (void)snprintf(input->text[i], MAX_OVERRIDE, "%.*s", length, at + skip);
        input->overrides[i] = input->text[i];
        at = newline != NULL ? newline + 1 : end;
    }
    input->ini = at;
    input->size = (size_t)(end - at);
}

static void check_key(const struct aft_key *key, const char *base)
{
    double real = 0.0;
    int whole = 0;
    if ((key->flags & AFT_KEY_NO_FIELD) != 0) {
        return;
    }
    if (key->type == AFT_KEY_REAL) {
        memcpy(&real, base + key->offset, sizeof real);
    } else if (key->type == AFT_KEY_WHOLE) {
        memcpy(&whole, base + key->offset, sizeof whole);
        real = (double)whole;
    } else {
        return;
    }
    FUZZ_CHECK(real >= key->min && real <= key->max);
    FUZZ_CHECK((key->flags & AFT_KEY_ABOVE) == 0 || real > key->min);
    FUZZ_CHECK((key->flags & AFT_KEY_BELOW) == 0 || real < key->max);
}

static void check_stage(struct aft_curriculum *curriculum, const struct aft_curriculum *again,
                        int index)
{
    struct aft_stage *stage = &curriculum->stages[index];
    FUZZ_CHECK(stage->number == index + 1 && stage->name[0] != '\0');
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        check_key(key, aft_section_base(curriculum, stage, key->section));
    }
    if (stage->motion.source == AFT_MOTION_RECORDS) {
        return; /* its settings hold what lies in files */
    }
    struct aft_json *settings[2] = {NULL, NULL};
    char hex[2][AFT_SHA256_HEX_SIZE];
    struct aft_error error = {0};
    for (int i = 0; i < 2; i++) {
        const struct aft_curriculum *of = i == 0 ? curriculum : again;
        FUZZ_CHECK(aft_stage_effective_settings(&settings[i], of, index, &error) == AFT_OK);
        FUZZ_CHECK(aft_settings_fingerprint(hex[i], settings[i], &error) == AFT_OK);
        aft_json_destroy(settings[i]);
    }
    FUZZ_CHECK(strcmp(hex[0], hex[1]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input;
    struct aft_curriculum *parsed[2] = {NULL, NULL};
    struct aft_error error = {0};
    split(&input, (const char *)data, size);
    for (int i = 0; i < 2; i++) { /* two readings must agree */
        enum aft_code code =
            aft_curriculum_parse(&parsed[i], input.ini, input.size, "fuzz/fuzz.ini",
                                 input.overrides, input.n_overrides, &error);
        if (code != AFT_OK) {
            FUZZ_CHECK(i == 0 && parsed[0] == NULL);
            fuzz_check_failure(code, &error, AFT_ERR_USAGE, AFT_ERR_USAGE);
            return 0;
        }
    }
    FUZZ_CHECK(parsed[0]->n_stages > 0 && parsed[0]->n_stages <= AFT_MAX_STAGES);
    FUZZ_CHECK(parsed[0]->n_stages == parsed[1]->n_stages);
    FUZZ_CHECK(strlen(parsed[0]->text) == input.size);
    for (int i = 0; i < parsed[0]->n_stages; i++) {
        check_stage(parsed[0], parsed[1], i);
    }
    aft_curriculum_destroy(parsed[0]);
    aft_curriculum_destroy(parsed[1]);
    return 0;
}
