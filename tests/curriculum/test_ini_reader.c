/* The line reader in front of inih: what is read, and that nothing is misread. */
#include "support.h"

#include "curriculum/ini_reader.h"

#include <stdio.h>
#include <string.h>

static char seen[4096];

static enum aft_code note(void *context, const char *section, const char *key, const char *value,
                          int line, struct aft_error *error)
{
    (void)context;
    size_t used = strlen(seen);
    if (key == NULL) {
        (void)snprintf(seen + used, sizeof seen - used, "%d[%s]", line, section);
    } else {
        (void)snprintf(seen + used, sizeof seen - used, "%d<%s|%s|%s>", line, section, key, value);
    }
    return strcmp(key == NULL ? "" : key, "stop") == 0 ? aft_fail(error, AFT_ERR_USAGE, "stopped")
                                                       : AFT_OK;
}

static enum aft_code read_bytes(const char *bytes, size_t size, struct aft_error *error)
{
    seen[0] = '\0';
    return aft_ini_read(bytes, size, "x.ini", note, NULL, error);
}

static void assert_reads(const char *text, const char *expected)
{
    struct aft_error error = {0};
    if (read_bytes(text, strlen(text), &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    assert_string_equal(seen, expected);
}

static void assert_refuses(const char *text, size_t size, const char *message)
{
    struct aft_error error = {0};
    assert_int_equal(read_bytes(text, size, &error), AFT_ERR_USAGE);
    assert_string_equal(error.message, message);
}

#define ASSERT_REFUSES(text, message) assert_refuses(text, sizeof(text) - 1, message)

static void reader__gives_sections_keys_and_lines(void **state)
{
    (void)state;
    assert_reads("a = 1\n\n[run]\nname = x\n[ppo]\n", "1<|a|1>3[run]4<run|name|x>5[ppo]");
    assert_reads("", "");
    assert_reads("[empty]", "1[empty]");
    assert_reads("[ a b ] ; note\nk=v=w", "1[a b]2<a b|k|v=w>");
}

static void reader__takes_crlf_and_a_byte_order_mark(void **state)
{
    (void)state;
    assert_reads("\xEF\xBB\xBF[run]\r\nname = x\r\n\r\nseed = 2\r\r\n",
                 "1[run]2<run|name|x>4<run|seed|2>");
}

static void reader__takes_comments(void **state)
{
    (void)state;
    assert_reads("; c\n# c = 1\n  # d\n[s] ; e\na = 1 ; f = 2\nb = x;y\nc = #1\n",
                 "4[s]5<s|a|1>6<s|b|x;y>7<s|c|#1>");
}

static void reader__gives_an_indented_key_as_a_key(void **state)
{
    (void)state;
    assert_reads("[s]\na = 1\n   b = 2\n\tc = 3\n  [t]\n  d = 4\n",
                 "1[s]2<s|a|1>3<s|b|2>4<s|c|3>5[t]6<t|d|4>");
}

static void reader__refuses_other_separators_and_lines_without_one(void **state)
{
    (void)state;
    ASSERT_REFUSES("[s]\na: 1\n", "x.ini:2: ':' does not separate: expected KEY = VALUE");
    ASSERT_REFUSES("a : b = 1\n", "x.ini:1: ':' does not separate: expected KEY = VALUE");
    assert_reads("a = cuda:0\n", "1<|a|cuda:0>");
    ASSERT_REFUSES("[s]\na 1\n",
                   "x.ini:2: neither a section nor a key: expected [section] or KEY = VALUE");
    ASSERT_REFUSES("a ; = 1\n",
                   "x.ini:1: neither a section nor a key: expected [section] or KEY = VALUE");
    ASSERT_REFUSES("= 1\n", "x.ini:1: no key before '=': expected KEY = VALUE");
}

static void reader__refuses_malformed_headings(void **state)
{
    (void)state;
    ASSERT_REFUSES("\n[run\n", "x.ini:2: the section's heading has no ']': expected [section]");
    ASSERT_REFUSES("[a ;b]\n", "x.ini:1: the section's heading has no ']': expected [section]");
    ASSERT_REFUSES("[]\n", "x.ini:1: the section's name is empty: expected [section]");
    ASSERT_REFUSES("[  ]\n", "x.ini:1: the section's name is empty: expected [section]");
    ASSERT_REFUSES("[a] b = 1\n",
                   "x.ini:1: something follows the section's heading: expected [section] alone");
}

static void reader__refuses_section_names_that_inih_would_cut(void **state)
{
    (void)state;
    char text[80];
    (void)snprintf(text, sizeof text, "[%049d]\n", 0);
    struct aft_error error = {0};
    assert_int_equal(read_bytes(text, strlen(text), &error), AFT_OK);
    (void)snprintf(text, sizeof text, "[%050d]\n", 0);
    assert_refuses(text, strlen(text),
                   "x.ini:1: the section's name is too long: at most 49 characters are read");
}

static void reader__refuses_lines_that_inih_would_split(void **state)
{
    (void)state;
    char text[260];
    for (int length = 190; length <= 210; length++) {
        (void)snprintf(text, sizeof text, "[s]\nk = %0*d\nnext = 1\n", length - 4, 0);
        struct aft_error error = {0};
        if (length <= 199) {
            assert_int_equal(read_bytes(text, strlen(text), &error), AFT_OK);
            assert_non_null(strstr(seen, "3<s|next|1>"));
            assert_int_equal(strlen(strstr(seen, "2<")),
                             (size_t)length - 4 + strlen("2<s|k|>3<s|next|1>"));
        } else {
            assert_refuses(text, strlen(text),
                           "x.ini:2: the line is too long: at most 199 characters are read");
        }
    }
}

static void reader__refuses_control_characters(void **state)
{
    (void)state;
    static const char message[] =
        "x.ini:2: a control character: expected plain text, lines ended by LF or CRLF";
    ASSERT_REFUSES("[s]\na = 1\0b = 2\n", message);
    ASSERT_REFUSES("[s]\na = 1\rb = 2\n", message);
    ASSERT_REFUSES("[s]\na = \x1B[2J\n", message);
    ASSERT_REFUSES("[s]\n; \0\n", message);
    assert_reads("[s]\na =\t1\n", "1[s]2<s|a|1>");
}

static void reader__stops_where_the_handler_says_so(void **state)
{
    (void)state;
    ASSERT_REFUSES("a = 1\nstop = 1\nb = 1\n", "stopped");
    assert_string_equal(seen, "1<|a|1>2<|stop|1>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader__gives_sections_keys_and_lines),
        cmocka_unit_test(reader__takes_crlf_and_a_byte_order_mark),
        cmocka_unit_test(reader__takes_comments),
        cmocka_unit_test(reader__gives_an_indented_key_as_a_key),
        cmocka_unit_test(reader__refuses_other_separators_and_lines_without_one),
        cmocka_unit_test(reader__refuses_malformed_headings),
        cmocka_unit_test(reader__refuses_section_names_that_inih_would_cut),
        cmocka_unit_test(reader__refuses_lines_that_inih_would_split),
        cmocka_unit_test(reader__refuses_control_characters),
        cmocka_unit_test(reader__stops_where_the_handler_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
