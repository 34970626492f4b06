#include "curriculum/value.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBER = 64, MAX_WORD = 16 };

_Static_assert(sizeof(enum aft_schedule_kind) == sizeof(int), "a choice is stored as an int");

enum outcome { GOOD, MALFORMED, OUT_OF_RANGE };

union value {
    int64_t whole;
    double real;
    bool truth;
    struct aft_int_list list;
};

void aft_value_quote(const char *text, char out[AFT_MAX_QUOTE])
{
    enum { KEPT = AFT_MAX_QUOTE - 6 };
    size_t length = strlen(text);
    size_t shown = length > KEPT ? KEPT : length;
    (void)snprintf(out, AFT_MAX_QUOTE, "'%.*s%s'", (int)shown, text, shown < length ? "..." : "");
    for (char *byte = out; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < 0x20 || *byte == 0x7F) {
            *byte = '?';
        }
    }
}

/* Copies without the underscores that stand between two digits. */
static bool strip_underscores(char out[MAX_NUMBER], const char *text)
{
    static const char digits[] = "0123456789";
    size_t used = 0;
    for (const char *byte = text; *byte != '\0'; byte++) {
        if (*byte == '_') {
            if (byte == text || byte[1] == '\0' || strchr(digits, byte[-1]) == NULL ||
                strchr(digits, byte[1]) == NULL) {
                return false;
            }
            continue;
        }
        if (used + 1 >= MAX_NUMBER) {
            return false;
        }
        out[used++] = *byte;
    }
    out[used] = '\0';
    return true;
}

/* Decimal notation only: strtod would take hexadecimal, "inf" and "nan" too. */
static enum outcome read_real(const char *text, double *value)
{
    if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') {
        return MALFORMED;
    }
    char *end = NULL;
    double number = strtod(text, &end);
    if (*end != '\0' || end == text) {
        return MALFORMED;
    }
    if (!isfinite(number)) {
        return OUT_OF_RANGE;
    }
    *value = number + 0.0; /* -0 is 0, also in a fingerprint */
    return GOOD;
}

/* 300000, 300_000, 3e5 or 1.5e6; a point without an exponent is no whole number. */
static enum outcome read_whole(const char *text, int64_t *value)
{
    static const double exact_limit = 9007199254740992.0; /* 2^53 */
    char plain[MAX_NUMBER];
    if (!strip_underscores(plain, text)) {
        return MALFORMED;
    }
    if (strpbrk(plain, "eE") == NULL) {
        size_t sign = *plain == '-' || *plain == '+' ? 1 : 0;
        if (plain[sign] == '\0' || plain[sign + strspn(plain + sign, "0123456789")] != '\0') {
            return MALFORMED;
        }
        errno = 0;
        *value = (int64_t)strtoll(plain, NULL, 10);
        return errno == ERANGE ? OUT_OF_RANGE : GOOD;
    }
    double number = 0.0;
    enum outcome outcome = read_real(plain, &number);
    if (outcome != GOOD || number != floor(number)) {
        return outcome != GOOD ? outcome : MALFORMED;
    }
    if (fabs(number) > exact_limit) {
        return OUT_OF_RANGE;
    }
    *value = (int64_t)number;
    return GOOD;
}

static bool in_range(const struct aft_key *key, double number)
{
    bool above = (key->flags & AFT_KEY_ABOVE) != 0 ? number > key->min : number >= key->min;
    bool below = (key->flags & AFT_KEY_BELOW) != 0 ? number < key->max : number <= key->max;
    return above && below;
}

static enum outcome read_ranged_whole(const struct aft_key *key, const char *text, int64_t *value)
{
    enum outcome outcome = read_whole(text, value);
    return outcome == GOOD && !in_range(key, (double)*value) ? OUT_OF_RANGE : outcome;
}

static enum outcome read_truth(const char *text, bool *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], text) == 0) {
            *value = i % 2 == 1;
            return GOOD;
        }
    }
    return MALFORMED;
}

static enum outcome read_choice(const struct aft_key *key, const char *text, int64_t *value)
{
    for (int i = 0; i < AFT_MAX_CHOICES && key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            *value = i;
            return GOOD;
        }
    }
    return MALFORMED;
}

static enum outcome check_device(const struct aft_key *key, const char *text)
{
    static const char prefix[] = "cuda:";
    int64_t ignored = 0;
    if (read_choice(key, text, &ignored) == GOOD) {
        return GOOD;
    }
    const char *number = text + sizeof prefix - 1;
    bool numbered = strncmp(text, prefix, sizeof prefix - 1) == 0 && *number != '\0' &&
                    strlen(number) <= 3 && number[strspn(number, "0123456789")] == '\0';
    return numbered ? GOOD : MALFORMED;
}

static enum outcome check_name(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(text);
    bool good =
        length > 0 && length < AFT_MAX_NAME && *text != '.' && text[strspn(text, allowed)] == '\0';
    return good ? GOOD : MALFORMED;
}

static enum outcome read_list(const struct aft_key *key, const char *text,
                              struct aft_int_list *list)
{
    *list = (struct aft_int_list){0};
    if ((key->flags & AFT_KEY_MAY_BE_NONE) != 0 && strcmp(text, "none") == 0) {
        return GOOD;
    }
    const char *at = text;
    for (;;) {
        at += strspn(at, " \t");
        size_t length = strcspn(at, ", \t");
        char item[MAX_NUMBER];
        int64_t number = 0;
        if (length >= sizeof item) {
            return MALFORMED;
        }
        memcpy(item, at, length);
        item[length] = '\0';
        enum outcome outcome = read_ranged_whole(key, item, &number);
        if (outcome != GOOD) {
            return outcome;
        }
        bool descends = list->n > 0 && number <= list->value[list->n - 1];
        if (list->n == key->most || ((key->flags & AFT_KEY_ASCENDING) != 0 && descends)) {
            return OUT_OF_RANGE;
        }
        list->value[list->n++] = (int)number;
        at += length;
        at += strspn(at, " \t");
        if (*at == '\0') {
            return GOOD;
        }
        if (*at++ != ',') {
            return MALFORMED;
        }
    }
}

static enum outcome read_value(const struct aft_key *key, const char *text, union value *value)
{
    switch (key->type) {
    case AFT_KEY_WHOLE:
    case AFT_KEY_SIZE:
        return read_ranged_whole(key, text, &value->whole);
    case AFT_KEY_REAL: {
        enum outcome outcome = read_real(text, &value->real);
        return outcome == GOOD && !in_range(key, value->real) ? OUT_OF_RANGE : outcome;
    }
    case AFT_KEY_TRUTH:
        return read_truth(text, &value->truth);
    case AFT_KEY_CHOICE:
    case AFT_KEY_WORD:
        return read_choice(key, text, &value->whole);
    case AFT_KEY_DEVICE:
        return check_device(key, text);
    case AFT_KEY_NAME:
        return check_name(text);
    case AFT_KEY_TEXT:
        return strlen(text) < AFT_MAX_TEXT ? GOOD : OUT_OF_RANGE;
    case AFT_KEY_LIST:
        return read_list(key, text, &value->list);
    }
    return MALFORMED;
}

static void store(const struct aft_key *key, const char *text, const union value *value,
                  char *field)
{
    int number = (int)value->whole;
    switch (key->type) {
    case AFT_KEY_WHOLE:
    case AFT_KEY_CHOICE:
        number = (int)value->whole;
        memcpy(field, &number, sizeof number);
        break;
    case AFT_KEY_SIZE:
        memcpy(field, &value->whole, sizeof value->whole);
        break;
    case AFT_KEY_REAL:
        memcpy(field, &value->real, sizeof value->real);
        break;
    case AFT_KEY_TRUTH:
        memcpy(field, &value->truth, sizeof value->truth);
        break;
    case AFT_KEY_LIST:
        memcpy(field, &value->list, sizeof value->list);
        break;
    case AFT_KEY_WORD:
    case AFT_KEY_DEVICE:
    case AFT_KEY_NAME:
    case AFT_KEY_TEXT: /* what is read fits: its length was checked */
        memcpy(field, text, strlen(text) + 1);
        break;
    }
}

bool aft_value_set(const struct aft_key *key, const char *text, void *base,
                   char reason[AFT_MAX_REASON])
{
    union value value = {0};
    enum outcome outcome = read_value(key, text, &value);
    if (outcome == GOOD) {
        if (base != NULL && (key->flags & AFT_KEY_NO_FIELD) == 0) {
            store(key, text, &value, (char *)base + key->offset);
        }
        return true;
    }
    char quote[AFT_MAX_QUOTE];
    char expectation[AFT_MAX_EXPECTATION];
    aft_value_quote(text, quote);
    aft_value_expectation(key, expectation);
    const char *hint =
        strchr(text, '#') != NULL ? " (a comment behind a value begins with ';')" : "";
    (void)snprintf(reason, AFT_MAX_REASON, "%s%s: expected %s%s", quote,
                   outcome == OUT_OF_RANGE ? " is out of range" : "", expectation, hint);
    return false;
}

static struct aft_json *list_json(const struct aft_int_list *list)
{
    struct aft_json *array = aft_json_array();
    for (int i = 0; i < list->n; i++) {
        aft_json_append(array, aft_json_integer(list->value[i]));
    }
    return array;
}

struct aft_json *aft_value_json(const struct aft_key *key, const void *base)
{
    if ((key->flags & AFT_KEY_NO_FIELD) != 0) {
        return NULL;
    }
    const char *field = (const char *)base + key->offset;
    union value value = {0};
    int number = 0;
    switch (key->type) {
    case AFT_KEY_WHOLE:
        memcpy(&number, field, sizeof number);
        return aft_json_integer(number);
    case AFT_KEY_CHOICE:
        memcpy(&number, field, sizeof number);
        return aft_json_string(key->choices[number]);
    case AFT_KEY_SIZE:
        memcpy(&value.whole, field, sizeof value.whole);
        return aft_json_integer(value.whole);
    case AFT_KEY_REAL:
        memcpy(&value.real, field, sizeof value.real);
        return aft_json_real(value.real);
    case AFT_KEY_TRUTH:
        memcpy(&value.truth, field, sizeof value.truth);
        return aft_json_boolean(value.truth);
    case AFT_KEY_LIST:
        memcpy(&value.list, field, sizeof value.list);
        return list_json(&value.list);
    case AFT_KEY_WORD:
    case AFT_KEY_DEVICE:
    case AFT_KEY_NAME:
    case AFT_KEY_TEXT:
        return aft_json_string(field);
    }
    return NULL;
}

/* Appends, and cuts at the end of the text. */
__attribute__((format(printf, 3, 4))) static void append(char *out, size_t size, const char *format,
                                                         ...)
{
    size_t used = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
}

static void append_range(const struct aft_key *key, char *out, size_t size)
{
    bool above = (key->flags & AFT_KEY_ABOVE) != 0;
    bool below = (key->flags & AFT_KEY_BELOW) != 0;
    append(out, size, " %s %.10g %s %.10g", above ? "above" : "from", key->min,
           below   ? "to below"
           : above ? "up to"
                   : "to",
           key->max);
}

static void append_choices(const struct aft_key *key, char *out, size_t size)
{
    for (int i = 0; i < AFT_MAX_CHOICES && key->choices[i] != NULL; i++) {
        append(out, size, "%s%s", i == 0 ? "" : " | ", key->choices[i]);
    }
}

void aft_value_expectation(const struct aft_key *key, char out[AFT_MAX_EXPECTATION])
{
    const size_t size = AFT_MAX_EXPECTATION;
    *out = '\0';
    switch (key->type) {
    case AFT_KEY_WHOLE:
    case AFT_KEY_SIZE:
        append(out, size, "a whole number");
        append_range(key, out, size);
        break;
    case AFT_KEY_REAL:
        append(out, size, "a number");
        append_range(key, out, size);
        break;
    case AFT_KEY_TRUTH:
        append(out, size, "true | false");
        break;
    case AFT_KEY_CHOICE:
    case AFT_KEY_WORD:
        append_choices(key, out, size);
        break;
    case AFT_KEY_DEVICE:
        append_choices(key, out, size);
        append(out, size, " | cuda:N");
        break;
    case AFT_KEY_NAME:
        append(out, size, "1 to %d of A-Z a-z 0-9 . _ -, not beginning with a dot",
               AFT_MAX_NAME - 1);
        break;
    case AFT_KEY_TEXT:
        append(out, size, "at most %d characters", AFT_MAX_TEXT - 1);
        break;
    case AFT_KEY_LIST:
        append(out, size, "%swhole numbers from %g to %g, separated by commas, at most %d%s",
               (key->flags & AFT_KEY_ASCENDING) != 0 ? "ascending " : "", key->min, key->max,
               key->most, (key->flags & AFT_KEY_MAY_BE_NONE) != 0 ? ", or none" : "");
        break;
    }
}
