#include "cli/options.h"

#include "runner/train.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORD = 32, MAX_OPTIONS = 40 };

/* Levenshtein's distance of two words; long ones count as far. */
static int distance(const char *a, const char *b)
{
    int row[MAX_WORD + 1];
    int n = (int)strnlen(a, MAX_WORD + 1), m = (int)strnlen(b, MAX_WORD + 1);
    if (n > MAX_WORD || m > MAX_WORD) {
        return MAX_WORD;
    }
    for (int j = 0; j <= m; j++) {
        row[j] = j;
    }
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best) {
                best = row[j] + 1;
            }
            if (row[j - 1] + 1 < best) {
                best = row[j - 1] + 1;
            }
            row[j] = best;
        }
    }
    return row[m];
}

const char *aft_suggest(const char *word, const char *const *candidates, int n)
{
    const char *nearest = NULL;
    int least = (int)strlen(word) / 3 + 2;
    for (int i = 0; i < n; i++) {
        int d = distance(word, candidates[i]);
        if (d < least) {
            least = d;
            nearest = candidates[i];
        }
    }
    return nearest;
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

int aft_exit_code_of(enum aft_code code)
{
    switch (code) {
    case AFT_OK:
        return AFT_EXIT_OK;
    case AFT_ERR_USAGE:
        return AFT_EXIT_USAGE;
    case AFT_ERR_CORRUPT:
    case AFT_ERR_REFUSED:
        return AFT_EXIT_REFUSED;
    case AFT_ERR_BUSY:
        return AFT_EXIT_BUSY;
    case AFT_ERR_IO:
    case AFT_ERR_SPACE:
    case AFT_ERR_MEMORY:
    case AFT_ERR_MISSING:
    case AFT_ERR_NUMERIC:
    case AFT_ERR_ENGINE:
    case AFT_ERR_GATE:
        break;
    }
    return AFT_EXIT_FAILED;
}

int aft_report_failure(const struct aft_command *command, const struct aft_error *error)
{
    (void)fprintf(stderr, "aftershock %s: %s\n", command->name, error->message);
    return aft_exit_code_of(error->code);
}

static int report_unknown(const struct aft_command *command, char **argv,
                          const struct option *table)
{
    const char *names[MAX_OPTIONS];
    int n = 0;
    for (; table[n].name && n < MAX_OPTIONS - 1; n++) {
        names[n] = table[n].name;
    }
    names[n++] = "help";
    if (optopt != 0 && strncmp(argv[optind - 1], "--", 2) != 0) {
        (void)aft_usage_error(command, "unknown option '-%c'", optopt);
        return AFT_OPTION_BAD;
    }
    char word[64];
    const char *text = argv[optind - 1];
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(text + 2, "="), text + 2);
    if (optopt != 0) {
        (void)aft_usage_error(command, "option '--%s' takes no value", word);
        return AFT_OPTION_BAD;
    }
    const char *nearest = aft_suggest(word, names, n);
    if (nearest) {
        (void)aft_usage_error(command, "unknown option '--%s'; did you mean '--%s'?", word,
                              nearest);
    } else {
        (void)aft_usage_error(command, "unknown option '--%s'", word);
    }
    return AFT_OPTION_BAD;
}

int aft_option_next(const struct aft_command *command, int argc, char **argv,
                    const struct option *table)
{
    struct option with_help[MAX_OPTIONS + 2] = {{0}};
    char letters[2 * MAX_OPTIONS + 3] = ":h";
    int n = 0, end = 2;
    for (; table[n].name && n < MAX_OPTIONS; n++) {
        with_help[n] = table[n];
        if (table[n].val > ' ' && table[n].val <= '~') { /* -o beside --output */
            letters[end++] = (char)table[n].val;
            letters[end] = ':';
            end += table[n].has_arg == required_argument;
        }
    }
    letters[end] = '\0';
    with_help[n] = (struct option){"help", no_argument, NULL, 'h'};
    opterr = 0;
    int option = getopt_long(argc, argv, letters, with_help, NULL);
    if (option == 'h') {
        (void)fputs(command->help, stdout);
        return AFT_OPTION_HELP;
    }
    if (option == ':') {
        (void)aft_usage_error(command, "option '%s' needs a value", argv[optind - 1]);
        return AFT_OPTION_BAD;
    }
    if (option == '?') {
        return report_unknown(command, argv, table);
    }
    return option == -1 ? AFT_OPTION_END : option;
}

bool aft_parse_integer(int64_t *value, const char *text, int64_t least, int64_t most)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *value = number;
    return errno == 0 && end != text && *end == '\0' && number >= least && number <= most;
}

bool aft_parse_unsigned(uint64_t *value, const char *text)
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

bool aft_is_engine(const char *text)
{
    return strcmp(text, "auto") == 0 || strcmp(text, "native") == 0 || strcmp(text, "torch") == 0;
}
