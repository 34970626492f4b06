/* A command's description as `-h` prints it. */
#include "cli/page.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { INDENT = 2, GAP = 2, WIDEST_TERM = 20, NARROWEST = 48, WIDEST = 90, USUAL = 80 };

static int width_of(FILE *stream)
{
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return USUAL;
    }
    int columns = size.ws_col;
    return columns < NARROWEST ? NARROWEST : columns > WIDEST ? WIDEST : columns;
}

static void put_spaces(FILE *stream, int n)
{
    (void)fprintf(stream, "%*s", n, "");
}

/* The text in lines of the width, each from the column indent on; the first line
 * stands there already. Ends with a newline. */
static void fill(FILE *stream, const char *text, int indent, int width)
{
    int column = indent;
    while (*text != '\0') {
        int length = (int)strcspn(text, " \n");
        if (column > indent && column + 1 + length > width) {
            (void)fputc('\n', stream);
            put_spaces(stream, indent);
            column = indent;
        }
        if (column > indent) {
            (void)fputc(' ', stream);
            column++;
        }
        (void)fwrite(text, 1, (size_t)length, stream);
        column += length;
        text += length;
        bool paragraph = strncmp(text, "\n\n", 2) == 0;
        if (*text == '\n') {
            (void)fputs(paragraph ? "\n\n" : "\n", stream);
            put_spaces(stream, indent);
            column = indent;
        }
        text += paragraph ? 2 : *text != '\0';
    }
    (void)fputc('\n', stream);
}

static void write_head(FILE *stream, const struct aft_command *command)
{
    const char *blank = command->name != NULL ? " " : "";
    const char *name = command->name != NULL ? command->name : "";
    (void)fprintf(stream, "aftershock%s%s - %s\n\nSYNOPSIS\n", blank, name, command->summary);
    for (const char *line = command->synopsis; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        (void)fprintf(stream, "  aftershock%s%s %.*s\n", blank, name, (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void write_title(FILE *stream, const char *title)
{
    (void)fprintf(stream, "\n%s\n", title);
}

static void write_prose(FILE *stream, const char *text, bool after_title)
{
    (void)fputs(after_title ? "" : "\n", stream);
    put_spaces(stream, INDENT);
    fill(stream, text, INDENT, width_of(stream));
}

/* The column of the texts: beyond every term but the long ones, which have a line of
 * their own. */
static int text_column(const struct aft_entry *entries, int widest)
{
    int column = 0;
    for (; entries->term != NULL; entries++) {
        int length = (int)strlen(entries->term);
        column = length > column && length <= widest ? length : column;
    }
    return INDENT + column + GAP;
}

static void write_aligned(FILE *stream, const struct aft_entry *entries, int widest_term)
{
    int width = width_of(stream);
    int column = text_column(entries, widest_term);
    column = column > INDENT + GAP ? column : INDENT + 2 * GAP;
    for (; entries->term != NULL; entries++) {
        int used = INDENT + (int)strlen(entries->term);
        (void)fprintf(stream, "%*s%s", INDENT, "", entries->term);
        if (*entries->text == '\0') {
            (void)fputc('\n', stream);
            continue;
        }
        if (used + GAP > column) {
            (void)fputc('\n', stream);
            used = 0;
        }
        put_spaces(stream, column - used);
        fill(stream, entries->text, column, width);
    }
}

static void write_entries(FILE *stream, const struct aft_entry *entries)
{
    write_aligned(stream, entries, WIDEST_TERM);
}

static void write_examples(FILE *stream, const struct aft_entry *examples)
{
    write_aligned(stream, examples, 2 * WIDEST_TERM);
}

void aft_print_help(FILE *stream, const struct aft_command *command)
{
    static const struct aft_page_writer writer = {write_head, write_title, write_prose,
                                                  write_entries, write_examples};
    aft_page_write(stream, &writer, command);
}
