#include "service/archive_command.h"

#include "base/path.h"
#include "base/shell_word.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the argument is that option, with its value behind '=' or in the next argument. As for
 * getopt_long, a beginning is enough where it is no other option's: `--seed` is one of its own. */
static bool is_option(const char *argument, const char *option, bool *has_value)
{
    size_t length = strcspn(argument, "=");
    *has_value = argument[length] == '=';
    return length > strlen("--") && strncmp(argument, option, length) == 0 &&
           (option[length] == '\0' || strcmp(option, "--seeds") != 0);
}

/* Options that the command gets anew, or that would do something else a second time. */
static bool is_left_out(const char *argument, bool stage_reached, bool *takes_next, bool *of_seeds)
{
    static const char *const with_values[] = {"--resume", "--models", "--seeds",
                                              "--stop-after-stage"};
    size_t n = sizeof with_values / sizeof *with_values;
    bool has_value;
    *takes_next = false;
    for (size_t i = 0; i < (stage_reached ? n : n - 1); i++) {
        if (is_option(argument, with_values[i], &has_value)) {
            *takes_next = !has_value;
            *of_seeds = *of_seeds || strcmp(with_values[i], "--seeds") == 0;
            return true;
        }
    }
    return is_option(argument, "--fresh", &has_value);
}

static void put(FILE *stream, const char *word)
{
    (void)fputc(' ', stream);
    aft_shell_word(stream, word);
}

/* `--resume stage` and `latest` are rules, which hold again; a path was for that time. */
static bool is_rule(const char *value)
{
    return strcmp(value, "stage") == 0 || strcmp(value, "latest") == 0;
}

static const char *rule_of(const struct aft_json *command)
{
    const char *rule = NULL;
    for (size_t i = 2; i < aft_json_length(command); i++) {
        const char *argument = aft_json_string_value(aft_json_at(command, i), "");
        bool has_value;
        if (is_option(argument, "--resume", &has_value)) {
            const char *value = has_value ? strchr(argument, '=') + 1
                                          : aft_json_string_value(aft_json_at(command, i + 1), "");
            rule = is_rule(value) ? value : NULL;
        }
    }
    return rule;
}

/* One run of --seeds is trained by itself, and one that was moved where it is. The last of two
 * equal options counts. */
static void put_name(FILE *stream, const struct aft_run_start *start, bool of_seeds)
{
    int64_t seed = of_seeds ? aft_json_integer_value(start->seed, -1) : -1;
    if (of_seeds || start->renamed) {
        put(stream, "--run-name");
        put(stream, start->name);
    }
    if (seed >= 0) {
        (void)fprintf(stream, " --seed %" PRId64, seed);
    }
}

static void put_same_command(FILE *stream, const struct aft_run_start *start)
{
    const char *program = aft_json_string_value(aft_json_at(start->command, 0), "");
    bool of_seeds = false;
    if (start->working_directory != NULL) {
        (void)fputs("cd ", stream);
        aft_shell_word(stream, start->working_directory);
        (void)fputs(" && ", stream);
    }
    /* Nobody is led to run another program. */
    aft_shell_word(stream,
                   strcmp(aft_path_name(program), "aftershock") == 0 ? program : "aftershock");
    (void)fputs(" train", stream);
    for (size_t i = 2; i < aft_json_length(start->command); i++) {
        const char *argument = aft_json_string_value(aft_json_at(start->command, i), "");
        bool takes_next;
        if (is_left_out(argument, start->stage_reached, &takes_next, &of_seeds)) {
            i += takes_next;
        } else {
            put(stream, argument);
        }
    }
    put_name(stream, start, of_seeds);
}

static bool is_train_command(const struct aft_json *command)
{
    bool is_train = aft_json_is_array(command) && aft_json_length(command) >= 2 &&
                    strcmp(aft_json_string_value(aft_json_at(command, 1), ""), "train") == 0;
    for (size_t i = 0; is_train && i < aft_json_length(command); i++) {
        is_train = aft_json_string_value(aft_json_at(command, i), NULL) != NULL;
    }
    return is_train;
}

static bool has_control_characters(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

char *aft_archive_command(const struct aft_run_start *start, const char *archive)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return NULL;
    }
    if (is_train_command(start->command)) {
        put_same_command(stream, start);
    } else {
        (void)fputs("aftershock train --run-name", stream);
        put(stream, start->name);
    }
    (void)fputs(" --models", stream);
    put(stream, start->models);
    const char *from = archive != NULL                    ? archive
                       : is_train_command(start->command) ? rule_of(start->command)
                                                          : NULL;
    if (from != NULL) {
        (void)fputs(" --resume", stream);
        put(stream, from);
    }
    bool failed = ferror(stream) != 0;
    failed = fclose(stream) != 0 || failed;
    if (failed || text == NULL || has_control_characters(text)) {
        free(text);
        return NULL;
    }
    return text;
}
