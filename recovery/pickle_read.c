#include "recovery/pickle_read.h"

#include <stdlib.h>
#include <string.h>

struct pointers { /* a growable array of values */
    struct aft_pickle_value **at;
    size_t n;
    size_t capacity;
};

struct reader {
    const unsigned char *next;
    const unsigned char *end;
    struct aft_pickle *pickle;
    size_t n_values; /* of the pickle */
    struct pointers stack;
    struct pointers memo;
    size_t marks[AFT_PICKLE_MAX_MARKS]; /* sizes of the stack at the open marks */
    size_t n_marks;
    bool stopped;
    struct aft_error *error;
};

static enum aft_code bad(struct reader *reader, const char *cause)
{
    (void)aft_fail(reader->error, AFT_ERR_CORRUPT, "pickle: %s", cause);
    return AFT_ERR_CORRUPT;
}

static enum aft_code no_memory(struct reader *reader)
{
    (void)aft_fail(reader->error, AFT_ERR_MEMORY, "pickle: no memory");
    return AFT_ERR_MEMORY;
}

static enum aft_code take(struct reader *reader, size_t n, const unsigned char **bytes)
{
    if ((size_t)(reader->end - reader->next) < n) {
        return bad(reader, "it ends too early");
    }
    *bytes = reader->next;
    reader->next += n;
    return AFT_OK;
}

static enum aft_code take_unsigned(struct reader *reader, size_t n_bytes, uint64_t *number)
{
    const unsigned char *bytes = NULL;
    enum aft_code code = take(reader, n_bytes, &bytes);
    if (code == AFT_OK) {
        *number = 0;
        for (size_t i = 0; i < n_bytes; i++) {
            *number |= (uint64_t)bytes[i] << (8 * i);
        }
    }
    return code;
}

static enum aft_code push(struct reader *reader, struct aft_pickle_value *value)
{
    struct pointers *stack = &reader->stack;
    if (stack->n >= AFT_PICKLE_MAX_VALUES) {
        return bad(reader, "more values than are allowed");
    }
    if (!aft_pickle_grow(&stack->at, stack->n, &stack->capacity)) {
        return no_memory(reader);
    }
    stack->at[stack->n++] = value;
    return AFT_OK;
}

/* NULL when nothing stands above the last mark. */
static struct aft_pickle_value *top(const struct reader *reader)
{
    size_t floor = reader->n_marks > 0 ? reader->marks[reader->n_marks - 1] : 0;
    return reader->stack.n > floor ? reader->stack.at[reader->stack.n - 1] : NULL;
}

static enum aft_code pop(struct reader *reader, struct aft_pickle_value **value)
{
    *value = top(reader);
    if (*value == NULL) {
        return bad(reader, "an opcode finds nothing to work on");
    }
    reader->stack.n--;
    return AFT_OK;
}

static enum aft_code pop_mark(struct reader *reader, size_t *first)
{
    if (reader->n_marks == 0) {
        return bad(reader, "an opcode finds no mark");
    }
    *first = reader->marks[--reader->n_marks];
    return AFT_OK;
}

/* A new value, also pushed. */
static enum aft_code push_new(struct reader *reader, enum aft_pickle_type type,
                              struct aft_pickle_value **out)
{
    if (reader->n_values >= AFT_PICKLE_MAX_VALUES) {
        return bad(reader, "more values than are allowed");
    }
    *out = aft_pickle_add(reader->pickle, type);
    if (*out == NULL) {
        return no_memory(reader);
    }
    reader->n_values++;
    return push(reader, *out);
}

static enum aft_code append_from(struct reader *reader, struct aft_pickle_value *value,
                                 size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (!aft_pickle_append(value, reader->stack.at[i])) {
            return no_memory(reader);
        }
    }
    return AFT_OK;
}

static enum aft_code read_integer(struct reader *reader, size_t n_bytes, bool is_signed)
{
    uint64_t bits = 0;
    struct aft_pickle_value *value = NULL;
    enum aft_code code = n_bytes <= 8 ? take_unsigned(reader, n_bytes, &bits)
                                      : bad(reader, "an integer of more than 64 bits");
    if (code == AFT_OK) {
        code = push_new(reader, AFT_PICKLE_INTEGER, &value);
    }
    if (code != AFT_OK) {
        return code;
    }
    if (is_signed && n_bytes > 0 && n_bytes < 8 && (bits >> (8 * n_bytes - 1)) != 0) {
        bits |= UINT64_MAX << (8 * n_bytes);
    }
    memcpy(&value->integer, &bits, sizeof bits);
    return AFT_OK;
}

static enum aft_code read_long(struct reader *reader) /* LONG1 */
{
    uint64_t n_bytes = 0;
    enum aft_code code = take_unsigned(reader, 1, &n_bytes);
    return code == AFT_OK ? read_integer(reader, (size_t)n_bytes, true) : code;
}

static enum aft_code read_real(struct reader *reader) /* BINFLOAT */
{
    const unsigned char *bytes = NULL;
    struct aft_pickle_value *value = NULL;
    enum aft_code code = take(reader, 8, &bytes);
    if (code == AFT_OK) {
        code = push_new(reader, AFT_PICKLE_REAL, &value);
    }
    if (code == AFT_OK) {
        uint64_t bits = 0;
        for (int i = 0; i < 8; i++) {
            bits = bits << 8 | bytes[i];
        }
        memcpy(&value->real, &bits, sizeof bits);
    }
    return code;
}

static enum aft_code read_text(struct reader *reader, size_t length_bytes)
{
    uint64_t length = 0;
    const unsigned char *bytes = NULL;
    struct aft_pickle_value *value = NULL;
    enum aft_code code = take_unsigned(reader, length_bytes, &length);
    if (code == AFT_OK) {
        code = take(reader, (size_t)length, &bytes);
    }
    if (code == AFT_OK) {
        code = push_new(reader, AFT_PICKLE_TEXT, &value);
    }
    if (code == AFT_OK) {
        value->text = (const char *)bytes;
        value->length = (size_t)length;
    }
    return code;
}

static enum aft_code read_constant(struct reader *reader, enum aft_pickle_type type, int truth)
{
    struct aft_pickle_value *value = NULL;
    enum aft_code code = push_new(reader, type, &value);
    if (code == AFT_OK) {
        value->integer = truth;
    }
    return code;
}

static enum aft_code read_line(struct reader *reader, const char **text, size_t *length)
{
    const unsigned char *newline = memchr(reader->next, '\n', (size_t)(reader->end - reader->next));
    if (newline == NULL) {
        return bad(reader, "a name does not end");
    }
    *text = (const char *)reader->next;
    *length = (size_t)(newline - reader->next);
    reader->next = newline + 1;
    return AFT_OK;
}

static enum aft_code read_global(struct reader *reader)
{
    struct aft_pickle_value *value = NULL;
    enum aft_code code = push_new(reader, AFT_PICKLE_GLOBAL, &value);
    if (code == AFT_OK) {
        code = read_line(reader, &value->text, &value->length);
    }
    return code == AFT_OK ? read_line(reader, &value->name, &value->name_length) : code;
}

static enum aft_code read_mark(struct reader *reader)
{
    if (reader->n_marks == AFT_PICKLE_MAX_MARKS) {
        return bad(reader, "nested too deeply");
    }
    reader->marks[reader->n_marks++] = reader->stack.n;
    return AFT_OK;
}

static enum aft_code read_tuple(struct reader *reader, size_t n)
{
    size_t floor = reader->n_marks > 0 ? reader->marks[reader->n_marks - 1] : 0;
    if (reader->stack.n - floor < n) {
        return bad(reader, "a tuple lacks elements");
    }
    size_t first = reader->stack.n - n;
    struct aft_pickle_value *tuple = NULL;
    enum aft_code code = push_new(reader, AFT_PICKLE_TUPLE, &tuple);
    if (code == AFT_OK) {
        code = append_from(reader, tuple, first, first + n);
    }
    if (code == AFT_OK) {
        reader->stack.at[first] = tuple;
        reader->stack.n = first + 1;
    }
    return code;
}

static enum aft_code read_marked_tuple(struct reader *reader)
{
    size_t first = 0;
    enum aft_code code = pop_mark(reader, &first);
    return code == AFT_OK ? read_tuple(reader, reader->stack.n - first) : code;
}

/* APPENDS and SETITEMS: what stands above the mark goes into the container under it. */
static enum aft_code read_items(struct reader *reader, bool pairs)
{
    size_t first = 0;
    enum aft_code code = pop_mark(reader, &first);
    if (code != AFT_OK) {
        return code;
    }
    size_t end = reader->stack.n;
    reader->stack.n = first;
    struct aft_pickle_value *container = top(reader);
    bool fits = container != NULL &&
                (pairs ? container->type == AFT_PICKLE_DICT || container->type == AFT_PICKLE_CALL
                       : container->type == AFT_PICKLE_LIST);
    if (!fits || (pairs && (end - first) % 2 != 0)) {
        return bad(reader, "items for something that holds none");
    }
    return append_from(reader, container, first, end);
}

/* APPEND and SETITEM are the same with a mark put before the last one or two. */
static enum aft_code read_one_item(struct reader *reader, bool pair)
{
    size_t n = pair ? 2 : 1;
    size_t floor = reader->n_marks > 0 ? reader->marks[reader->n_marks - 1] : 0;
    if (reader->stack.n - floor < n + 1) {
        return bad(reader, "an opcode finds nothing to work on");
    }
    enum aft_code code = read_mark(reader);
    if (code == AFT_OK) {
        reader->marks[reader->n_marks - 1] -= n;
        code = read_items(reader, pair);
    }
    return code;
}

static enum aft_code read_reduce(struct reader *reader)
{
    struct aft_pickle_value *argument = NULL;
    struct aft_pickle_value *head = NULL;
    struct aft_pickle_value *call = NULL;
    enum aft_code code = pop(reader, &argument);
    if (code == AFT_OK) {
        code = pop(reader, &head);
    }
    if (code == AFT_OK && (head->type != AFT_PICKLE_GLOBAL || argument->type != AFT_PICKLE_TUPLE)) {
        code = bad(reader, "a call of something without a name");
    }
    if (code == AFT_OK) {
        code = push_new(reader, AFT_PICKLE_CALL, &call);
    }
    if (code == AFT_OK) {
        call->head = head;
        call->argument = argument;
    }
    return code;
}

static enum aft_code read_build(struct reader *reader)
{
    struct aft_pickle_value *state = NULL;
    enum aft_code code = pop(reader, &state);
    if (code == AFT_OK && !aft_pickle_is(top(reader), AFT_PICKLE_CALL)) {
        code = bad(reader, "a state for something that has none");
    }
    if (code == AFT_OK) {
        top(reader)->state = state;
    }
    return code;
}

static enum aft_code read_persistent(struct reader *reader)
{
    struct aft_pickle_value *argument = NULL;
    struct aft_pickle_value *value = NULL;
    enum aft_code code = pop(reader, &argument);
    if (code == AFT_OK) {
        code = push_new(reader, AFT_PICKLE_PERSISTENT, &value);
    }
    if (code == AFT_OK) {
        value->argument = argument;
    }
    return code;
}

static enum aft_code memo_put(struct reader *reader, size_t index_bytes)
{
    uint64_t index = 0;
    enum aft_code code = take_unsigned(reader, index_bytes, &index);
    if (code != AFT_OK) {
        return code;
    }
    if (top(reader) == NULL || index >= AFT_PICKLE_MAX_VALUES) {
        return bad(reader, "a memo of nothing, or too large a memo");
    }
    struct pointers *memo = &reader->memo;
    while (memo->n <= index) {
        if (!aft_pickle_grow(&memo->at, memo->n, &memo->capacity)) {
            return no_memory(reader);
        }
        memo->at[memo->n++] = NULL;
    }
    memo->at[index] = top(reader);
    return AFT_OK;
}

static enum aft_code memo_get(struct reader *reader, size_t index_bytes)
{
    uint64_t index = 0;
    enum aft_code code = take_unsigned(reader, index_bytes, &index);
    if (code != AFT_OK) {
        return code;
    }
    if (index >= reader->memo.n || reader->memo.at[index] == NULL) {
        return bad(reader, "a memo that was never made");
    }
    return push(reader, reader->memo.at[index]);
}

static enum aft_code read_stop(struct reader *reader)
{
    if (reader->stack.n != 1 || reader->n_marks != 0 || reader->next != reader->end) {
        return bad(reader, "it does not end where it should");
    }
    aft_pickle_set_root(reader->pickle, reader->stack.at[0]);
    reader->stopped = true;
    return AFT_OK;
}

/* Opcodes that make one value out of the bytes that follow them. */
static enum aft_code read_atom(struct reader *reader, int opcode)
{
    switch (opcode) {
    case 'N':
        return read_constant(reader, AFT_PICKLE_NONE, 0);
    case 0x88:
        return read_constant(reader, AFT_PICKLE_BOOLEAN, 1);
    case 0x89:
        return read_constant(reader, AFT_PICKLE_BOOLEAN, 0);
    case 'K':
        return read_integer(reader, 1, false);
    case 'M':
        return read_integer(reader, 2, false);
    case 'J':
        return read_integer(reader, 4, true);
    case 0x8a:
        return read_long(reader);
    case 'G':
        return read_real(reader);
    case 'X':
        return read_text(reader, 4);
    case 'U':
        return read_text(reader, 1);
    case 'c':
        return read_global(reader);
    case ']':
        return read_constant(reader, AFT_PICKLE_LIST, 0);
    case ')':
        return read_constant(reader, AFT_PICKLE_TUPLE, 0);
    case '}':
        return read_constant(reader, AFT_PICKLE_DICT, 0);
    default:
        return aft_fail(reader->error, AFT_ERR_CORRUPT, "pickle: opcode 0x%02x is not allowed",
                        (unsigned)opcode);
    }
}

static enum aft_code read_opcode(struct reader *reader, int opcode)
{
    switch (opcode) {
    case '(':
        return read_mark(reader);
    case 't':
        return read_marked_tuple(reader);
    case 0x85:
        return read_tuple(reader, 1);
    case 0x86:
        return read_tuple(reader, 2);
    case 0x87:
        return read_tuple(reader, 3);
    case 'a':
        return read_one_item(reader, false);
    case 's':
        return read_one_item(reader, true);
    case 'e':
        return read_items(reader, false);
    case 'u':
        return read_items(reader, true);
    case 'R':
        return read_reduce(reader);
    case 'b':
        return read_build(reader);
    case 'Q':
        return read_persistent(reader);
    case 'q':
        return memo_put(reader, 1);
    case 'r':
        return memo_put(reader, 4);
    case 'h':
        return memo_get(reader, 1);
    case 'j':
        return memo_get(reader, 4);
    case '.':
        return read_stop(reader);
    default:
        return read_atom(reader, opcode);
    }
}

enum aft_code aft_pickle_read(struct aft_pickle **pickle, const void *bytes, size_t size,
                              struct aft_error *error)
{
    struct reader reader = {
        .next = bytes, .end = (const unsigned char *)bytes + size, .error = error};
    if (size < 3 || size > AFT_PICKLE_MAX_BYTES || memcmp(bytes, "\x80\x02", 2) != 0) {
        return bad(&reader, "not protocol 2, or larger than 4 MiB");
    }
    reader.pickle = aft_pickle_create();
    if (reader.pickle == NULL) {
        return no_memory(&reader);
    }
    reader.next += 2;
    enum aft_code code = AFT_OK;
    while (code == AFT_OK && !reader.stopped) {
        const unsigned char *opcode = NULL;
        code = take(&reader, 1, &opcode);
        if (code == AFT_OK) {
            code = read_opcode(&reader, *opcode);
        }
    }
    free(reader.stack.at);
    free(reader.memo.at);
    if (code != AFT_OK) {
        aft_pickle_destroy(reader.pickle);
        return code;
    }
    *pickle = reader.pickle;
    return AFT_OK;
}
