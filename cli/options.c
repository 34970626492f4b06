#include "cli/options.h"

#include "cli/page.h"
#include "cli/suggestion.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_OPTIONS = 40, EXPECTED_SIZE = 256 };
enum { FIRST_LONG = 256 }; /* what getopt_long calls long options: beyond every short one */

enum aft_code aft_texts_add(struct aft_texts *texts, const char *key, const char *text)
{
    char **items = realloc(texts->items, ((size_t)texts->n + 1) * sizeof *items);
    if (items == NULL) {
        return AFT_ERR_MEMORY;
    }
    texts->items = items;
    size_t size = (key != NULL ? strlen(key) + 1 : 0) + strlen(text) + 1;
    char *item = malloc(size);
    if (item == NULL) {
        return AFT_ERR_MEMORY;
    }
    (void)snprintf(item, size, "%s%s%s", key != NULL ? key : "", key != NULL ? "=" : "", text);
    items[texts->n++] = item;
    return AFT_OK;
}

void aft_texts_clear(struct aft_texts *texts)
{
    for (int i = 0; i < texts->n; i++) {
        free(texts->items[i]);
    }
    free(texts->items);
    *texts = (struct aft_texts){0};
}

int aft_usage_error(const struct aft_command *command, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "aftershock %s: %s; see 'aftershock %s -h'\n", command->name, message,
                  command->name);
    return AFT_EXIT_USAGE;
}

int aft_check_archive(const struct aft_command *command, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return aft_usage_error(command,
                               "'%s' is a folder: expected one archive, such as its "
                               "best_model.zip",
                               path);
    }
    return AFT_EXIT_OK;
}

int aft_check_curriculum(const struct aft_command *command, const char *path)
{
    if (path == NULL && access(AFT_DEFAULT_CURRICULUM, F_OK) != 0 && errno == ENOENT) {
        return aft_usage_error(command, "there is no " AFT_DEFAULT_CURRICULUM
                                        " here: name a curriculum, or begin with a copy of the "
                                        "example in share/aftershock/ of the installation");
    }
    return AFT_EXIT_OK;
}

int aft_report_failure(const struct aft_command *command, const struct aft_error *error)
{
    (void)fprintf(stderr, "aftershock %s: %s\n", command->name, error->message);
    return aft_exit_code_of(error->code);
}

bool aft_parse_integer(int64_t *value, const char *text, int64_t least, int64_t most)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *value = number;
    return errno == 0 && end != text && *end == '\0' && number >= least && number <= most;
}

static bool parse_unsigned(uint64_t *value, const char *text)
{
    char *end = NULL;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0';
}

bool aft_parse_real(double *value, const char *text, double least, double most)
{
    char *end = NULL;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value) && *value >= least && *value <= most;
}

bool aft_is_device(const char *text)
{
    int64_t index;
    if (strncmp(text, "cuda:", 5) == 0) {
        return aft_parse_integer(&index, text + 5, 0, 1023) && text[5] != '+';
    }
    return strcmp(text, "auto") == 0 || strcmp(text, "cpu") == 0 || strcmp(text, "cuda") == 0;
}

bool aft_is_run_name(const char *text)
{
    return *text != '\0' && *text != '.' && strchr(text, '/') == NULL;
}

size_t aft_word_at(const char **word, const char *words, int place)
{
    for (; place > 0 && *words != '\0'; place--) {
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    *word = words;
    return strcspn(words, " ");
}

/* The place of text[0 … length) in the words; -1: it is none of them. */
static int place_of(const char *words, const char *text, size_t length)
{
    const char *word;
    size_t size;
    for (int i = 0; (size = aft_word_at(&word, words, i)) > 0; i++) {
        if (size == length && strncmp(word, text, length) == 0) {
            return i;
        }
    }
    return -1;
}

/* "a b c" as "a, b or c". */
static void list_words(char out[EXPECTED_SIZE], const char *words)
{
    const char *word, *next;
    size_t size, used = 0;
    out[0] = '\0';
    for (int i = 0; (size = aft_word_at(&word, words, i)) > 0 && used < EXPECTED_SIZE; i++) {
        bool last = aft_word_at(&next, words, i + 1) == 0;
        const char *separator = i == 0 ? "" : last ? " or " : ", ";
        used += (size_t)snprintf(out + used, EXPECTED_SIZE - used, "%s%.*s", separator, (int)size,
                                 word);
    }
}

static void describe_expected(char out[EXPECTED_SIZE], const struct aft_option *option)
{
    static const char *const of_kind[] = {
        [AFT_FILE] = "a file",
        [AFT_FILES] = "a file or a folder",
        [AFT_FOLDER] = "a folder",
        [AFT_SETTING] = "SECTION.KEY=VALUE",
        [AFT_SEED] = "a number from 0 to 2^64 - 1",
        [AFT_OWN] = NULL,
    };
    if (option->expected != NULL) {
        (void)snprintf(out, EXPECTED_SIZE, "%s", option->expected);
    } else if (of_kind[option->kind] != NULL) {
        (void)snprintf(out, EXPECTED_SIZE, "%s", of_kind[option->kind]);
    } else if (option->kind == AFT_WHOLE || option->kind == AFT_REAL) {
        (void)snprintf(out, EXPECTED_SIZE, "a number from %.10g to %.10g", option->least,
                       option->most);
    } else {
        list_words(out, option->words);
    }
}

struct given { /* an option as it was found */
    const struct aft_command *command;
    const struct aft_option *option;
    const char *text;        /* NULL: a flag */
    const char *environment; /* the variable that it is from; NULL: the command line */
};

/* The message for a value, or the wrong part of it. */
static int refuse(const struct given *given, const char *text, size_t length)
{
    char expected[EXPECTED_SIZE];
    describe_expected(expected, given->option);
    if (given->environment != NULL && given->option->environment_words != NULL) {
        list_words(expected, given->option->environment_words);
    }
    return aft_usage_error(given->command, "%s%s '%.*s': expected %s",
                           given->environment != NULL ? "" : "--",
                           given->environment != NULL ? given->environment : given->option->name,
                           (int)length, text, expected);
}

static int take_words(unsigned *set, const struct given *given)
{
    for (const char *text = given->text; text != NULL;) {
        size_t length = strcspn(text, ",");
        int place = place_of(given->option->words, text, length);
        if (place < 0) {
            return refuse(given, text, length);
        }
        *set |= 1U << place;
        text = text[length] == ',' ? text + length + 1 : NULL;
    }
    return AFT_EXIT_OK;
}

struct number { /* what a text came to, by the option's kind */
    int64_t whole;
    double real;
    uint64_t seed;
};

/* Is the text what the option expects? */
static bool accept(struct number *number, const struct given *given)
{
    const struct aft_option *option = given->option;
    const char *text = given->text;
    switch (option->kind) {
    case AFT_TEXT:
        return option->accepts != NULL
                   ? option->accepts(text)
                   : option->words == NULL || place_of(option->words, text, strlen(text)) >= 0;
    case AFT_FILE:
    case AFT_FILES:
    case AFT_FOLDER:
        return *text != '\0';
    case AFT_SETTING: {
        const char *value = strchr(text, '='), *key = strchr(text, '.');
        return value != NULL && key != NULL && key < value;
    }
    case AFT_WORD:
        number->whole = place_of(option->words, text, strlen(text));
        return number->whole >= 0;
    case AFT_WHOLE:
        return aft_parse_integer(&number->whole, text, (int64_t)option->least,
                                 (int64_t)option->most);
    case AFT_REAL:
        return aft_parse_real(&number->real, text, option->least, option->most);
    case AFT_SEED:
        return parse_unsigned(&number->seed, text);
    case AFT_FLAG:
    case AFT_WORDS:
    case AFT_OWN:
        break;
    }
    return true;
}

static enum aft_code store(void *variable, const struct given *given, const struct number *number)
{
    switch (given->option->kind) {
    case AFT_FLAG:
        *(bool *)variable = true;
        break;
    case AFT_TEXT:
    case AFT_FILE:
    case AFT_FOLDER:
        *(const char **)variable = given->text;
        break;
    case AFT_FILES:
    case AFT_SETTING:
        return aft_texts_add(variable, NULL, given->text);
    case AFT_WORD:
    case AFT_WHOLE:
        *(int *)variable = (int)number->whole;
        break;
    case AFT_REAL:
        *(double *)variable = number->real;
        break;
    case AFT_SEED:
        *(uint64_t *)variable = number->seed;
        break;
    case AFT_WORDS:
    case AFT_OWN:
        break;
    }
    return AFT_OK;
}

static int take(void *line, const struct given *given)
{
    const struct aft_option *option = given->option;
    void *variable = (char *)line + option->offset;
    struct number number = {0};
    if (option->kind == AFT_WORDS) {
        return take_words(variable, given);
    }
    enum aft_code code = accept(&number, given) ? AFT_OK : AFT_ERR_USAGE;
    if (given->environment != NULL && option->environment_words != NULL &&
        place_of(option->environment_words, given->text, strlen(given->text)) < 0) {
        code = AFT_ERR_USAGE;
    }
    if (code == AFT_OK && option->kind == AFT_OWN) {
        code = option->take(line, given->text);
    } else if (code == AFT_OK && option->setting != NULL) {
        code = aft_texts_add(variable, option->setting, given->text);
    } else if (code == AFT_OK) {
        code = store(variable, given, &number);
    }
    if (code == AFT_ERR_MEMORY) {
        (void)fprintf(stderr, "aftershock %s: out of memory\n", given->command->name);
        return AFT_EXIT_FAILED;
    }
    return code == AFT_OK ? AFT_EXIT_OK : refuse(given, given->text, strlen(given->text));
}

static int count_options(const struct aft_command *command)
{
    int n = 0;
    while (n < MAX_OPTIONS && command->options[n].name != NULL) {
        n++;
    }
    return n;
}

static int report_unknown(const struct aft_command *command, char **argv)
{
    const char *names[MAX_OPTIONS + 1];
    int n = count_options(command);
    for (int i = 0; i < n; i++) {
        names[i] = command->options[i].name;
    }
    names[n++] = "help";
    const char *text = argv[optind - 1];
    if (optopt != 0 && optopt < FIRST_LONG && optopt != 'h') {
        return aft_usage_error(command, "unknown option '-%c'", optopt);
    }
    char word[64];
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(text + 2, "="), text + 2);
    if (optopt != 0) {
        return aft_usage_error(command, "option '--%s' takes no value", word);
    }
    const char *nearest = aft_suggest(word, names, n);
    if (nearest != NULL) {
        return aft_usage_error(command, "unknown option '--%s'; did you mean '--%s'?", word,
                               nearest);
    }
    return aft_usage_error(command, "unknown option '--%s'", word);
}

/* The command line into found[], in its order. False: the command ends here. */
static bool find_given(int *exit_code, struct given *found, int *n,
                       const struct aft_command *command, int argc, char **argv)
{
    struct option table[MAX_OPTIONS + 2] = {{0}};
    char letters[2 * MAX_OPTIONS + 3] = ":h";
    int n_options = count_options(command), end = 2, by_letter[FIRST_LONG] = {0};
    for (int i = 0; i < n_options; i++) {
        const struct aft_option *option = &command->options[i];
        int has_value = option->kind == AFT_FLAG ? no_argument : required_argument;
        table[i] = (struct option){option->name, has_value, NULL, FIRST_LONG + i};
        if (option->letter != '\0') {
            by_letter[(unsigned char)option->letter] = i;
            letters[end++] = option->letter;
            letters[end] = ':'; /* written over by the next letter where there is no value */
            end += has_value == required_argument;
        }
    }
    letters[end] = '\0';
    table[n_options] = (struct option){"help", no_argument, NULL, 'h'};
    opterr = 0;
    int option;
    while ((option = getopt_long(argc, argv, letters, table, NULL)) != -1) {
        if (option == 'h') {
            aft_print_help(stdout, command);
            *exit_code = AFT_EXIT_OK;
            return false;
        }
        if (option == ':' || option == '?') {
            *exit_code = option == '?' ? report_unknown(command, argv)
                                       : aft_usage_error(command, "option '%s' needs a value",
                                                         argv[optind - 1]);
            return false;
        }
        int place = option >= FIRST_LONG ? option - FIRST_LONG : by_letter[option];
        found[(*n)++] = (struct given){command, &command->options[place], optarg, NULL};
    }
    return true;
}

/* What the environment says of options that the command line does not name. */
static int take_environment(void *line, const struct given *found, int n,
                            const struct aft_command *command)
{
    int code = AFT_EXIT_OK;
    for (int i = 0; code == AFT_EXIT_OK && command->options[i].name != NULL; i++) {
        const struct aft_option *option = &command->options[i];
        const char *text = option->environment != NULL ? getenv(option->environment) : NULL;
        for (int g = 0; g < n; g++) {
            if (found[g].option == option) {
                text = NULL;
            }
        }
        if (text != NULL && *text != '\0') {
            struct given given = {command, option, text, option->environment};
            code = take(line, &given);
        }
    }
    return code;
}

bool aft_options_parse(int *exit_code, void *line, const struct aft_command *command, int argc,
                       char **argv)
{
    int n = 0;
    struct given *found = calloc((size_t)argc + 1, sizeof *found);
    if (found == NULL) {
        (void)fprintf(stderr, "aftershock %s: out of memory\n", command->name);
        *exit_code = AFT_EXIT_FAILED;
        return false;
    }
    bool goes_on = find_given(exit_code, found, &n, command, argc, argv);
    if (goes_on) {
        *exit_code = take_environment(line, found, n, command);
        for (int i = 0; i < n && *exit_code == AFT_EXIT_OK; i++) {
            *exit_code = take(line, &found[i]);
        }
        goes_on = *exit_code == AFT_EXIT_OK;
    }
    free(found);
    return goes_on;
}
