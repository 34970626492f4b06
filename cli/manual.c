/* A command's description as a man page. */
#include "cli/page.h"

#include <ctype.h>
#include <string.h>

enum { LINE = 66 }; /* escapes make it longer */

/* One character, as roff wants it: a hyphen that is typed, not one of a word. */
static void put_character(FILE *stream, char character)
{
    if (character == '-') {
        (void)fputs("\\-", stream);
    } else if (character == '\\') {
        (void)fputs("\\e", stream);
    } else {
        (void)fputc(character, stream);
    }
}

static void put_escaped(FILE *stream, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        put_character(stream, text[i]);
    }
}

/* A word of prose; an option in it is bold. */
static void put_word(FILE *stream, const char *word, size_t length)
{
    size_t before = strspn(word, "('");
    if (length > before + 2 && strncmp(word + before, "--", 2) == 0) {
        size_t size = 2;
        while (before + size < length &&
               (islower((unsigned char)word[before + size]) || word[before + size] == '-')) {
            size++;
        }
        put_escaped(stream, word, before);
        (void)fputs("\\fB", stream);
        put_escaped(stream, word + before, size);
        (void)fputs("\\fR", stream);
        put_escaped(stream, word + before + size, length - before - size);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        bool in_word = i > 0 && isalpha((unsigned char)word[i - 1]) && i + 1 < length &&
                       isalpha((unsigned char)word[i + 1]);
        if (word[i] == '-' && in_word) {
            (void)fputc('-', stream);
        } else {
            put_character(stream, word[i]);
        }
    }
}

static void fill(FILE *stream, const char *text)
{
    size_t column = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " \n");
        if (column > 0 && column + 1 + length > LINE) {
            (void)fputc('\n', stream);
            column = 0;
        }
        if (column > 0) {
            (void)fputc(' ', stream);
        } else if (*text == '.' || *text == '\'') {
            (void)fputs("\\&", stream); /* or it would be a request */
        }
        put_word(stream, text, length);
        column += length + 1;
        text += length;
        if (*text == '\n') {
            bool paragraph = text[1] == '\n';
            (void)fputs(paragraph ? "\n.PP\n" : "\n.br\n", stream);
            column = 0;
            text += paragraph;
        }
        text += *text != '\0';
    }
    (void)fputc('\n', stream);
}

/* Options bold and their values italic; any other term bold. */
static void put_term(FILE *stream, const char *term)
{
    bool is_option = *term == '-';
    while (*term != '\0') {
        size_t length = is_option ? strcspn(term, " ") : strlen(term);
        (void)fputs(is_option && *term != '-' ? "\\fI" : "\\fB", stream);
        put_escaped(stream, term, length);
        (void)fputs("\\fR", stream);
        term += length;
        if (*term == ' ') {
            (void)fputc(' ', stream);
            term++;
        }
    }
    (void)fputc('\n', stream);
}

static void write_head(FILE *stream, const struct aft_command *command)
{
    char title[64] = "AFTERSHOCK";
    char name[64] = "aftershock";
    if (command->name != NULL) {
        (void)snprintf(name, sizeof name, "aftershock-%s", command->name);
        (void)snprintf(title, sizeof title, "AFTERSHOCK-%s", command->name);
    }
    (void)fputs(".TH ", stream);
    for (const char *at = title; *at != '\0'; at++) {
        put_character(stream, (char)toupper((unsigned char)*at));
    }
    (void)fprintf(stream, " 1 \"\" \"aftershock %s\" \"User Commands\"\n.SH NAME\n", AFT_VERSION);
    put_escaped(stream, name, strlen(name));
    (void)fputs(" \\- ", stream);
    fill(stream, command->summary);
    (void)fputs(".SH SYNOPSIS\n", stream);
    for (const char *line = command->synopsis; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        (void)fprintf(stream, "%s.B aftershock%s%s\n", line != command->synopsis ? ".br\n" : "",
                      command->name != NULL ? " " : "", command->name != NULL ? command->name : "");
        put_escaped(stream, line, length);
        (void)fputc('\n', stream);
        line += length + (line[length] == '\n');
    }
}

static void write_title(FILE *stream, const char *title)
{
    (void)fprintf(stream, ".SH %s\n", strcmp(title, "EXIT CODES") == 0 ? "EXIT STATUS" : title);
}

static void write_prose(FILE *stream, const char *text, bool after_title)
{
    (void)fputs(after_title ? "" : ".PP\n", stream);
    fill(stream, text);
}

static void write_entries(FILE *stream, const struct aft_entry *entries)
{
    for (int i = 0; entries->term != NULL; i++, entries++) {
        bool alone = *entries->text == '\0'; /* an example, right after its title */
        (void)fputs(!alone ? ".TP\n" : i > 0 ? ".PP\n" : "", stream);
        put_term(stream, entries->term);
        if (!alone) {
            fill(stream, entries->text);
        }
    }
}

static void write_see_also(FILE *stream, const struct aft_command *command)
{
    (void)fputs(".SH SEE ALSO\n", stream);
    if (command->name != NULL) {
        (void)fputs(".BR aftershock (1)\n", stream);
        return;
    }
    for (int i = 0; aft_commands[i] != NULL; i++) {
        (void)fprintf(stream, ".BR aftershock\\-%s (1)%s\n", aft_commands[i]->name,
                      aft_commands[i + 1] != NULL ? "," : "");
    }
}

void aft_print_manual(FILE *stream, const struct aft_command *command)
{
    static const struct aft_page_writer writer = {write_head, write_title, write_prose,
                                                  write_entries, write_entries};
    aft_page_write(stream, &writer, command);
    write_see_also(stream, command);
}
