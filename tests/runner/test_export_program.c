/* `aftershock export` as a user meets it; what is in the files is test_exported_policies' affair.
 */
#include "base/digest.h"
#include "base/file.h"
#include "tests/cli/command.h"
#include "tests/runner/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[PATH_MAX]; /* the archive a.zip, damaged.zip, and what tests write */

static const struct outcome *export(const char *arguments)
{
    char line[512];
    (void)snprintf(line, sizeof line, "export %.480s", arguments);
    return run_in(folder, line);
}

static char *read_file(const char *name, size_t *size)
{
    char path[PATH_MAX], *bytes = NULL;
    assert_true(snprintf(path, sizeof path, "%.3000s/%s", folder, name) < PATH_MAX);
    assert_int_equal(aft_file_read(&bytes, size, path, 1 << 24, NULL), AFT_OK);
    return bytes;
}

static int train_once(void **state)
{
    char curriculum[PATH_MAX], path[PATH_MAX];
    const char *const one_stage[] = {"--stop-after-stage", "1", NULL};
    size_t size = 0;
    (void)state;
    program_make_folder(folder);
    program_write_curriculum(curriculum, folder, "small.ini");
    if (program_train(folder, curriculum, one_stage) != 0) {
        program_show_output(folder);
        return -1;
    }
    char *bytes = read_file("models/small/stage1_50kN.zip", &size);
    assert_true(snprintf(path, sizeof path, "%.3000s/a.zip", folder) < PATH_MAX);
    assert_int_equal(aft_file_publish(path, bytes, size, NULL), AFT_OK);
    bytes[size / 2] ^= 1;
    assert_true(snprintf(path, sizeof path, "%.3000s/damaged.zip", folder) < PATH_MAX);
    assert_int_equal(aft_file_publish(path, bytes, size, NULL), AFT_OK);
    free(bytes);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    program_remove_folder(folder);
    return 0;
}

static void expect_format(const char *file, const char *format, size_t n_inputs, size_t n_outputs)
{
    char arguments[256], hex[AFT_SHA256_HEX_SIZE];
    size_t size = 0;
    (void)snprintf(arguments, sizeof arguments, "a.zip --json -o %s", file);
    const struct outcome *outcome = export(arguments);
    assert_int_equal(outcome->code, 0);
    assert_string_equal(outcome->err, "");
    struct aft_json *document = parse_output(outcome);
    char *bytes = read_file(file, &size);
    aft_sha256_hex(bytes, size, hex);
    free(bytes);
    assert_string_equal(aft_json_get_string(document, "path", ""), file);
    assert_string_equal(aft_json_get_string(document, "format", ""), format);
    assert_int_equal(aft_json_get_integer(document, "size", 0), size);
    assert_string_equal(aft_json_get_string(document, "sha256", ""), hex);
    assert_int_equal(aft_json_length(aft_json_get(document, "inputs")), n_inputs);
    assert_int_equal(aft_json_length(aft_json_get(document, "outputs")), n_outputs);
    assert_true(aft_json_length(aft_json_get(document, "observation")) > 4);
    aft_json_destroy(document);
}

static void format__follows_from_the_ending(void **state)
{
    (void)state;
    expect_format("p.pt", "torchscript", 1, 1);
    expect_format("p.onnx", "onnx", 1, 2);
    expect_format("p.safetensors", "safetensors", 0, 0);
    expect_format("p.c", "csource", 1, 1);
}

static void format__given_wins_over_the_ending(void **state)
{
    (void)state;
    size_t size = 0;
    assert_int_equal(export("a.zip --format=csource --output odd.onnx")->code, 0);
    char *text = read_file("odd.onnx", &size);
    assert_non_null(strstr(text, "void policy_step(const float obs[], float *force_n)"));
    free(text);
}

/* The same archive gives the same bytes, in a file and on standard output. */
static void output__may_be_a_pipe(void **state)
{
    (void)state;
    size_t size = 0;
    assert_int_equal(export("a.zip -o same.c")->code, 0);
    char *text = read_file("same.c", &size);
    const struct outcome *outcome = export("a.zip --format csource -o -");
    assert_int_equal(outcome->code, 0);
    assert_string_equal(outcome->out, text);
    assert_non_null(strstr(outcome->err, "wrote -"));
    free(text);
}

static void refuses(const char *arguments, int code, const char *what)
{
    const struct outcome *outcome = export(arguments);
    if (outcome->code != code || count_lines(outcome->err) != 1 || *outcome->out != '\0' ||
        strstr(outcome->err, what) == NULL) {
        fail_msg("'%s': code %d, error '%s', output '%s'", arguments, outcome->code, outcome->err,
                 outcome->out);
    }
}

static void usage__is_checked_before_anything_is_read(void **state)
{
    (void)state;
    refuses("none.zip", 2, "expected -o FILE");
    refuses("-o p.onnx", 2, "expected one archive, not 0");
    refuses("none.zip none.zip -o p.onnx", 2, "expected one archive, not 2");
    refuses("none.zip -o", 2, "option '-o' needs a value");
    refuses("none.zip -o policy", 2, "names no format");
    refuses("none.zip -o policy.h5", 2, "names no format");
    refuses("none.zip -o -", 2, "names no format");
    refuses("none.zip -o p.onnx --format onx", 2, "--format 'onx'");
    refuses("none.zip --format csource -o - --json", 2, "share standard output");
    refuses("none.zip -o p.onnx --formt onnx", 2, "did you mean '--format'");
    refuses("none.zip -x", 2, "unknown option '-x'");
}

static void failure__leaves_the_old_file(void **state)
{
    (void)state;
    size_t size = 0;
    write_text(folder, "old.c", "old");
    refuses("none.zip -o old.c", 1, "none.zip");
    refuses("damaged.zip -o old.c", 3, "damaged.zip");
    refuses("small.ini -o old.c", 3, "small.ini");
    refuses("a.zip --format onnx -o ./a.zip", 2, "the archive itself");
    char *text = read_file("old.c", &size);
    assert_string_equal(text, "old");
    free(text);
    refuses("a.zip -o nowhere/p.c", 1, "nowhere");
    refuses("a.zip --format onnx -o /dev/full", 1, "/dev/full");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format__follows_from_the_ending),
        cmocka_unit_test(format__given_wins_over_the_ending),
        cmocka_unit_test(output__may_be_a_pipe),
        cmocka_unit_test(usage__is_checked_before_anything_is_read),
        cmocka_unit_test(failure__leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, train_once, clean);
}
