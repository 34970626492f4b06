#include "cli/page.h"

#include <string.h>

enum { MAX_ENTRIES = 48, TERM_SIZE = 64, TEXT_SIZE = 160 };

static void write_sections(FILE *stream, const struct aft_page_writer *writer,
                           const struct aft_section *sections)
{
    for (; sections != NULL && (sections->title || sections->prose || sections->entries);
         sections++) {
        if (sections->title != NULL) {
            writer->title(stream, sections->title);
        }
        if (sections->prose != NULL) {
            writer->prose(stream, sections->prose, sections->title != NULL);
        }
        if (sections->entries != NULL) {
            writer->entries(stream, sections->entries);
        }
    }
}

static void write_commands(FILE *stream, const struct aft_page_writer *writer)
{
    struct aft_entry entries[MAX_ENTRIES + 1] = {{0}};
    for (int i = 0; aft_commands[i] != NULL && i < MAX_ENTRIES; i++) {
        entries[i] = (struct aft_entry){aft_commands[i]->name, aft_commands[i]->summary};
    }
    writer->title(stream, "COMMANDS");
    writer->entries(stream, entries);
}

/* Group by group, each under its title. */
static void write_options(FILE *stream, const struct aft_page_writer *writer,
                          const struct aft_option *option)
{
    char terms[MAX_ENTRIES][TERM_SIZE];
    bool goes_on = true;
    const char *title = "OPTIONS";
    while (goes_on) {
        struct aft_entry entries[MAX_ENTRIES + 1] = {{0}};
        int n = 0;
        title = option->name != NULL && option->heading != NULL ? option->heading : title;
        do {
            if (option->name == NULL) {
                entries[n++] = (struct aft_entry){"-h, --help", "this text"};
                goes_on = false;
                break;
            }
            char letter[] = "-?, ";
            letter[1] = option->letter;
            (void)snprintf(terms[n], TERM_SIZE, "%s--%s%s%s", option->letter != '\0' ? letter : "",
                           option->name, option->value != NULL ? " " : "",
                           option->value != NULL ? option->value : "");
            entries[n] = (struct aft_entry){terms[n], option->help};
            n++;
            option++;
        } while (n < MAX_ENTRIES - 1 && option->heading == NULL);
        writer->title(stream, title);
        writer->entries(stream, entries);
    }
}

struct variables { /* of the environment */
    struct aft_entry entries[MAX_ENTRIES + 1];
    char texts[MAX_ENTRIES][TEXT_SIZE];
    int n;
};

/* Adds the variables that stand for the command's options; named: with whose they are. */
static void collect_variables(struct variables *variables, const struct aft_command *command,
                              bool named)
{
    for (const struct aft_option *option = command->options; option->name != NULL; option++) {
        if (option->environment == NULL) {
            continue;
        }
        int at = 0;
        while (at < variables->n && strcmp(variables->entries[at].term, option->environment) != 0) {
            at++;
        }
        if (at == MAX_ENTRIES) {
            return;
        }
        char *text = variables->texts[at];
        if (at == variables->n) {
            variables->entries[variables->n++] = (struct aft_entry){option->environment, text};
            (void)snprintf(text, TEXT_SIZE, "stands for --%s %s%s%s", option->name, option->value,
                           named ? " of " : "", named ? command->name : "");
        } else {
            size_t used = strlen(text);
            (void)snprintf(text + used, TEXT_SIZE - used, ", %s", command->name);
        }
    }
}

static void write_environment(FILE *stream, const struct aft_page_writer *writer,
                              const struct aft_command *command)
{
    struct variables variables = {.n = 0};
    if (command->name != NULL) {
        collect_variables(&variables, command, false);
    } else {
        for (int i = 0; aft_commands[i] != NULL; i++) {
            collect_variables(&variables, aft_commands[i], true);
        }
    }
    for (const struct aft_entry *entry = command->environment;
         entry != NULL && entry->term != NULL && variables.n < MAX_ENTRIES; entry++) {
        variables.entries[variables.n++] = *entry;
    }
    if (variables.n == 0) {
        return;
    }
    writer->title(stream, "ENVIRONMENT");
    if (strncmp(variables.entries[0].term, "AFTERSHOCK_", 11) == 0) {
        writer->prose(stream,
                      "The command line goes before the variables that stand for options, and "
                      "they go before the curriculum. An empty variable counts as unset.",
                      true);
    }
    writer->entries(stream, variables.entries);
}

void aft_page_write(FILE *stream, const struct aft_page_writer *writer,
                    const struct aft_command *command)
{
    writer->head(stream, command);
    if (command->name == NULL) {
        write_commands(stream, writer);
    }
    write_sections(stream, writer, command->description);
    write_options(stream, writer, command->options);
    write_sections(stream, writer, command->sections);
    write_environment(stream, writer, command);
    writer->title(stream, "EXIT CODES");
    writer->entries(stream, command->exit_codes);
    writer->title(stream, "EXAMPLES");
    writer->examples(stream, command->examples);
}
