#include "environment/record_reader.h"

#include "base/file.h"
#include "base/printable.h"
#include "environment/response_spectrum.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_LINES = 40, TOKEN_MAX = 64, LINE_MAX_TEXT = 512 };

struct scanner { /* over bytes that may hold anything, NUL included */
    const char *at, *end;
    const char *path;
    int line;
};

struct header {
    double unit_m_s2; /* 0: not named yet */
    double dt_s;      /* 0: not given yet */
    double points;    /* 0: not given yet */
};

static enum aft_code mistake(const struct scanner *scan, struct aft_error *error,
                             const char *expected, const char *found)
{
    (void)aft_fail(error, AFT_ERR_USAGE, "read '%.120s', line %d: expected %s%s%.40s%s", scan->path,
                   scan->line, expected, found ? ", found '" : "", found ? found : "",
                   found ? "'" : "");
    aft_make_printable(error != NULL ? error->message : NULL); /* it quotes the file */
    return AFT_ERR_USAGE;
}

/* Copies the next line without its end, cut at LINE_MAX_TEXT, NULs as blanks; false at the end. */
static bool next_line(struct scanner *scan, char text[LINE_MAX_TEXT])
{
    if (scan->at >= scan->end) {
        return false;
    }
    const char *newline = memchr(scan->at, '\n', (size_t)(scan->end - scan->at));
    const char *stop = newline ? newline : scan->end;
    size_t length = 0;
    for (const char *c = scan->at; c < stop && length < LINE_MAX_TEXT - 1; c++) {
        text[length++] = *c == '\0' || *c == '\r' ? ' ' : *c;
    }
    text[length] = '\0';
    scan->at = newline ? newline + 1 : scan->end;
    scan->line++;
    return true;
}

/* True when the whole of text is one finite decimal number; Fortran's D exponent too. */
static bool parse_number(double *number, const char *text)
{
    char copy[TOKEN_MAX];
    size_t length = strlen(text);
    if (length == 0 || length >= TOKEN_MAX || strspn(text, "0123456789+-.eEdD") != length) {
        return false;
    }
    for (size_t i = 0; i <= length; i++) {
        copy[i] = text[i] == 'd' || text[i] == 'D' ? 'e' : text[i];
    }
    char *stop;
    *number = strtod(copy, &stop);
    return *stop == '\0' && isfinite(*number);
}

static bool is_separator(char c)
{
    return isspace((unsigned char)c) || c == ',' || c == ';' || c == '\0';
}

/* Cuts the next word out of *rest; long words are cut to TOKEN_MAX-1. */
static bool next_word(char word[TOKEN_MAX], const char **rest)
{
    const char *c = *rest;
    while (*c != '\0' && is_separator(*c)) {
        c++;
    }
    size_t length = 0;
    for (; *c != '\0' && !is_separator(*c); c++) {
        if (length < TOKEN_MAX - 1) {
            word[length++] = *c;
        }
    }
    word[length] = '\0';
    *rest = c;
    return length > 0;
}

/* The number after "name" and an optional '=' or ':', where name stands as a word of its own. */
static bool number_after(double *number, const char *text, const char *name)
{
    for (const char *c = strcasestr(text, name); c != NULL; c = strcasestr(c + 1, name)) {
        if (c > text && isalnum((unsigned char)c[-1])) {
            continue;
        }
        const char *rest = c + strlen(name);
        rest += strspn(rest, " \t");
        rest += *rest == '=' || *rest == ':';
        char word[TOKEN_MAX];
        if (next_word(word, &rest) && parse_number(number, word)) {
            return true;
        }
    }
    return false;
}

static void note_unit(struct header *header, const char *text)
{
    static const struct {
        const char *name;
        double unit_m_s2;
    } units[] = {
        {"cm/s", 0.01},
        {"cm/sec", 0.01},
        {"units of gal", 0.01},
        {"in gal", 0.01},
        {"(gal)", 0.01},
        {"m/s2", 1.0},
        {"m/s/s", 1.0},
        {"m/s^2", 1.0},
        {"m/s**2", 1.0},
        {"m/sec2", 1.0},
        {"m/sec/sec", 1.0},
        {"m/sec^2", 1.0},
        {"m/sec**2", 1.0},
        {"units of g", AFT_GRAVITY_M_S2},
        {"(g)", AFT_GRAVITY_M_S2},
        {"[g]", AFT_GRAVITY_M_S2},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units && header->unit_m_s2 == 0.0; i++) {
        if (strcasestr(text, units[i].name) != NULL) {
            header->unit_m_s2 = units[i].unit_m_s2;
        }
    }
    for (const char *c = strcasestr(text, " in g"); c != NULL && header->unit_m_s2 == 0.0;
         c = strcasestr(c + 1, " in g")) {
        if (!isalpha((unsigned char)c[5])) {
            header->unit_m_s2 = AFT_GRAVITY_M_S2;
        }
    }
}

static enum aft_code check_step(const struct scanner *scan, double dt_s, struct aft_error *error)
{
    if (!(dt_s > 0.0) || dt_s > 10.0) {
        return mistake(scan, error, "a step DT above 0 and at most 10 s", NULL);
    }
    return AFT_OK;
}

static enum aft_code check_points(const struct scanner *scan, double points,
                                  struct aft_error *error)
{
    if (!(points >= 2.0) || points > AFT_RECORD_MAX_SAMPLES || points != floor(points)) {
        return mistake(scan, error, "NPTS to be a whole number from 2 to 4194304", NULL);
    }
    return AFT_OK;
}

/* "7997 0.0050 NPTS, DT" */
static bool leading_pair(struct header *header, const char *text)
{
    char word[TOKEN_MAX];
    double pair[2];
    for (int i = 0; i < 2; i++) {
        if (!next_word(word, &text) || !parse_number(&pair[i], word)) {
            return false;
        }
    }
    header->points = pair[0];
    header->dt_s = pair[1];
    return true;
}

static enum aft_code read_npts_line(struct header *header, const struct scanner *scan,
                                    const char *text, struct aft_error *error)
{
    bool given =
        number_after(&header->points, text, "npts") && number_after(&header->dt_s, text, "dt");
    if (!given && !leading_pair(header, text)) {
        return mistake(scan, error, "'NPTS= n, DT= s' or 'n s NPTS, DT'", NULL);
    }
    enum aft_code code = check_points(scan, header->points, error);
    return code == AFT_OK ? check_step(scan, header->dt_s, error) : code;
}

static enum aft_code read_at2_header(struct header *header, struct scanner *scan,
                                     struct aft_error *error)
{
    char text[LINE_MAX_TEXT];
    while (scan->line < HEADER_LINES && next_line(scan, text)) {
        note_unit(header, text);
        if (strcasestr(text, "npts") != NULL) {
            return read_npts_line(header, scan, text, error);
        }
    }
    return mistake(scan, error, "NPTS in the first 40 lines", NULL);
}

/* The next word of the whole file, counting lines; false at its end. */
static bool next_file_word(char word[TOKEN_MAX], struct scanner *scan)
{
    while (scan->at < scan->end && is_separator(*scan->at)) {
        scan->line += *scan->at == '\n';
        scan->at++;
    }
    size_t length = 0;
    for (; scan->at < scan->end && !is_separator(*scan->at); scan->at++) {
        if (length < TOKEN_MAX - 1) {
            word[length++] = *scan->at;
        }
    }
    word[length] = '\0';
    return length > 0;
}

static enum aft_code read_at2_numbers(struct aft_record *record, size_t points,
                                      struct scanner *scan, struct aft_error *error)
{
    char word[TOKEN_MAX], expected[80];
    scan->line++; /* the header's line is done */
    for (record->n = 0; record->n < points; record->n++) {
        if (!next_file_word(word, scan)) {
            (void)snprintf(expected, sizeof expected, "%zu numbers (NPTS), found only %zu", points,
                           record->n);
            return mistake(scan, error, expected, NULL);
        }
        if (!parse_number(&record->acceleration_m_s2[record->n], word)) {
            (void)snprintf(expected, sizeof expected, "number %zu of %zu (NPTS)", record->n + 1,
                           points);
            return mistake(scan, error, expected, word);
        }
    }
    return AFT_OK;
}

/* A number takes two bytes at least, so that a huge NPTS asks for no memory. */
static enum aft_code allocate(struct aft_record *record, double points, const struct scanner *scan,
                              struct aft_error *error)
{
    if (points > (double)(scan->end - scan->at) / 2.0 + 1.0) {
        return mistake(scan, error, "NPTS numbers after this line; the file is too short", NULL);
    }
    record->acceleration_m_s2 = calloc((size_t)points + 1, sizeof(double));
    if (record->acceleration_m_s2 == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read '%.120s': out of memory", scan->path);
    }
    return AFT_OK;
}

static enum aft_code parse_at2(struct aft_record *record, struct scanner *scan,
                               struct header *header, struct aft_error *error)
{
    enum aft_code code = read_at2_header(header, scan, error);
    if (code == AFT_OK) {
        code = allocate(record, header->points, scan, error);
    }
    return code == AFT_OK ? read_at2_numbers(record, (size_t)header->points, scan, error) : code;
}

/* One row of numbers; *columns is 0 for an empty line, -1 where a word is no number. */
static void split_row(double row[2], int *columns, char bad[TOKEN_MAX], const char *text)
{
    char word[TOKEN_MAX];
    double number;
    *columns = 0;
    while (next_word(word, &text)) {
        if (!parse_number(&number, word)) {
            memcpy(bad, word, TOKEN_MAX);
            *columns = -1;
            return;
        }
        if (*columns < 2) {
            row[*columns] = number;
        }
        (*columns)++;
    }
}

struct csv {
    struct header header;
    int columns;    /* of the rows, 0 before the first */
    double first_s; /* times of the first and of the last row */
    double last_s;
};

static bool csv_comment(struct csv *csv, const char *text)
{
    const char *c = text + strspn(text, " \t");
    if (*c != '#' && *c != '%') {
        return false;
    }
    note_unit(&csv->header, text);
    (void)(number_after(&csv->header.dt_s, text, "dt_s") ||
           number_after(&csv->header.dt_s, text, "dt"));
    return true;
}

static void csv_heading(struct csv *csv, const char *text)
{
    note_unit(&csv->header, text);
    if (csv->header.unit_m_s2 == 0.0 && strcasestr(text, "m_s2") != NULL) {
        csv->header.unit_m_s2 = strcasestr(text, "cm_s2") != NULL ? 0.01 : 1.0;
    }
    if (csv->header.unit_m_s2 == 0.0 && strcasestr(text, "_g") != NULL) {
        csv->header.unit_m_s2 = AFT_GRAVITY_M_S2;
    }
    (void)(number_after(&csv->header.dt_s, text, "dt_s") ||
           number_after(&csv->header.dt_s, text, "dt"));
}

/* The first two rows set the step; every later one must keep it to 5 % (printed times are rounded).
 */
static enum aft_code check_time(struct csv *csv, double time_s, size_t index,
                                const struct scanner *scan, struct aft_error *error)
{
    if (index == 0) {
        csv->first_s = time_s;
    } else if (index == 1) {
        csv->header.dt_s = time_s - csv->first_s;
        enum aft_code code = check_step(scan, csv->header.dt_s, error);
        if (code != AFT_OK) {
            return code;
        }
    } else if (!(fabs(time_s - csv->last_s - csv->header.dt_s) <= 0.05 * csv->header.dt_s)) {
        return mistake(scan, error, "evenly spaced times in the first column", NULL);
    }
    csv->last_s = time_s;
    return AFT_OK;
}

static enum aft_code add_row(struct aft_record *record, struct csv *csv, const double row[2],
                             const struct scanner *scan, struct aft_error *error)
{
    if (record->n >= AFT_RECORD_MAX_SAMPLES) {
        return mistake(scan, error, "at most 4194304 rows", NULL);
    }
    if (csv->columns == 2) {
        enum aft_code code = check_time(csv, row[0], record->n, scan, error);
        if (code != AFT_OK) {
            return code;
        }
    }
    record->acceleration_m_s2[record->n++] = row[csv->columns - 1];
    return AFT_OK;
}

static enum aft_code parse_csv_line(struct aft_record *record, struct csv *csv, const char *text,
                                    const struct scanner *scan, struct aft_error *error)
{
    double row[2] = {0.0, 0.0};
    char bad[TOKEN_MAX] = "";
    int columns;
    if (csv_comment(csv, text)) {
        return AFT_OK;
    }
    split_row(row, &columns, bad, text);
    if (columns == 0) {
        return AFT_OK;
    }
    if (columns < 0 && record->n == 0) {
        csv_heading(csv, text);
        return AFT_OK;
    }
    if (columns < 0) {
        return mistake(scan, error, "a number", bad);
    }
    if (csv->columns == 0) {
        csv->columns = columns;
    }
    if (columns > 2 || columns != csv->columns) {
        return mistake(scan, error, csv->columns == 1 ? "one column" : "two columns", NULL);
    }
    return add_row(record, csv, row, scan, error);
}

static enum aft_code finish_csv(struct aft_record *record, struct csv *csv,
                                const struct scanner *scan, struct aft_error *error)
{
    if (record->n < 2) {
        return mistake(scan, error, "two or more rows of numbers, or an .AT2 header with NPTS",
                       NULL);
    }
    if (csv->columns == 1 && csv->header.dt_s == 0.0) {
        return mistake(scan, error, "'dt = SECONDS' in a comment above a single column", NULL);
    }
    if (csv->columns == 2) { /* the whole file's mean step is more exact than printed times */
        csv->header.dt_s = (csv->last_s - csv->first_s) / (double)(record->n - 1);
    }
    return check_step(scan, csv->header.dt_s, error);
}

static size_t count_lines(const struct scanner *scan)
{
    size_t lines = 1;
    for (const char *c = scan->at; c < scan->end; c++) {
        lines += *c == '\n';
    }
    return lines;
}

static enum aft_code parse_csv(struct aft_record *record, struct scanner *scan,
                               struct header *header, struct aft_error *error)
{
    char text[LINE_MAX_TEXT];
    struct csv csv = {.header = *header};
    record->acceleration_m_s2 = calloc(count_lines(scan), sizeof(double));
    if (record->acceleration_m_s2 == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read '%.120s': out of memory", scan->path);
    }
    enum aft_code code = AFT_OK;
    while (code == AFT_OK && next_line(scan, text)) {
        code = parse_csv_line(record, &csv, text, scan, error);
    }
    if (code == AFT_OK) {
        code = finish_csv(record, &csv, scan, error);
    }
    *header = csv.header;
    return code;
}

static bool looks_like_at2(struct scanner scan)
{
    char text[LINE_MAX_TEXT];
    const char *dot = strrchr(scan.path, '.');
    if (dot != NULL && strcasecmp(dot, ".csv") == 0) {
        return false;
    }
    if (dot != NULL && strcasecmp(dot, ".at2") == 0) {
        return true;
    }
    while (scan.line < HEADER_LINES && next_line(&scan, text)) {
        if (strcasestr(text, "npts") != NULL) {
            return true;
        }
    }
    return false;
}

enum aft_code aft_record_parse(struct aft_record *record, const char *text, size_t size,
                               const char *path, struct aft_error *error)
{
    struct scanner scan = {text, text + size, path, 0};
    struct header header = {0.0, 0.0, 0.0};
    *record = (struct aft_record){0};
    enum aft_code code = looks_like_at2(scan) ? parse_at2(record, &scan, &header, error)
                                              : parse_csv(record, &scan, &header, error);
    if (code != AFT_OK) {
        aft_record_clear(record);
        return code;
    }
    record->dt_s = header.dt_s;
    record->units_assumed = header.unit_m_s2 == 0.0;
    double unit = record->units_assumed ? AFT_GRAVITY_M_S2 : header.unit_m_s2;
    for (size_t i = 0; i < record->n; i++) {
        record->acceleration_m_s2[i] *= unit;
        if (!isfinite(record->acceleration_m_s2[i])) {
            aft_record_clear(record);
            return aft_fail(error, AFT_ERR_USAGE,
                            "read '%.120s': acceleration %zu is beyond any measure", path, i + 1);
        }
    }
    return AFT_OK;
}

enum aft_code aft_record_read(struct aft_record *record, const char *path, struct aft_error *error)
{
    char *bytes = NULL;
    size_t size = 0;
    *record = (struct aft_record){0};
    enum aft_code code = aft_file_read(&bytes, &size, path, AFT_RECORD_MAX_BYTES, error);
    if (code == AFT_OK) {
        code = aft_record_parse(record, bytes, size, path, error);
    }
    free(bytes);
    return code;
}

void aft_record_clear(struct aft_record *record)
{
    free(record->acceleration_m_s2);
    *record = (struct aft_record){0};
}
