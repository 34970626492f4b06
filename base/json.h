/*
 * JSON, by jansson: the one place that includes it. Documents are built and
 * read through this small interface. Numbers are written with 17 significant
 * digits (exact doubles), keys in the order in which they were added.
 *
 * Ownership: aft_json_* constructors and aft_json_parse return a value that the
 * caller owns; set and append take the child over, also when they fail;
 * get and at borrow from the parent. All of them take NULL for a value that
 * could not be made (constructors give NULL when memory is short), so that a
 * document can be built without a check per line: aft_json_write reports it.
 */
#ifndef AFT_BASE_JSON_H
#define AFT_BASE_JSON_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct aft_json; /* an object, array, string, number, boolean or null */

struct aft_json *aft_json_object(void);
struct aft_json *aft_json_array(void);
struct aft_json *aft_json_string(const char *utf8); /* NULL makes a null */
struct aft_json *aft_json_integer(int64_t number);
struct aft_json *aft_json_real(double number); /* not finite makes a null */
struct aft_json *aft_json_boolean(bool truth);
struct aft_json *aft_json_null(void);
struct aft_json *aft_json_copy(const struct aft_json *value); /* deep */
void aft_json_destroy(struct aft_json *value);

void aft_json_set(struct aft_json *object, const char *key, struct aft_json *child);
void aft_json_set_string(struct aft_json *object, const char *key, const char *utf8);
void aft_json_set_integer(struct aft_json *object, const char *key, int64_t number);
void aft_json_set_real(struct aft_json *object, const char *key, double number);
void aft_json_set_boolean(struct aft_json *object, const char *key, bool truth);
void aft_json_append(struct aft_json *array, struct aft_json *child);

/* Borrowed; NULL where it is not there or the parent is of another type. */
const struct aft_json *aft_json_get(const struct aft_json *object, const char *key);
const struct aft_json *aft_json_at(const struct aft_json *array, size_t index);
size_t aft_json_length(const struct aft_json *array_or_object);
/* The object's key at a place (in the order they were added), and its value. */
const char *aft_json_key_at(const struct aft_json *object, size_t index,
                            const struct aft_json **value);

bool aft_json_is_object(const struct aft_json *value);
bool aft_json_is_array(const struct aft_json *value);
bool aft_json_is_null(const struct aft_json *value);
bool aft_json_equal(const struct aft_json *a, const struct aft_json *b);

/* The value itself, or the fallback where it is of another type. */
const char *aft_json_string_value(const struct aft_json *value, const char *fallback);
int64_t aft_json_integer_value(const struct aft_json *value, int64_t fallback);

/* The member's value, or the fallback where it is missing or of another type. */
const char *aft_json_get_string(const struct aft_json *object, const char *key,
                                const char *fallback);
int64_t aft_json_get_integer(const struct aft_json *object, const char *key, int64_t fallback);
double aft_json_get_real(const struct aft_json *object, const char *key, double fallback);
bool aft_json_get_boolean(const struct aft_json *object, const char *key, bool fallback);

/* Parses exactly one document; what names the source in messages. Duplicate
 * keys, trailing bytes, more than 64 levels and invalid UTF-8 are errors. */
enum aft_code aft_json_parse(struct aft_json **value, const char *bytes, size_t size,
                             const char *what, struct aft_error *error);

/* The text, allocated; indented by two spaces, or on one line. */
enum aft_code aft_json_write(char **text, size_t *size, const struct aft_json *value, bool indent,
                             struct aft_error *error);

/* Prints the indented text and a newline. */
enum aft_code aft_json_print(FILE *stream, const struct aft_json *value, struct aft_error *error);

#endif
