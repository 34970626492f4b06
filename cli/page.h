/*
 * The description of a command, made from its tables: what it says and in which order
 * is in page.c; how it looks is a writer's affair, that of `-h` (help.c) or that of the
 * man page (manual.c).
 */
#ifndef AFT_CLI_PAGE_H
#define AFT_CLI_PAGE_H

#include "cli/command.h"

#include <stdio.h>

struct aft_page_writer {
    void (*head)(FILE *stream, const struct aft_command *command); /* name and synopsis */
    void (*title)(FILE *stream, const char *title);
    void (*prose)(FILE *stream, const char *text, bool after_title);
    void (*entries)(FILE *stream, const struct aft_entry *entries);
    void (*examples)(FILE *stream, const struct aft_entry *examples);
};

/* Errors are the stream's. */
void aft_page_write(FILE *stream, const struct aft_page_writer *writer,
                    const struct aft_command *command);

/* As `-h` prints it: as wide as the terminal, within reason; 80 columns elsewhere. */
void aft_print_help(FILE *stream, const struct aft_command *command);

/* The man page, in roff: aftershock(1) for the program, aftershock-COMMAND(1). */
void aft_print_manual(FILE *stream, const struct aft_command *command);

#endif
