/* aftershock completion: what a shell completes, from the commands' tables. */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

/* What a value may be, beside the option's words. */
enum values { ANY_TEXT, FILES, FOLDERS };

static enum values values_of(const struct aft_option *option)
{
    if (option->kind == AFT_FOLDER) {
        return FOLDERS;
    }
    bool files = option->kind == AFT_FILE || option->kind == AFT_FILES || option->files;
    return files ? FILES : ANY_TEXT;
}

static void print_commands(const char *separator)
{
    for (int i = 0; aft_commands[i] != NULL; i++) {
        (void)printf("%s%s", i > 0 ? separator : "", aft_commands[i]->name);
    }
}

static void bash_value(const struct aft_option *option)
{
    static const char *const of_values[] = {
        [ANY_TEXT] = "", [FILES] = "compgen -f -- \"$cur\"", [FOLDERS] = "compgen -d -- \"$cur\""};
    const char *paths = of_values[values_of(option)];
    (void)printf("        --%s", option->name);
    if (option->letter != '\0') {
        (void)printf(" | -%c", option->letter);
    }
    (void)fputs(") ", stdout);
    if (option->words != NULL || *paths != '\0') {
        (void)printf("mapfile -t COMPREPLY < <(");
        if (option->words != NULL) {
            (void)printf("compgen -W \"%s\" -- \"$cur\"%s", option->words, *paths ? "; " : "");
        }
        (void)printf("%s); ", paths);
    }
    (void)puts("return ;;");
}

static void bash_command(const struct aft_command *command)
{
    (void)printf("    %s)\n        options=\"", command->name);
    for (const struct aft_option *option = command->options; option->name != NULL; option++) {
        (void)printf("--%s ", option->name);
    }
    (void)puts("-h --help\"");
    if (command->operand_words != NULL) {
        (void)printf("        operands=\"%s\"\n", command->operand_words);
    }
    (void)puts("        case $prev in");
    for (const struct aft_option *option = command->options; option->name != NULL; option++) {
        if (option->kind != AFT_FLAG) {
            bash_value(option);
        }
    }
    (void)puts("        esac ;;");
}

static void print_bash(void)
{
    (void)fputs(
        "# bash completion for aftershock, as 'aftershock completion bash' prints it\n"
        "_aftershock()\n"
        "{\n"
        "    local cur prev i command= options= operands=\n"
        "    COMPREPLY=()\n"
        "    cur=${COMP_WORDS[COMP_CWORD]}\n"
        "    prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    if [[ $cur == = ]]; then # --option=value are three words\n"
        "        cur=\n"
        "    elif [[ $prev == = ]]; then\n"
        "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
        "    fi\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in\n"
        "        ",
        stdout);
    print_commands(" | ");
    (void)fputs(
        ") command=${COMP_WORDS[i]}; break ;;\n"
        "        esac\n"
        "    done\n"
        "    case $command in\n"
        "    '')\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"",
        stdout);
    print_commands(" ");
    (void)puts(" -h --help --version\" -- \"$cur\")\n        return ;;");
    for (int i = 0; aft_commands[i] != NULL; i++) {
        bash_command(aft_commands[i]);
    }
    (void)puts(
        "    esac\n"
        "    if [[ $cur == -* ]]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
        "    elif [[ -n $operands ]]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"$operands\" -- \"$cur\")\n"
        "    else\n"
        "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
        "    fi\n"
        "}\n"
        "complete -o filenames -F _aftershock aftershock");
}

/* The first clause of a help text, to stand within single quotes and, in zsh, brackets:
 * without what would end them. */
static void print_gist(const char *help)
{
    for (size_t i = 0; help[i] != '\0' && help[i] != '\n' && help[i] != ';'; i++) {
        bool ends = (help[i] == ':' || help[i] == '.') && help[i + 1] == ' ';
        if (ends || strncmp(&help[i], " (", 2) == 0) {
            return;
        }
        switch (help[i]) {
        case '[':
        case ']':
        case '\'':
            break;
        default:
            (void)putchar(help[i]);
        }
    }
}

static void zsh_option(const struct aft_option *option)
{
    bool again = option->kind == AFT_FILES || option->kind == AFT_SETTING;
    (void)printf("        '%s--%s%s[", again ? "*" : "", option->name,
                 option->kind == AFT_FLAG ? "" : "=");
    print_gist(option->help);
    (void)putchar(']');
    if (option->kind != AFT_FLAG) {
        enum values values = values_of(option);
        (void)printf(":%s:", option->value);
        if (option->words != NULL && values == FILES) {
            (void)printf("_alternative \"words:word:(%s)\" \"files:file:_files\"", option->words);
        } else if (option->words != NULL) {
            (void)printf("(%s)", option->words);
        } else {
            (void)fputs(values == FILES ? "_files" : values == FOLDERS ? "_files -/" : " ", stdout);
        }
    }
    (void)puts("' \\");
}

static void print_zsh(void)
{
    (void)puts(
        "#compdef aftershock\n"
        "# zsh completion for aftershock, as 'aftershock completion zsh' prints it\n"
        "_aftershock()\n"
        "{\n"
        "    local -a commands\n"
        "    commands=(");
    for (int i = 0; aft_commands[i] != NULL; i++) {
        (void)printf("        '%s:", aft_commands[i]->name);
        print_gist(aft_commands[i]->summary);
        (void)puts("'");
    }
    (void)puts(
        "    )\n"
        "    if ((CURRENT == 2)); then\n"
        "        _describe command commands\n"
        "        return\n"
        "    fi\n"
        "    shift words\n"
        "    ((CURRENT--))\n"
        "    case $words[1] in");
    for (int i = 0; aft_commands[i] != NULL; i++) {
        const struct aft_command *command = aft_commands[i];
        (void)printf("    %s)\n        _arguments \\\n", command->name);
        for (const struct aft_option *option = command->options; option->name != NULL; option++) {
            zsh_option(option);
        }
        (void)puts("        '(-h --help)'{-h,--help}'[explains the command]' \\");
        if (command->operand_words != NULL) {
            (void)printf("        '*:operand:(%s)' ;;\n", command->operand_words);
        } else {
            (void)puts("        '*:file:_files' ;;");
        }
    }
    (void)puts(
        "    esac\n"
        "}\n"
        "if [[ $funcstack[1] == _aftershock ]]; then # loaded from fpath, to complete at once\n"
        "    _aftershock \"$@\"\n"
        "else\n"
        "    compdef _aftershock aftershock\n"
        "fi");
}

static void fish_option(const struct aft_command *command, const struct aft_option *option)
{
    (void)printf("complete -c aftershock -n '__fish_seen_subcommand_from %s' -l %s", command->name,
                 option->name);
    if (option->kind != AFT_FLAG) {
        enum values values = values_of(option);
        (void)fputs(values == FILES ? " -r -F" : " -x", stdout);
        if (option->words != NULL) {
            (void)printf(" -a '%s'", option->words);
        } else if (values == FOLDERS) {
            (void)fputs(" -a '(__fish_complete_directories)'", stdout);
        }
    }
    (void)fputs(" -d '", stdout);
    print_gist(option->help);
    (void)puts("'");
}

static void print_fish(void)
{
    (void)puts(
        "# fish completion for aftershock, as 'aftershock completion fish' prints it\n"
        "complete -c aftershock -f\n"
        "complete -c aftershock -n __fish_use_subcommand -l version -d 'the version'\n"
        "complete -c aftershock -s h -l help -d 'explains the command'");
    for (int i = 0; aft_commands[i] != NULL; i++) {
        const struct aft_command *command = aft_commands[i];
        (void)printf("complete -c aftershock -n __fish_use_subcommand -a %s -d '", command->name);
        print_gist(command->summary);
        (void)puts("'");
        (void)printf("complete -c aftershock -n '__fish_seen_subcommand_from %s' ", command->name);
        if (command->operand_words != NULL) {
            (void)printf("-a '%s'\n", command->operand_words);
        } else {
            (void)puts("-F");
        }
        for (const struct aft_option *option = command->options; option->name != NULL; option++) {
            fish_option(command, option);
        }
    }
}

static int run(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    int code;
    if (!aft_options_parse(&code, NULL, &aft_command_completion, argc, argv)) {
        return code;
    }
    if (argc - optind != 1) {
        return aft_usage_error(&aft_command_completion, "expected one shell: bash, zsh or fish");
    }
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(argv[optind], shells[i].name) == 0) {
            shells[i].print();
            return AFT_EXIT_OK;
        }
    }
    return aft_usage_error(&aft_command_completion, "shell '%s': expected bash, zsh or fish",
                           argv[optind]);
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Prints what the shell needs to complete commands, options, values and files. An "
              "installation has it in place already; for a build folder, put the line below in "
              "the shell's start-up file."},
    {0},
};
static const struct aft_option options[] = {{0}};
static const struct aft_entry exit_codes[] = {
    {"0", "done"}, {"1", "it could not be written"}, {"2", "bad usage"}, {0}};
static const struct aft_entry examples[] = {
    {"eval \"$(aftershock completion bash)\"", "in ~/.bashrc"},
    {"eval \"$(aftershock completion zsh)\"", "in ~/.zshrc, after compinit"},
    {"aftershock completion fish | source", "in ~/.config/fish/config.fish"},
    {0}};

const struct aft_command aft_command_completion = {
    .name = "completion",
    .summary = "what bash, zsh or fish needs to complete command lines",
    .synopsis = "bash | zsh | fish",
    .description = description,
    .options = options,
    .exit_codes = exit_codes,
    .examples = examples,
    .operand_words = "bash zsh fish",
    .run = run,
};
