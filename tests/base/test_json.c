/* JSON: exact numbers, the order of keys, what is refused, and who owns what
 * (the last by running under AddressSanitizer). */
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_written(const struct aft_json *value, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(aft_json_write(&text, &size, value, false, NULL), AFT_OK);
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
    free(text);
}

static struct aft_json *parse(const char *text)
{
    struct aft_json *value = NULL;
    assert_int_equal(aft_json_parse(&value, text, strlen(text), "test", NULL), AFT_OK);
    return value;
}

static void json__writes_keys_in_the_order_they_were_added(void **state)
{
    (void)state;
    struct aft_json *object = aft_json_object();
    aft_json_set_string(object, "zeta", "a \"b\"");
    aft_json_set_integer(object, "alpha", INT64_MIN);
    aft_json_set_boolean(object, "mid", true);
    aft_json_set(object, "none", aft_json_null());
    struct aft_json *array = aft_json_array();
    aft_json_append(array, aft_json_integer(1));
    aft_json_append(array, aft_json_string(NULL));
    aft_json_set(object, "list", array);
    aft_json_set_string(object, "zeta", "again");
    assert_written(object,
                   "{\"zeta\":\"again\",\"alpha\":-9223372036854775808,\"mid\":true,"
                   "\"none\":null,\"list\":[1,null]}");
    aft_json_destroy(object);
}

static void json__brings_doubles_back_exactly(void **state)
{
    (void)state;
    static const double numbers[] = {0.1,    1.0 / 3.0, 5e-4,     DBL_MAX, DBL_MIN, -DBL_EPSILON,
                                     6.01e7, 4.9e-324,  105034.0, 1e22,    M_PI};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct aft_json *object = aft_json_object();
        char *text = NULL;
        aft_json_set_real(object, "x", numbers[i]);
        assert_int_equal(aft_json_write(&text, NULL, object, false, NULL), AFT_OK);
        struct aft_json *back = parse(text);
        double number = aft_json_get_real(back, "x", NAN);
        assert_memory_equal(&number, &numbers[i], sizeof number);
        assert_true(aft_json_equal(object, back));
        free(text);
        aft_json_destroy(back);
        aft_json_destroy(object);
    }
}

static void json__makes_a_null_of_what_is_not_finite(void **state)
{
    (void)state;
    struct aft_json *array = aft_json_array();
    aft_json_append(array, aft_json_real(NAN));
    aft_json_append(array, aft_json_real(-INFINITY));
    assert_written(array, "[null,null]");
    assert_true(aft_json_is_null(aft_json_at(array, 1)));
    aft_json_destroy(array);
}

static void json__replaces_text_that_is_not_utf8(void **state)
{
    (void)state;
    struct aft_json *object = aft_json_object();
    aft_json_set_string(object, "path", "caf\xE9.zip");
    aft_json_set_string(object, "good", "caf\xC3\xA9");
    assert_written(object, "{\"path\":\"caf?.zip\",\"good\":\"caf\xC3\xA9\"}");
    aft_json_destroy(object);
}

static void json__gives_fallbacks_for_what_is_missing_or_of_another_type(void **state)
{
    (void)state;
    struct aft_json *object = parse("{\"s\":\"x\",\"i\":7,\"r\":1.5,\"b\":false,\"a\":[1]}");
    assert_string_equal(aft_json_get_string(object, "s", "f"), "x");
    assert_string_equal(aft_json_get_string(object, "i", "f"), "f");
    assert_int_equal(aft_json_get_integer(object, "i", -1), 7);
    assert_int_equal(aft_json_get_integer(object, "r", -1), -1);
    assert_true(aft_json_get_real(object, "i", 0.0) == 7.0);
    assert_true(aft_json_get_real(object, "nope", 2.5) == 2.5);
    assert_false(aft_json_get_boolean(object, "b", true));
    assert_true(aft_json_get_boolean(object, "s", true));
    assert_int_equal(aft_json_length(object), 5);
    assert_int_equal(aft_json_length(aft_json_get(object, "a")), 1);
    assert_int_equal(aft_json_length(NULL), 0);
    assert_null(aft_json_get(aft_json_get(object, "a"), "x"));
    assert_null(aft_json_at(object, 0));
    assert_null(aft_json_at(aft_json_get(object, "a"), 1));
    aft_json_destroy(object);
}

static void json__walks_an_object_in_order(void **state)
{
    (void)state;
    struct aft_json *object = parse("{\"b\":1,\"a\":{\"x\":2}}");
    const struct aft_json *value = NULL;
    assert_string_equal(aft_json_key_at(object, 0, &value), "b");
    assert_string_equal(aft_json_key_at(object, 1, &value), "a");
    assert_int_equal(aft_json_get_integer(value, "x", 0), 2);
    assert_null(aft_json_key_at(object, 2, &value));
    assert_null(value);
    aft_json_destroy(object);
}

static void json__copies_deeply(void **state)
{
    (void)state;
    struct aft_json *object = parse("{\"a\":[1,{\"b\":2}]}");
    struct aft_json *copy = aft_json_copy(object);
    assert_true(aft_json_equal(object, copy));
    aft_json_set_integer(object, "c", 3);
    assert_false(aft_json_equal(object, copy));
    aft_json_destroy(object);
    assert_written(copy, "{\"a\":[1,{\"b\":2}]}");
    aft_json_destroy(copy);
}

static void json_write__reports_a_child_that_could_not_be_made(void **state)
{
    (void)state;
    struct aft_json *root = aft_json_object();
    struct aft_json *inner = aft_json_array();
    struct aft_error error = {0};
    char *text = NULL;
    aft_json_append(inner, NULL);
    aft_json_set(root, "inner", inner);
    assert_int_equal(aft_json_write(&text, NULL, root, true, &error), AFT_ERR_MEMORY);
    assert_null(aft_json_copy(root));
    aft_json_destroy(root);
    root = aft_json_object();
    aft_json_set(root, "x", NULL);
    assert_int_equal(aft_json_write(&text, NULL, root, true, &error), AFT_ERR_MEMORY);
    aft_json_destroy(root);
    assert_int_equal(aft_json_write(&text, NULL, NULL, true, &error), AFT_ERR_MEMORY);
}

static void json_set__takes_the_child_over_when_it_fails(void **state)
{
    (void)state;
    struct aft_json *array = aft_json_array();
    aft_json_set(array, "x", aft_json_object());
    aft_json_set(NULL, "x", aft_json_object());
    aft_json_append(NULL, aft_json_object());
    assert_int_equal(aft_json_length(array), 0);
    aft_json_destroy(array);
    aft_json_destroy(NULL);
}

static void json_parse__refuses_what_is_not_one_clean_document(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "{",
        "{\"a\":1,\"a\":2}",
        "{} {}",
        "[1,]",
        "nan",
        "1e999",
        "\"\xE9\"",
        "{\"a\" 1}",
        "[\"\\u0000\"]",
        "99999999999999999999",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct aft_json *value = NULL;
        struct aft_error error = {0};
        assert_int_equal(
            aft_json_parse(&value, wrong[i], strlen(wrong[i]), "manifest.json", &error),
            AFT_ERR_CORRUPT);
        assert_non_null(strstr(error.message, "parse JSON of 'manifest.json': "));
        assert_null(value);
    }
}

static void json_parse__allows_64_levels_and_no_more(void **state)
{
    (void)state;
    char text[2 * 65 + 1] = "";
    for (size_t levels = 64; levels <= 65; levels++) {
        memset(text, '[', levels);
        memset(text + levels, ']', levels);
        struct aft_json *value = NULL;
        enum aft_code code = aft_json_parse(&value, text, 2 * levels, "deep", NULL);
        assert_int_equal(code, levels == 64 ? AFT_OK : AFT_ERR_CORRUPT);
        aft_json_destroy(value);
    }
    char *flat = malloc(300);
    assert_non_null(flat);
    memset(flat, '[', 300); /* brackets within a string are no levels */
    flat[0] = '"';
    memcpy(flat + 1, "\\\"", 2);
    flat[299] = '"';
    struct aft_json *value = NULL;
    assert_int_equal(aft_json_parse(&value, flat, 300, "flat", NULL), AFT_OK);
    aft_json_destroy(value);
    free(flat);
}

static void json_print__ends_in_a_newline(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    struct aft_json *object = parse("{\"a\":[]}");
    assert_int_equal(aft_json_print(stream, object, NULL), AFT_OK);
    (void)fclose(stream);
    assert_string_equal(text, "{\n  \"a\": []\n}\n");
    free(text);
    stream = fopen("/dev/full", "w");
    assert_non_null(stream);
    assert_int_equal(aft_json_print(stream, object, NULL), AFT_ERR_SPACE);
    (void)fclose(stream);
    aft_json_destroy(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json__writes_keys_in_the_order_they_were_added),
        cmocka_unit_test(json__brings_doubles_back_exactly),
        cmocka_unit_test(json__makes_a_null_of_what_is_not_finite),
        cmocka_unit_test(json__replaces_text_that_is_not_utf8),
        cmocka_unit_test(json__gives_fallbacks_for_what_is_missing_or_of_another_type),
        cmocka_unit_test(json__walks_an_object_in_order),
        cmocka_unit_test(json__copies_deeply),
        cmocka_unit_test(json_write__reports_a_child_that_could_not_be_made),
        cmocka_unit_test(json_set__takes_the_child_over_when_it_fails),
        cmocka_unit_test(json_parse__refuses_what_is_not_one_clean_document),
        cmocka_unit_test(json_parse__allows_64_levels_and_no_more),
        cmocka_unit_test(json_print__ends_in_a_newline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
