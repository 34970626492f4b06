#include "curriculum/document.h"

#include "curriculum/ini_reader.h"
#include "curriculum/stage_name.h"
#include "curriculum/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PLACE = 200, MAX_WHAT = 256, MAX_SHOWN_PATH = 48, MAX_SHOWN_OVERRIDE = 100 };

static const char stage_word[] = "stage";

void aft_document_init(struct aft_document *document, const char *path)
{
    *document = (struct aft_document){.path = path, .current_stage = AFT_OF_RUN};
    size_t length = strlen(path);
    bool cut = length > MAX_SHOWN_PATH;
    (void)snprintf(document->shown, sizeof document->shown, "%s%s", cut ? "..." : "",
                   cut ? path + length - MAX_SHOWN_PATH : path);
}

void aft_document_clear(struct aft_document *document)
{
    for (size_t i = 0; i < document->n_assignments; i++) {
        free(document->assignments[i].value);
    }
    free(document->assignments);
    free(document->stages);
    *document = (struct aft_document){0};
}

static void place_in_file(const struct aft_document *document, int line, const char *section,
                          const char *key, char place[MAX_PLACE])
{
    char number[16] = "";
    if (line > 0) {
        (void)snprintf(number, sizeof number, ":%d", line);
    }
    (void)snprintf(place, MAX_PLACE, "%s%s: [%s]%s%.40s", document->shown, number, section,
                   key != NULL ? " " : "", key != NULL ? key : "");
}

static void place_of_override(const char *text, char place[MAX_PLACE])
{
    bool cut = strlen(text) > MAX_SHOWN_OVERRIDE;
    (void)snprintf(place, MAX_PLACE, "--set %.*s%s", MAX_SHOWN_OVERRIDE, text, cut ? "..." : "");
}

static void section_of(const struct aft_document *document, int stage, enum aft_section section,
                       char out[AFT_MAX_NAME + 8])
{
    if (stage == AFT_OF_RUN) {
        (void)snprintf(out, AFT_MAX_NAME + 8, "%s", aft_section_name(section));
    } else {
        (void)snprintf(out, AFT_MAX_NAME + 8, "stage %s", document->stages[stage].named.name);
    }
}

enum aft_code aft_document_fail(const struct aft_document *document,
                                const struct aft_assignment *assignment, const struct aft_key *key,
                                struct aft_error *error, const char *format, ...)
{
    char place[MAX_PLACE];
    char what[MAX_WHAT];
    char section[AFT_MAX_NAME + 8];
    if (assignment != NULL && assignment->override != NULL) {
        place_of_override(assignment->override, place);
    } else {
        int stage = assignment == NULL ? AFT_OF_RUN : assignment->stage;
        section_of(document, stage, key->section, section);
        int line = assignment == NULL ? 0 : assignment->line;
        place_in_file(document, line, section, key->name, place);
        if (assignment == NULL && key->initial != NULL) {
            size_t used = strlen(place);
            (void)snprintf(place + used, sizeof place - used, " (by default %s)", key->initial);
        }
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return aft_fail(error, AFT_ERR_USAGE, "%s: %s", place, what);
}

enum aft_code aft_document_fail_at(const struct aft_document *document, int line,
                                   const char *section, const char *key, struct aft_error *error,
                                   const char *format, ...)
{
    char place[MAX_PLACE];
    char what[MAX_WHAT];
    place_in_file(document, line, section, key, place);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return aft_fail(error, AFT_ERR_USAGE, "%s: %s", place, what);
}

static enum aft_code add(struct aft_document *document, struct aft_assignment assignment,
                         const char *value, struct aft_error *error)
{
    if (document->n_assignments == document->capacity) {
        size_t capacity = document->capacity == 0 ? 64 : 2 * document->capacity;
        struct aft_assignment *grown =
            realloc(document->assignments, capacity * sizeof *document->assignments);
        if (grown == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "read '%s': no memory", document->path);
        }
        document->assignments = grown;
        document->capacity = capacity;
    }
    assignment.value = strdup(value);
    if (assignment.value == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read '%s': no memory", document->path);
    }
    document->assignments[document->n_assignments++] = assignment;
    return AFT_OK;
}

/* Why a section has no such key, as helpfully as can be. */
static void explain_unknown_key(enum aft_section section, const char *name,
                                char reason[AFT_MAX_REASON])
{
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *other = aft_key_at(i);
        if (strcmp(other->name, name) != 0) {
            continue;
        }
        if (section == AFT_SECTION_STAGE && (other->flags & AFT_KEY_OF_RUN) != 0) {
            (void)snprintf(reason, AFT_MAX_REASON,
                           "belongs to the run, not to a stage: expected in [%s]",
                           aft_section_name(other->section));
        } else {
            (void)snprintf(reason, AFT_MAX_REASON, "not a key of this section: expected in [%s]",
                           aft_section_name(other->section));
        }
        return;
    }
    const struct aft_key *nearest = aft_key_nearest(section, name);
    if (nearest != NULL) {
        (void)snprintf(reason, AFT_MAX_REASON, "unknown key, did you mean '%s'?", nearest->name);
    } else {
        (void)snprintf(reason, AFT_MAX_REASON, "unknown key: docs/curriculum.md lists them all");
    }
}

static const struct aft_key *find_fitting(enum aft_section section, const char *name)
{
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        if (aft_key_is_named(key, name) && aft_key_fits(key, section)) {
            return key;
        }
    }
    return NULL;
}

/* The key, if the section has it and the value is good for it; else NULL and why. */
static const struct aft_key *check(enum aft_section section, const char *name, const char *value,
                                   char reason[AFT_MAX_REASON])
{
    const struct aft_key *key = find_fitting(section, name);
    if (key == NULL) {
        explain_unknown_key(section, name, reason);
        return NULL;
    }
    if (*value == '\0') {
        char expectation[AFT_MAX_EXPECTATION];
        aft_value_expectation(key, expectation);
        (void)snprintf(reason, AFT_MAX_REASON, "no value: expected %s", expectation);
        return NULL;
    }
    return aft_value_set(key, value, NULL, reason) ? key : NULL;
}

/* The stage's name in a heading "stage NAME"; NULL where it is no stage's. */
static const char *stage_of_section(const char *section)
{
    const size_t length = sizeof stage_word - 1;
    if (strncmp(section, stage_word, length) != 0 ||
        (section[length] != '\0' && section[length] != ' ' && section[length] != '\t')) {
        return NULL;
    }
    return section + length + strspn(section + length, " \t");
}

static enum aft_code open_stage(struct aft_document *document, const char *name, int line,
                                const char *section, struct aft_error *error)
{
    struct aft_stage named = {0};
    if (!aft_stage_name_parse(&named, name)) {
        return aft_document_fail_at(document, line, section, NULL, error,
                                    "not a stage's name: expected " AFT_STAGE_NAME_FORM);
    }
    if (document->n_stages == AFT_MAX_STAGES) {
        return aft_document_fail_at(document, line, section, NULL, error,
                                    "too many stages: expected at most %d", AFT_MAX_STAGES);
    }
    size_t count = (size_t)document->n_stages + 1;
    struct aft_stage_heading *grown = realloc(document->stages, count * sizeof *document->stages);
    if (grown == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read '%s': no memory", document->path);
    }
    document->stages = grown;
    named.number = (int)count;
    document->stages[document->n_stages] = (struct aft_stage_heading){.line = line, .named = named};
    document->current_stage = document->n_stages++;
    return AFT_OK;
}

static enum aft_code open_section(struct aft_document *document, const char *name, int line,
                                  struct aft_error *error)
{
    const char *stage = stage_of_section(name);
    if (stage != NULL) {
        return open_stage(document, stage, line, name, error);
    }
    enum aft_section section = aft_section_find(name);
    if (section == AFT_SECTION_COUNT) {
        const char *nearest = aft_section_nearest(name);
        return aft_document_fail_at(document, line, name, NULL, error,
                                    nearest != NULL ? "unknown section, did you mean [%s]?"
                                                    : "unknown section: expected [run], "
                                                      "[building], [ppo], … or [stage %s]",
                                    nearest != NULL ? nearest : "M4.5@50kN");
    }
    if (document->section_line[section] != 0) {
        return aft_document_fail_at(document, line, name, NULL, error,
                                    "stands already in line %d: expected once",
                                    document->section_line[section]);
    }
    document->section_line[section] = line;
    document->current_stage = AFT_OF_RUN;
    return AFT_OK;
}

static const struct aft_assignment *find_in_file(const struct aft_document *document,
                                                 const struct aft_key *key, int stage)
{
    for (size_t i = 0; i < document->n_assignments; i++) {
        const struct aft_assignment *other = &document->assignments[i];
        if (other->key == key && other->stage == stage && other->line > 0) {
            return other;
        }
    }
    return NULL;
}

static enum aft_code on_line(void *context, const char *section, const char *key, const char *value,
                             int line, struct aft_error *error)
{
    struct aft_document *document = context;
    if (key == NULL) {
        return open_section(document, section, line, error);
    }
    char quote[AFT_MAX_QUOTE];
    if (*section == '\0') {
        aft_value_quote(key, quote);
        return aft_fail(error, AFT_ERR_USAGE, "%s:%d: key %s stands before the first section",
                        document->shown, line, quote);
    }
    int stage = document->current_stage;
    enum aft_section where = stage == AFT_OF_RUN ? aft_section_find(section) : AFT_SECTION_STAGE;
    char reason[AFT_MAX_REASON];
    const struct aft_key *known = check(where, key, value, reason);
    if (known == NULL) {
        return aft_document_fail_at(document, line, section, key, error, "%s", reason);
    }
    const struct aft_assignment *before = find_in_file(document, known, stage);
    struct aft_assignment assignment = {.key = known, .stage = stage, .line = line};
    if (before != NULL) {
        return aft_document_fail(document, &assignment, known, error,
                                 "stands already in line %d: expected once", before->line);
    }
    return add(document, assignment, value, error);
}

enum aft_code aft_document_read(struct aft_document *document, const char *text, size_t size,
                                struct aft_error *error)
{
    return aft_ini_read(text, size, document->shown, on_line, document, error);
}

struct override_parts {
    char section[AFT_MAX_NAME + 16];
    char key[AFT_MAX_NAME];
    const char *value; /* within the text */
};

static bool copy_trimmed(char *out, size_t size, const char *first, const char *end)
{
    while (first < end && (*first == ' ' || *first == '\t')) {
        first++;
    }
    while (end > first && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    size_t length = (size_t)(end - first);
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(out, first, length);
    out[length] = '\0';
    return true;
}

/* A stage's name may hold dots: the key begins at the last one before '='. */
static bool split_override(struct override_parts *parts, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *dot = equals == NULL ? NULL : memrchr(text, '.', (size_t)(equals - text));
    if (dot == NULL) {
        return false;
    }
    parts->value = equals + 1 + strspn(equals + 1, " \t");
    return copy_trimmed(parts->section, sizeof parts->section, text, dot) &&
           copy_trimmed(parts->key, sizeof parts->key, dot + 1, equals);
}

/* Sets *stage to the index of the one stage that is meant, by number or by name. */
static bool find_stage(const struct aft_document *document, const char *wanted, int *stage,
                       char reason[AFT_MAX_REASON])
{
    int found = 0;
    bool is_number = *wanted != '\0' && wanted[strspn(wanted, "0123456789")] == '\0';
    for (int i = 0; i < document->n_stages; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", i + 1);
        const char *name = is_number ? number : document->stages[i].named.name;
        if (strcmp(name, wanted) == 0) {
            *stage = i;
            found++;
        }
    }
    if (found > 1) {
        (void)snprintf(reason, AFT_MAX_REASON,
                       "%d stages have this name: expected a number, such as stage %d", found,
                       *stage + 1);
    } else if (found == 0) {
        (void)snprintf(reason, AFT_MAX_REASON,
                       "no such stage: expected a number from 1 to %d or a stage's name",
                       document->n_stages);
    }
    return found == 1;
}

static bool find_section(const struct aft_document *document, const char *name, int *stage,
                         enum aft_section *section, char reason[AFT_MAX_REASON])
{
    const char *wanted = stage_of_section(name);
    if (wanted != NULL) {
        *section = AFT_SECTION_STAGE;
        return find_stage(document, wanted, stage, reason);
    }
    *stage = AFT_OF_RUN;
    *section = aft_section_find(name);
    if (*section != AFT_SECTION_COUNT) {
        return true;
    }
    const char *nearest = aft_section_nearest(name);
    (void)snprintf(reason, AFT_MAX_REASON, "unknown section%s%s%s",
                   nearest != NULL ? ", did you mean '"
                                   : ": expected run, building, ppo, … or stage N",
                   nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    return false;
}

enum aft_code aft_document_override(struct aft_document *document, const char *text,
                                    struct aft_error *error)
{
    struct override_parts parts = {.value = ""};
    struct aft_assignment assignment = {.override = text, .stage = AFT_OF_RUN};
    enum aft_section section = AFT_SECTION_COUNT;
    char reason[AFT_MAX_REASON];
    if (!split_override(&parts, text)) {
        return aft_document_fail(document, &assignment, NULL, error,
                                 "expected SECTION.KEY=VALUE, such as ppo.gamma=0.99");
    }
    if (!find_section(document, parts.section, &assignment.stage, &section, reason)) {
        return aft_document_fail(document, &assignment, NULL, error, "%s", reason);
    }
    assignment.key = check(section, parts.key, parts.value, reason);
    if (assignment.key == NULL) {
        return aft_document_fail(document, &assignment, NULL, error, "%s", reason);
    }
    return add(document, assignment, parts.value, error);
}
