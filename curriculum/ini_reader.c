#include "curriculum/ini_reader.h"

#include <ini.h>
#include <stdbool.h>
#include <string.h>

struct reader {
    const char *at;
    const char *end;
    const char *name;
    int line;
    char section[AFT_INI_MAX_SECTION + 1];
    aft_ini_handler handler;
    void *context;
    enum aft_code code;
    struct aft_error *error;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static void trim(const char **first, size_t *length)
{
    while (*length > 0 && is_blank(**first)) {
        (*first)++;
        (*length)--;
    }
    while (*length > 0 && is_blank((*first)[*length - 1])) {
        (*length)--;
    }
}

static bool has_control_byte(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
            return true;
        }
    }
    return false;
}

static void refuse(struct reader *reader, const char *what)
{
    reader->code =
        aft_fail(reader->error, AFT_ERR_USAGE, "%s:%d: %s", reader->name, reader->line, what);
}

/* A ';' after a blank begins a comment, as inih has it. */
static size_t without_comment(const char *line, size_t length)
{
    for (size_t i = 1; i < length; i++) {
        if (line[i] == ';' && is_blank(line[i - 1])) {
            return i;
        }
    }
    return length;
}

static void read_heading(struct reader *reader, const char *line, size_t length)
{
    length = without_comment(line, length);
    const char *close = memchr(line, ']', length);
    if (close == NULL) {
        refuse(reader, "the section's heading has no ']': expected [section]");
        return;
    }
    const char *rest = close + 1;
    size_t rest_length = (size_t)(line + length - rest);
    trim(&rest, &rest_length);
    if (rest_length > 0) {
        refuse(reader, "something follows the section's heading: expected [section] alone");
        return;
    }
    const char *name = line + 1;
    size_t name_length = (size_t)(close - name);
    trim(&name, &name_length);
    if (name_length == 0) {
        refuse(reader, "the section's name is empty: expected [section]");
        return;
    }
    if ((size_t)(close - line - 1) > AFT_INI_MAX_SECTION) {
        refuse(reader, "the section's name is too long: at most 49 characters are read");
        return;
    }
    memcpy(reader->section, name, name_length);
    reader->section[name_length] = '\0';
    reader->code =
        reader->handler(reader->context, reader->section, NULL, NULL, reader->line, reader->error);
}

static void check_assignment(struct reader *reader, const char *line, size_t length)
{
    length = without_comment(line, length);
    const char *equals = memchr(line, '=', length);
    const char *colon = memchr(line, ':', length);
    if (equals == line) {
        refuse(reader, "no key before '=': expected KEY = VALUE");
    } else if (colon != NULL && (equals == NULL || colon < equals)) {
        refuse(reader, "':' does not separate: expected KEY = VALUE");
    } else if (equals == NULL) {
        refuse(reader, "neither a section nor a key: expected [section] or KEY = VALUE");
    }
}

static void check_line(struct reader *reader, const char *line, size_t length)
{
    if (length == 0 || *line == ';' || *line == '#') {
        return;
    }
    if (*line == '[') {
        read_heading(reader, line, length);
    } else {
        check_assignment(reader, line, length);
    }
}

/* inih's reader: fills buffer with the next line, stripped, or ends the reading. */
static char *next_line(char *buffer, int capacity, void *stream)
{
    struct reader *reader = stream;
    if (reader->code != AFT_OK || reader->at == reader->end) {
        return NULL;
    }
    reader->line++;
    const char *line = reader->at;
    size_t left = (size_t)(reader->end - line);
    const char *newline = memchr(line, '\n', left);
    size_t length = newline == NULL ? left : (size_t)(newline - line);
    reader->at = newline == NULL ? reader->end : newline + 1;

    while (length > 0 && line[length - 1] == '\r') {
        length--;
    }
    if (length > AFT_INI_MAX_LINE) {
        refuse(reader, "the line is too long: at most 199 characters are read");
        return NULL;
    }
    trim(&line, &length);
    if (has_control_byte(line, length)) {
        refuse(reader, "a control character: expected plain text, lines ended by LF or CRLF");
        return NULL;
    }
    check_line(reader, line, length);
    if (reader->code != AFT_OK || length >= (size_t)capacity) {
        return NULL;
    }
    memcpy(buffer, line, length);
    buffer[length] = '\0';
    return buffer;
}

/* inih's handler; the section is the reader's own, uncut. */
static int on_key(void *user, const char *section, const char *key, const char *value)
{
    (void)section;
    struct reader *reader = user;
    if (reader->code == AFT_OK) {
        reader->code = reader->handler(reader->context, reader->section, key, value, reader->line,
                                       reader->error);
    }
    return 1;
}

enum aft_code aft_ini_read(const char *text, size_t size, const char *name, aft_ini_handler handler,
                           void *context, struct aft_error *error)
{
    static const char byte_order_mark[] = {'\xEF', '\xBB', '\xBF'};
    if (size >= sizeof byte_order_mark &&
        memcmp(text, byte_order_mark, sizeof byte_order_mark) == 0) {
        text += sizeof byte_order_mark;
        size -= sizeof byte_order_mark;
    }
    struct reader reader = {
        .at = text,
        .end = text + size,
        .name = name,
        .handler = handler,
        .context = context,
        .error = error,
    };
    int status = ini_parse_stream(next_line, &reader, on_key, &reader);
    if (reader.code != AFT_OK) {
        return reader.code;
    }
    if (status == -2) {
        return aft_fail(error, AFT_ERR_MEMORY, "read '%s': no memory", name);
    }
    if (status != 0 || reader.at != reader.end) {
        /* this reader and inih disagree about a line: believe neither */
        reader.line = status > 0 ? status : reader.line;
        refuse(&reader, "not understood: expected KEY = VALUE");
    }
    return reader.code;
}
