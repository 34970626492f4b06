/* Every key of the table: its default is good, it can be set in a file and by
 * an override, what was set is read back, and it is in the reference. */
#include "support.h"

#include "curriculum/keys.h"
#include "curriculum/layers.h"
#include "curriculum/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value other than the default, as text and as it must be read back. */
static struct aft_json *another_value(const struct aft_key *key, char text[64])
{
    static const struct {
        const char *name, *text;
    } chosen[] = {
        /* where other keys limit what is good */
        {"floors", "20"},
        {"soft_storey", "3"},
        {"acceleration_floors", "2,5"},
        {"drift_storeys", "12"},
        {"network", "32,16,8"},
        {"batch_size", "128"},
        {"n_steps", "300"},
        {"n_envs", "9"},
        {"control_every", "3"},
        {"episode_s", "31.25"},
        {"onset_max_s", "0.75"},
        {"mix_magnitude_min", "5.25"},
        {"mix_magnitude_max", "7.5"},
        {"records", "a, b"},
        {"name", "other"},
        {"device", "cuda:3"},
    };
    text[0] = '\0';
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        if (strcmp(chosen[i].name, key->name) == 0) {
            (void)snprintf(text, 64, "%s", chosen[i].text);
        }
    }
    if (key->type == AFT_KEY_LIST) {
        struct aft_json *list = aft_json_array();
        for (const char *at = text; *at != '\0'; at += *at == ',') {
            char *end = NULL;
            aft_json_append(list, aft_json_integer(strtol(at, &end, 10)));
            at = end;
        }
        return list;
    }
    if (key->type == AFT_KEY_TRUTH) {
        bool other = strcmp(key->initial, "true") != 0;
        (void)snprintf(text, 64, "%s", other ? "true" : "false");
        return aft_json_boolean(other);
    }
    if (key->type == AFT_KEY_CHOICE || (key->type == AFT_KEY_WORD)) {
        (void)snprintf(text, 64, "%s", key->choices[1]);
    } else if (key->type == AFT_KEY_REAL && text[0] == '\0') {
        (void)snprintf(text, 64, "%.17g", key->min + (key->max - key->min) / 7.0);
    } else if (text[0] == '\0') {
        (void)snprintf(text, 64, "%.0f", floor(key->min + 7.0));
    }
    if (key->type == AFT_KEY_REAL) {
        return aft_json_real(strtod(text, NULL));
    }
    bool is_whole = key->type == AFT_KEY_WHOLE || key->type == AFT_KEY_SIZE;
    return is_whole ? aft_json_integer(strtol(text, NULL, 10)) : aft_json_string(text);
}

/* What a key needs beside it to be good, or to keep the value it was given. */
static const char *company_of(const struct aft_key *key)
{
    if (strcmp(key->name, "source") == 0) {
        return "records = a\n";
    }
    if (strcmp(key->name, "final_learning_rate") == 0) {
        return "learning_rate = 0.5\n";
    }
    if (strcmp(key->name, "nominal") == 0) {
        return "observer = kalman\n";
    }
    return strcmp(key->name, "final_ent_coef") == 0 ? "ent_coef = 5\n" : "";
}

static void assert_reads_back(struct aft_curriculum *c, const struct aft_key *key,
                              const struct aft_json *expected)
{
    struct aft_json *value = aft_value_json(key, aft_section_base(c, &c->stages[0], key->section));
    if (!aft_json_equal(value, expected)) {
        fail_msg("[%s] %s was not read back", aft_section_name(key->section), key->name);
    }
    aft_json_destroy(value);
    aft_curriculum_destroy(c);
}

static void every_key__can_be_set_in_its_section_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        char value[64];
        char text[300];
        if ((key->flags & AFT_KEY_NO_FIELD) != 0) {
            continue;
        }
        struct aft_json *expected = another_value(key, value);
        bool own = key->section == AFT_SECTION_STAGE;
        (void)snprintf(text, sizeof text, "[%s]\n%s%s = %s\n%s",
                       own ? "stage M4.5@50kN" : aft_section_name(key->section), company_of(key),
                       key->name, value, own ? "" : STAGE);
        assert_reads_back(load(text, NULL), key, expected);
        aft_json_destroy(expected);
    }
}

static void every_key__can_be_set_by_an_override(void **state)
{
    (void)state;
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        char value[64];
        char text[200];
        char override[200];
        if ((key->flags & AFT_KEY_NO_FIELD) != 0) {
            continue;
        }
        struct aft_json *expected = another_value(key, value);
        bool own = key->section == AFT_SECTION_STAGE;
        (void)snprintf(text, sizeof text, "[%s]\n%s%s",
                       own ? "ppo" : aft_section_name(key->section), company_of(key), STAGE);
        (void)snprintf(override, sizeof override, "%s.%s=%s",
                       own ? "stage 1" : aft_section_name(key->section), key->name, value);
        assert_reads_back(load(text, override), key, expected);
        aft_json_destroy(expected);
    }
}

static void every_stage_key__can_be_set_in_a_stage_alone(void **state)
{
    (void)state;
    int n = 0;
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        char value[64];
        char text[300];
        if (!aft_key_fits(key, AFT_SECTION_STAGE) || key->section == AFT_SECTION_STAGE) {
            continue;
        }
        struct aft_json *expected = another_value(key, value);
        (void)snprintf(text, sizeof text, STAGE "%s%s = %s\n[stage M5@60kN]\ntimesteps = 1\n",
                       company_of(key), key->name, value);
        struct aft_curriculum *c = load(text, NULL);
        struct aft_json *other =
            aft_value_json(key, aft_section_base(c, &c->stages[1], key->section));
        assert_false(aft_json_equal(other, expected));
        aft_json_destroy(other);
        assert_reads_back(c, key, expected);
        aft_json_destroy(expected);
        n++;
    }
    assert_true(n > 40);
}

static void every_key__refuses_nonsense_in_words_that_fit(void **state)
{
    (void)state;
    static const char *const nonsense[] = {
        "nan",
        "inf",
        "-inf",
        "0x10",
        "1e999",
        "--1",
        "1 2",
        "1,,2",
        ",",
        "1e",
        "_1",
        "1__0",
        "\"1\"",
        "1.5.2",
        "infinity",
        "NaN",
        "1e5x",
        "5 # five",
        "-1e30",
        "1e30",
        "TRUE!",
        "/etc/passwd",
        "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
    };
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        for (size_t j = 0; key->type != AFT_KEY_TEXT && j < sizeof nonsense / sizeof *nonsense;
             j++) {
            char reason[AFT_MAX_REASON] = "";
            if (key->type == AFT_KEY_NAME && nonsense[j][strcspn(nonsense[j], ", #\"!/")] == '\0' &&
                strlen(nonsense[j]) < AFT_MAX_NAME) {
                continue; /* a fine name */
            }
            if (aft_value_set(key, nonsense[j], NULL, reason)) {
                fail_msg("[%s] %s took '%s'", aft_section_name(key->section), key->name,
                         nonsense[j]);
            }
            assert_non_null(strstr(reason, ": expected "));
            assert_true(strlen(reason) < AFT_MAX_REASON - 1);
        }
    }
}

static void every_default__is_a_good_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        char reason[AFT_MAX_REASON] = "";
        if (key->initial != NULL && key->initial[0] != '\0' &&
            !aft_value_set(key, key->initial, NULL, reason)) {
            fail_msg("[%s] %s: %s", aft_section_name(key->section), key->name, reason);
        }
        if (key->follows != NULL) {
            assert_null(key->initial);
            assert_non_null(aft_key_find(key->section, key->follows));
        }
    }
}

static void every_name__is_unique_in_a_stage(void **state)
{
    (void)state;
    for (size_t i = 0; i < aft_key_count(); i++) {
        for (size_t j = 0; j < i; j++) {
            const struct aft_key *a = aft_key_at(i);
            const struct aft_key *b = aft_key_at(j);
            bool same_place = a->section == b->section || (aft_key_fits(a, AFT_SECTION_STAGE) &&
                                                           aft_key_fits(b, AFT_SECTION_STAGE));
            assert_false(same_place && strcmp(a->name, b->name) == 0);
        }
    }
}

static void reference__has_a_row_for_every_key(void **state)
{
    (void)state;
    struct aft_json *reference = aft_curriculum_reference();
    assert_int_equal(aft_json_length(reference), aft_key_count());
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_json *row = aft_json_at(reference, i);
        assert_string_equal(aft_json_get_string(row, "key", ""), aft_key_at(i)->name);
        assert_true(strlen(aft_json_get_string(row, "section", "")) > 0);
        assert_true(strlen(aft_json_get_string(row, "type", "")) > 0);
        assert_true(strlen(aft_json_get_string(row, "fingerprint", "")) > 0);
        assert_true(strlen(aft_json_get_string(row, "help", "")) > 0);
    }
    char *text = NULL;
    assert_int_equal(aft_json_write(&text, NULL, reference, false, NULL), AFT_OK);
    assert_non_null(strstr(text,
                           "{\"section\":\"ppo\",\"key\":\"gamma\",\"type\":\"a number above 0 "
                           "up to 1\",\"default\":\"0.985\",\"in_stages\":true,"));
    free(text);
    aft_json_destroy(reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_key__can_be_set_in_its_section_and_read_back),
        TEST(every_key__can_be_set_by_an_override),
        TEST(every_stage_key__can_be_set_in_a_stage_alone),
        cmocka_unit_test(every_key__refuses_nonsense_in_words_that_fit),
        cmocka_unit_test(every_default__is_a_good_value),
        cmocka_unit_test(every_name__is_unique_in_a_stage),
        cmocka_unit_test(reference__has_a_row_for_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
