#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LEVELS = 64, REAL_DIGITS = 17, INDENT = 2 };

/* Stands in a document for a child that was lost for want of memory. Jansson
 * counts no references where the count is -1, and refuses to write or to copy
 * a type that it does not know: so a loss is reported by aft_json_write. */
static json_t lost = {(json_type)99, (size_t)-1};

/* struct aft_json is never defined: a pointer to one is a pointer to a json_t. */
static json_t *unwrap(const struct aft_json *value)
{
    return (json_t *)(void *)value;
}

static struct aft_json *wrap(json_t *value)
{
    return (struct aft_json *)(void *)value;
}

struct aft_json *aft_json_object(void)
{
    return wrap(json_object());
}

struct aft_json *aft_json_array(void)
{
    return wrap(json_array());
}

/* File names and messages need not be UTF-8, JSON must be. */
static json_t *string_with_high_bytes_replaced(const char *bytes)
{
    char *copy = strdup(bytes);
    if (copy == NULL) {
        return NULL;
    }
    for (char *byte = copy; *byte != '\0'; byte++) {
        if ((unsigned char)*byte >= 0x80) {
            *byte = '?';
        }
    }
    json_t *value = json_string(copy);
    free(copy);
    return value;
}

struct aft_json *aft_json_string(const char *utf8)
{
    if (utf8 == NULL) {
        return aft_json_null();
    }
    json_t *value = json_string(utf8);
    return wrap(value != NULL ? value : string_with_high_bytes_replaced(utf8));
}

struct aft_json *aft_json_integer(int64_t number)
{
    return wrap(json_integer(number));
}

struct aft_json *aft_json_real(double number)
{
    return isfinite(number) ? wrap(json_real(number)) : aft_json_null();
}

struct aft_json *aft_json_boolean(bool truth)
{
    return wrap(json_boolean(truth));
}

struct aft_json *aft_json_null(void)
{
    return wrap(json_null());
}

struct aft_json *aft_json_copy(const struct aft_json *value)
{
    return value == NULL ? NULL : wrap(json_deep_copy(unwrap(value)));
}

void aft_json_destroy(struct aft_json *value)
{
    json_decref(unwrap(value));
}

/* Marks without allocating, unless the object is empty: then a little memory
 * is asked for once more, and failing that the object itself gets the type. */
static void mark_object(json_t *object)
{
    if (json_object_set_new(object, "lost", &lost) == 0) {
        return;
    }
    void *member = json_object_iter(object);
    if (member != NULL) {
        (void)json_object_iter_set_new(object, member, &lost);
    } else {
        object->type = lost.type;
    }
}

void aft_json_set(struct aft_json *object, const char *key, struct aft_json *child)
{
    if (!json_is_object(unwrap(object))) {
        aft_json_destroy(child);
        return;
    }
    if (child == NULL || json_object_set_new(unwrap(object), key, unwrap(child)) != 0) {
        mark_object(unwrap(object));
    }
}

void aft_json_set_string(struct aft_json *object, const char *key, const char *utf8)
{
    aft_json_set(object, key, aft_json_string(utf8));
}

void aft_json_set_integer(struct aft_json *object, const char *key, int64_t number)
{
    aft_json_set(object, key, aft_json_integer(number));
}

void aft_json_set_real(struct aft_json *object, const char *key, double number)
{
    aft_json_set(object, key, aft_json_real(number));
}

void aft_json_set_boolean(struct aft_json *object, const char *key, bool truth)
{
    aft_json_set(object, key, aft_json_boolean(truth));
}

void aft_json_append(struct aft_json *array, struct aft_json *child)
{
    if (!json_is_array(unwrap(array))) {
        aft_json_destroy(child);
        return;
    }
    /* an array is born with room, so one that cannot grow has a first element */
    if ((child == NULL || json_array_append_new(unwrap(array), unwrap(child)) != 0) &&
        json_array_append_new(unwrap(array), &lost) != 0) {
        (void)json_array_set_new(unwrap(array), 0, &lost);
    }
}

const struct aft_json *aft_json_get(const struct aft_json *object, const char *key)
{
    return wrap(json_object_get(unwrap(object), key));
}

const struct aft_json *aft_json_at(const struct aft_json *array, size_t index)
{
    return wrap(json_array_get(unwrap(array), index));
}

size_t aft_json_length(const struct aft_json *array_or_object)
{
    const json_t *value = unwrap(array_or_object);
    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

const char *aft_json_key_at(const struct aft_json *object, size_t index,
                            const struct aft_json **value)
{
    json_t *parent = unwrap(object);
    void *member = json_object_iter(parent);
    for (size_t i = 0; i < index && member != NULL; i++) {
        member = json_object_iter_next(parent, member);
    }
    if (value != NULL) {
        *value = wrap(json_object_iter_value(member));
    }
    return json_object_iter_key(member);
}

bool aft_json_is_object(const struct aft_json *value)
{
    return json_is_object(unwrap(value));
}

bool aft_json_is_array(const struct aft_json *value)
{
    return json_is_array(unwrap(value));
}

bool aft_json_is_null(const struct aft_json *value)
{
    return json_is_null(unwrap(value));
}

bool aft_json_equal(const struct aft_json *a, const struct aft_json *b)
{
    return a == b || json_equal(unwrap(a), unwrap(b)) == 1;
}

const char *aft_json_string_value(const struct aft_json *value, const char *fallback)
{
    return json_is_string(unwrap(value)) ? json_string_value(unwrap(value)) : fallback;
}

const char *aft_json_get_string(const struct aft_json *object, const char *key,
                                const char *fallback)
{
    const json_t *value = json_object_get(unwrap(object), key);
    return json_is_string(value) ? json_string_value(value) : fallback;
}

int64_t aft_json_integer_value(const struct aft_json *value, int64_t fallback)
{
    const json_t *number = unwrap(value);
    return json_is_integer(number) ? (int64_t)json_integer_value(number) : fallback;
}

int64_t aft_json_get_integer(const struct aft_json *object, const char *key, int64_t fallback)
{
    return aft_json_integer_value(aft_json_get(object, key), fallback);
}

double aft_json_get_real(const struct aft_json *object, const char *key, double fallback)
{
    const json_t *value = json_object_get(unwrap(object), key);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

bool aft_json_get_boolean(const struct aft_json *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(unwrap(object), key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

/* Jansson itself goes 2048 levels deep, on the stack. */
static bool is_too_deep(const char *bytes, size_t size)
{
    int level = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char byte = bytes[i];
        if (in_string) {
            i += byte == '\\';
            in_string = byte != '"';
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            if (++level > MAX_LEVELS) {
                return true;
            }
        } else if (byte == '}' || byte == ']') {
            level--;
        }
    }
    return false;
}

enum aft_code aft_json_parse(struct aft_json **value, const char *bytes, size_t size,
                             const char *what, struct aft_error *error)
{
    if (is_too_deep(bytes, size)) {
        return aft_fail(error, AFT_ERR_CORRUPT, "parse JSON of '%s': more than %d levels", what,
                        MAX_LEVELS);
    }
    json_error_t cause;
    json_t *parsed = json_loadb(bytes, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &cause);
    if (parsed == NULL) {
        enum aft_code code =
            json_error_code(&cause) == json_error_out_of_memory ? AFT_ERR_MEMORY : AFT_ERR_CORRUPT;
        return aft_fail(error, code, "parse JSON of '%s': line %d: %s", what, cause.line,
                        cause.text);
    }
    *value = wrap(parsed);
    return AFT_OK;
}

enum aft_code aft_json_write(char **text, size_t *size, const struct aft_json *value, bool indent,
                             struct aft_error *error)
{
    size_t style = indent ? JSON_INDENT(INDENT) : JSON_COMPACT;
    char *written =
        value == NULL
            ? NULL
            : json_dumps(unwrap(value), style | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
    if (written == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write JSON: no memory for the document");
    }
    *text = written;
    if (size != NULL) {
        *size = strlen(written);
    }
    return AFT_OK;
}

enum aft_code aft_json_print(FILE *stream, const struct aft_json *value, struct aft_error *error)
{
    char *text = NULL;
    enum aft_code code = aft_json_write(&text, NULL, value, true, error);
    if (code != AFT_OK) {
        return code;
    }
    if (fputs(text, stream) == EOF || fputc('\n', stream) == EOF || fflush(stream) != 0) {
        code = aft_fail_errno(error, "write JSON");
    }
    free(text);
    return code;
}
