/*
 * The commands of `aftershock`, one file each, and what they share: each says in
 * tables what it is, which options it takes and what they mean. Parsing
 * (cli/options.h), `-h` and the man page (cli/page.h) and the shell completions
 * (cli/completion.c) all come from these tables.
 */
#ifndef AFT_CLI_COMMAND_H
#define AFT_CLI_COMMAND_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Texts are ASCII and flow: they are wrapped where they are shown, and an empty line
 * parts paragraphs. */
struct aft_entry {
    const char *term, *text; /* "models/NAME/run.log", "what happened, one line each" */
};

struct aft_section {
    const char *title;               /* "FILES"; NULL: it goes on with the section before */
    const char *prose;               /* NULL: none */
    const struct aft_entry *entries; /* end in zeros; NULL: none */
};

enum aft_option_kind { /* what a value must be, and the type of the variable that takes it */
                       AFT_FLAG, /* no value; bool */
                       AFT_TEXT, /* const char *: one of `words`, or what `accepts` accepts */
                       AFT_FILE,
                       AFT_FOLDER,  /* const char *, not empty */
                       AFT_FILES,   /* struct aft_texts: the option may be given again */
                       AFT_SETTING, /* struct aft_texts: SECTION.KEY=VALUE; may be given again */
                       AFT_WORD,    /* int: the place of the value in `words`, from 0 on */
                       AFT_WORDS, /* unsigned: a list with commas, 1 << place for each of `words` */
                       AFT_WHOLE, /* int from `least` to `most` */
                       AFT_REAL,  /* double from `least` to `most` */
                       AFT_SEED,  /* uint64_t */
                       AFT_OWN,   /* what `take` makes of it */
};

struct aft_option {
    const char *name;  /* "threads", for --threads */
    char letter;       /* 'o', for -o; 0: none, and 'h' is help's */
    const char *value; /* what help calls its value; NULL: a flag */
    const char *help;  /* '\n' begins a new line */
    enum aft_option_kind kind;
    size_t offset;     /* of the variable in the command's own struct */
    const char *words; /* "auto native torch": what there is to choose, or to complete */
    bool (*accepts)(const char *text);
    const char *expected; /* for messages; NULL: follows from the kind */
    double least, most;
    const char *setting;           /* "run.threads": the variable is a struct aft_texts, and
                                    * takes "run.threads=VALUE" instead */
    const char *environment;       /* the variable that stands for it; NULL: none */
    const char *environment_words; /* the values that it may have; NULL: the option's */
    /* USAGE: not what is expected; MEMORY. The text lasts as long as argv. */
    enum aft_code (*take)(void *line, const char *text);
    bool files;          /* AFT_OWN: it may be a path */
    const char *heading; /* begins a group of options under this title */
};

struct aft_command {
    const char *name;     /* NULL: the program itself */
    const char *summary;  /* for the list of commands */
    const char *synopsis; /* what follows the name, a line for each way to call it */
    const struct aft_section *description; /* end in zeros, as do all that follow */
    const struct aft_option *options;      /* without -h, --help */
    const struct aft_section *sections;    /* such as FILES; NULL: none */
    const struct aft_entry *environment;   /* beside the options' own; NULL: none */
    const struct aft_entry *exit_codes;
    const struct aft_entry *examples;  /* a command line, and what it does or "" */
    const char *operand_words;         /* for completion; NULL: files */
    int (*run)(int argc, char **argv); /* argv[0] is the command; returns the exit code */
};

/* What most commands exit with. */
#define AFT_COMMON_EXIT_CODES                                                                      \
    {"0", "done"}, {"1", "failed at run time"},                                                    \
        {"2", "bad usage or a bad curriculum: nothing was touched"},                               \
    {                                                                                              \
        "3", "what is on disk cannot be trusted, or contradicts what was asked for"                \
    }

extern const struct aft_command aft_program;           /* `aftershock` itself; its run is NULL */
extern const struct aft_command *const aft_commands[]; /* end in NULL */

/* NULL where there is none of that name. */
const struct aft_command *aft_find_command(const char *name);

extern const struct aft_command aft_command_train;
extern const struct aft_command aft_command_status;
extern const struct aft_command aft_command_inspect;
extern const struct aft_command aft_command_verify;
extern const struct aft_command aft_command_compare;
extern const struct aft_command aft_command_evaluate;
extern const struct aft_command aft_command_export;
extern const struct aft_command aft_command_motion;
extern const struct aft_command aft_command_bench;
extern const struct aft_command aft_command_serve;
extern const struct aft_command aft_command_completion;

#endif
