/* Values of keys: from text into a field, from a field into JSON, and in words. */
#ifndef AFT_CURRICULUM_VALUE_H
#define AFT_CURRICULUM_VALUE_H

#include "base/json.h"
#include "curriculum/keys.h"

enum { AFT_MAX_REASON = 240, AFT_MAX_EXPECTATION = 120, AFT_MAX_QUOTE = 36 };

/* Reads text into the key's field of its section's struct (base may be NULL:
 * it is only checked). On false, reason says what is wrong and what was
 * expected, and the field is untouched. */
bool aft_value_set(const struct aft_key *key, const char *text, void *base,
                   char reason[AFT_MAX_REASON]);

/* The field's value, exactly. NULL for a key without a field, or when memory is short. */
struct aft_json *aft_value_json(const struct aft_key *key, const void *base);

/* "a number above 0 up to 1" */
void aft_value_expectation(const struct aft_key *key, char out[AFT_MAX_EXPECTATION]);

/* The text in single quotes, cut where it is long; control bytes become '?'. */
void aft_value_quote(const char *text, char out[AFT_MAX_QUOTE]);

#endif
