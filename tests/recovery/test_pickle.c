/* The pickle reader knows a dozen opcodes, executes nothing and cannot be broken. */
#include "cmocka_headers.h"
#include "fixture.h"
#include "recovery/pickle_read.h"
#include "recovery/pickle_write.h"
#include "recovery/torch_file.h"
#include "recovery/zip_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(text) (text), sizeof(text) - 1

static struct aft_pickle *read_good(const void *bytes, size_t size)
{
    struct aft_pickle *pickle = NULL;
    struct aft_error error = {0};
    if (aft_pickle_read(&pickle, bytes, size, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return pickle;
}

static void assert_bad(const void *bytes, size_t size)
{
    char *copy = malloc(size + 1); /* its own block: reads past the end are seen */
    struct aft_pickle *pickle = NULL;
    memcpy(copy, bytes, size);
    assert_int_equal(aft_pickle_read(&pickle, copy, size, NULL), AFT_ERR_CORRUPT);
    free(copy);
}

static void pickle_read__reads_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        int64_t expected;
    } cases[] = {
        {BYTES("\x80\x02K\x07."), 7},
        {BYTES("\x80\x02M\x39\x30."), 12345},
        {BYTES("\x80\x02J\xff\xff\xff\xff."), -1},
        {BYTES("\x80\x02J\x00\x00\x01\x00."), 65536},
        {BYTES("\x80\x02\x8a\x00."), 0},
        {BYTES("\x80\x02\x8a\x01\xfe."), -2},
        {BYTES("\x80\x02\x8a\x05\x00\x00\x00\x00\x01."), INT64_C(1) << 32},
        {BYTES("\x80\x02\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80."), INT64_MIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aft_pickle *pickle = read_good(cases[i].bytes, cases[i].size);
        const struct aft_pickle_value *root = aft_pickle_root(pickle);
        assert_true(aft_pickle_is(root, AFT_PICKLE_INTEGER));
        assert_true(root->integer == cases[i].expected);
        aft_pickle_destroy(pickle);
    }
    struct aft_pickle *pickle = read_good(BYTES("\x80\x02G\x3f\xf8\x00\x00\x00\x00\x00\x00."));
    assert_true(aft_pickle_root(pickle)->real == 1.5);
    aft_pickle_destroy(pickle);
    assert_bad(BYTES("\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x01."));
}

/* python3: pickle.dumps({'a': [1, (2.0, None, True)], 'b': ('x', 'x'), 3: {}}, 2) */
static void pickle_read__reads_what_python_writes(void **state)
{
    (void)state;
    static const char bytes[] =
        "\x80\x02\x7d\x71\x00\x28\x58\x01\x00\x00\x00\x61\x71\x01\x5d\x71\x02\x28\x4b\x01"
        "\x47\x40\x00\x00\x00\x00\x00\x00\x00\x4e\x88\x87\x71\x03\x65\x58\x01\x00\x00\x00"
        "\x62\x71\x04\x58\x01\x00\x00\x00\x78\x71\x05\x68\x05\x86\x71\x06\x4b\x03\x7d\x71"
        "\x07\x75\x2e";
    struct aft_pickle *pickle = read_good(BYTES(bytes));
    const struct aft_pickle_value *root = aft_pickle_root(pickle);
    assert_true(aft_pickle_is(root, AFT_PICKLE_DICT));
    const struct aft_pickle_value *a = aft_pickle_get(root, "a");
    assert_true(aft_pickle_is(a, AFT_PICKLE_LIST));
    assert_int_equal(a->n, 2);
    assert_int_equal(a->items[0]->integer, 1);
    assert_true(aft_pickle_is(a->items[1], AFT_PICKLE_TUPLE));
    assert_true(a->items[1]->items[0]->real == 2.0);
    assert_true(aft_pickle_is(a->items[1]->items[1], AFT_PICKLE_NONE));
    assert_int_equal(a->items[1]->items[2]->integer, 1);
    const struct aft_pickle_value *b = aft_pickle_get(root, "b");
    assert_true(aft_pickle_is_text(b->items[0], "x") && b->items[0] == b->items[1]);
    assert_true(aft_pickle_is(aft_pickle_get_at(root, 3), AFT_PICKLE_DICT));
    assert_null(aft_pickle_get(root, "c"));
    assert_null(aft_pickle_get(NULL, "c"));
    aft_pickle_destroy(pickle);
}

static void pickle_read__records_calls_without_making_them(void **state)
{
    (void)state;
    /* os.system('echo') with a state built: only a record of it */
    struct aft_pickle *pickle =
        read_good(BYTES("\x80\x02"
                        "cos\nsystem\nX\x04\x00\x00\x00"
                        "echo\x85R}b."));
    const struct aft_pickle_value *root = aft_pickle_root(pickle);
    assert_true(aft_pickle_is_call(root, "os", "system", 1));
    assert_false(aft_pickle_is_call(root, "os", "system", 2));
    assert_true(aft_pickle_is_text(root->argument->items[0], "echo"));
    assert_true(aft_pickle_is(root->state, AFT_PICKLE_DICT));
    aft_pickle_destroy(pickle);
}

static void pickle_read__takes_a_list_that_contains_itself(void **state)
{
    (void)state;
    struct aft_pickle *pickle =
        read_good(BYTES("\x80\x02]q\x00h\x00"
                        "a."));
    const struct aft_pickle_value *root = aft_pickle_root(pickle);
    assert_int_equal(root->n, 1);
    assert_ptr_equal(root->items[0], root);
    aft_pickle_destroy(pickle);
}

static void pickle_read__rejects_what_is_no_pickle_of_ours(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {BYTES("")},
        {BYTES("\x80\x02")},
        {BYTES("\x80\x02.")},   /* nothing on the stack */
        {BYTES("\x80\x02NN.")}, /* too much of it */
        {BYTES("\x80\x02N")},   /* no end */
        {BYTES("\x80\x02N.N")}, /* something after the end */
        {BYTES("\x80\x03N.")},  /* other protocols */
        {BYTES("\x80\x04N.")},
        {BYTES("I1\n.")},
        {BYTES("\x80\x02(N.")}, /* an open mark */
        {BYTES("\x80\x02t.")},  /* no mark */
        {BYTES("\x80\x02u.")},
        {BYTES("\x80\x02\x87.")},   /* too few */
        {BYTES("\x80\x02N(\x85.")}, /* not across a mark */
        {BYTES("\x80\x02](NNs.")},
        {BYTES("\x80\x02}(Nu.")},  /* half a pair */
        {BYTES("\x80\x02](NNu.")}, /* pairs for a list */
        {BYTES("\x80\x02}Na.")},   /* an item for a dict */
        {BYTES("\x80\x02Nb.")},
        {BYTES("\x80\x02NNb.")},
        {BYTES("\x80\x02N)R.")}, /* a call of nothing */
        {BYTES("\x80\x02"
               "cos\nsystem\nNR.")}, /* not with a tuple */
        {BYTES("\x80\x02"
               "cos\nsystem")}, /* names that do not end */
        {BYTES("\x80\x02"
               "cos")},
        {BYTES("\x80\x02h\x00.")}, /* memos that were not made */
        {BYTES("\x80\x02j\xff\xff\xff\xff.")},
        {BYTES("\x80\x02Nr\xff\xff\xff\xff.")}, /* a memo of 4 Gi values */
        {BYTES("\x80\x02q\x00N.")},
        {BYTES("\x80\x02X\xff\xff\xff\xff"
               "abc.")}, /* longer than there is */
        {BYTES("\x80\x02U\x10"
               "abc.")},
        {BYTES("\x80\x02G\x00.")},
        {BYTES("\x80\x02K")},
        {BYTES("\x80\x02Q.")},
        {BYTES("\x80\x02"
               "0.")}, /* POP, INST, OBJ, NEWOBJ, EXT, … */
        {BYTES("\x80\x02(ios\nsystem\n.")},
        {BYTES("\x80\x02(N.o")},
        {BYTES("\x80\x02"
               "cos\nsystem\n)\x81.")},
        {BYTES("\x80\x02\x82\x01.")},
        {BYTES("\x80\x02\x8b\x00\x00\x00\x00.")},
        {BYTES("\x80\x02S'x'\n.")},
        {BYTES("\x80\x02P1\n.")},
        {BYTES("\x80\x02\x93.")},
        {BYTES("\x80\x02\x80\x02N.")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_bad(cases[i].bytes, cases[i].size);
    }
}

static void pickle_read__bounds_depth_and_count(void **state)
{
    (void)state;
    enum { MANY = 300000 };
    char *bytes = malloc(MANY + 3);
    memcpy(bytes, "\x80\x02", 2);
    memset(bytes + 2, '(', MANY);
    bytes[MANY + 2] = '.';
    assert_bad(bytes, MANY + 3); /* marks */
    memset(bytes + 2, 'N', MANY);
    assert_bad(bytes, MANY + 3); /* values */
    bytes[2] = ')';
    memset(bytes + 3, '\x85', MANY - 1);
    assert_bad(bytes, MANY + 3); /* a tuple in a tuple in a tuple … */
    free(bytes);
    char *large = calloc(1, AFT_PICKLE_MAX_BYTES + 1);
    memcpy(large, "\x80\x02", 2);
    assert_bad(large, AFT_PICKLE_MAX_BYTES + 1);
    free(large);
}

static void pickle_write__is_read_back(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0,
                                      1,
                                      255,
                                      256,
                                      65535,
                                      65536,
                                      -1,
                                      -129,
                                      INT32_MAX,
                                      INT32_MIN,
                                      INT64_C(1) << 40,
                                      INT64_MIN,
                                      INT64_MAX};
    struct aft_pickle_writer writer = {0};
    aft_pickle_start(&writer);
    aft_pickle_ops(&writer, "](");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        aft_pickle_integer(&writer, numbers[i]);
    }
    aft_pickle_real(&writer, -0.1);
    aft_pickle_text(&writer, "ü");
    aft_pickle_boolean(&writer, true);
    aft_pickle_global(&writer, "torch", "FloatStorage");
    aft_pickle_ops(&writer, "e.");
    assert_false(writer.failed);
    struct aft_pickle *pickle = read_good(writer.bytes, writer.size);
    const struct aft_pickle_value *root = aft_pickle_root(pickle);
    size_t n = sizeof numbers / sizeof *numbers;
    for (size_t i = 0; i < n; i++) {
        assert_true(root->items[i]->integer == numbers[i]);
    }
    assert_true(root->items[n]->real == -0.1);
    assert_true(aft_pickle_is_text(root->items[n + 1], "ü"));
    assert_int_equal(root->items[n + 2]->integer, 1);
    assert_true(aft_pickle_is_global(root->items[n + 3], "torch", "FloatStorage"));
    aft_pickle_destroy(pickle);
    free(writer.bytes);
}

static uint32_t next_random(uint32_t *word)
{
    *word = *word * 1664525U + 1013904223U;
    return *word >> 8;
}

/* The data.pkl of an optimizer, with bytes changed, dropped and doubled at random. */
static void pickle_read__survives_mutations(void **state)
{
    (void)state;
    const struct aft_zip_limits limits = {.members = 256, .total = 1 << 20, .folders = true};
    const struct aft_torch_adam adam = {.learning_rate = 1e-3, .eps = 1e-5, .step = 3};
    struct fixture fixture;
    fixture_init(&fixture, 2);
    char *file = NULL;
    size_t file_size;
    assert_int_equal(aft_torch_write_adam(&file, &file_size, fixture.tensors,
                                          fixture.content.n_tensors, &adam, NULL),
                     AFT_OK);
    struct aft_zip zip;
    assert_int_equal(aft_zip_read(&zip, file, file_size, &limits, NULL), AFT_OK);
    const struct aft_zip_member *member = aft_zip_find(&zip, "archive/data.pkl");
    uint32_t word = 1;
    for (int i = 0; i < 5000; i++) {
        size_t size = member->size - next_random(&word) % 4;
        char *bytes = malloc(size);
        memcpy(bytes, member->bytes, size);
        for (uint32_t n = next_random(&word) % 8; n > 0; n--) {
            size_t at = next_random(&word) % size;
            size_t from = next_random(&word) % size;
            bytes[at] = n % 2 != 0 ? (char)next_random(&word) : bytes[from];
        }
        struct aft_pickle *pickle = NULL;
        if (aft_pickle_read(&pickle, bytes, size, NULL) == AFT_OK) {
            (void)aft_pickle_get(aft_pickle_root(pickle), "state");
            aft_pickle_destroy(pickle);
        }
        free(bytes);
    }
    aft_zip_clear(&zip);
    free(file);
    fixture_clear(&fixture);
}

/* The pickle of a .pth changed at random: shapes, offsets and storages that lie. */
static void torch_read__survives_mutations(void **state)
{
    (void)state;
    const struct aft_zip_limits limits = {.members = 256, .total = 1 << 20, .folders = true};
    struct fixture fixture;
    fixture_init(&fixture, 2);
    char *file = NULL;
    size_t file_size;
    assert_int_equal(
        aft_torch_write_policy(&file, &file_size, fixture.tensors, fixture.content.n_tensors, NULL),
        AFT_OK);
    struct aft_zip zip;
    assert_int_equal(aft_zip_read(&zip, file, file_size, &limits, NULL), AFT_OK);
    struct aft_zip_entry entries[64];
    for (size_t i = 0; i < zip.n; i++) {
        entries[i] = (struct aft_zip_entry){.name = zip.members[i].name,
                                            .bytes = zip.members[i].bytes,
                                            .size = zip.members[i].size};
    }
    assert_string_equal(zip.members[0].name, "archive/data.pkl");
    uint32_t word = 7;
    int n_read = 0;
    for (int i = 0; i < 3000; i++) {
        size_t at = next_random(&word) % zip.members[0].size;
        char kept = zip.members[0].bytes[at];
        zip.members[0].bytes[at] = (char)(kept ^ (1 << next_random(&word) % 8));
        char *bytes = NULL;
        size_t size;
        assert_int_equal(aft_zip_write(&bytes, &size, entries, zip.n, NULL), AFT_OK);
        struct aft_torch_tensors tensors;
        if (aft_torch_read_policy(&tensors, bytes, size, NULL) == AFT_OK) {
            n_read++;
            aft_torch_tensors_clear(&tensors);
        }
        free(bytes);
        zip.members[0].bytes[at] = kept;
    }
    assert_true(n_read < 3000);
    aft_zip_clear(&zip);
    free(file);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pickle_read__reads_numbers),
        cmocka_unit_test(pickle_read__reads_what_python_writes),
        cmocka_unit_test(pickle_read__records_calls_without_making_them),
        cmocka_unit_test(pickle_read__takes_a_list_that_contains_itself),
        cmocka_unit_test(pickle_read__rejects_what_is_no_pickle_of_ours),
        cmocka_unit_test(pickle_read__bounds_depth_and_count),
        cmocka_unit_test(pickle_write__is_read_back),
        cmocka_unit_test(pickle_read__survives_mutations),
        cmocka_unit_test(torch_read__survives_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
