/*
 * Prints docs/curriculum.md from the table of keys that the parser itself uses.
 *   build/curriculum_reference > docs/curriculum.md
 * A test fails while the page and the table differ.
 */
#include "curriculum/curriculum.h"

#include <stdio.h>
#include <string.h>

static const char INTRODUCTION[] =
    "# The curriculum file\n"
    "\n"
    "An INI: `[sections]`, one `key = value` a line, comments from `;` on. Only `=` separates;\n"
    "keys may be indented; there are no continuation lines. Sizes may be written `300000`,\n"
    "`300_000` or `3e5`. Unknown sections and keys, duplicates, values that are not finite or out\n"
    "of range, and overlong lines are errors that name file, line and what was expected.\n"
    "\n"
    "Stages are sections `[stage M<magnitude>@<force limit>]`, with the force in kN, MN or N\n"
    "(`M4.5@50kN`, `M7@0.15MN`), and run in the order of the file. Each needs `timesteps`.\n"
    "`--set SECTION.KEY=VALUE` overrides the file; a stage is named `stage 2` or\n"
    "`stage M5.7@100kN` there.\n"
    "\n"
    "A name ends in its unit where it has one: `_m` metres, `_km`, `_s` seconds, `_kg`, `_w` "
    "watts,\n"
    "`_n_m` N/m, `_n_s_m` N s/m, `_bar`, and `_g` multiples of 9.80665 m/s².\n"
    "\n"
    "| column | what it says |\n"
    "|---|---|\n"
    "| value | what is accepted; `\\|` stands between words to choose from |\n"
    "| default | what holds where the file is silent; the name of another key: that key's value |\n"
    "| in a stage | yes: the key may also follow in a `[stage …]`, and then holds for it alone |\n"
    "| fingerprint | whether it is one of the settings that a completed stage is held to: where "
    "its "
    "value differs from what the stage was trained with, `train` refuses to go on "
    "([recovery.md](recovery.md#where-training-resumes), rule 5). The others may be changed "
    "without that |\n"
    "| meaning | what it does |\n"
    "\n"
    "This page is made from the table that the program reads files with\n"
    "(`build/curriculum_reference > docs/curriculum.md`).\n";

/* A table's cell: a '|' of the text would end it. */
static void print_cell(const char *text)
{
    (void)fputs("| ", stdout);
    for (; *text != '\0'; text++) {
        (void)printf(*text == '|' ? "\\%c" : "%c", *text);
    }
    (void)fputs(" ", stdout);
}

static void print_row(const struct aft_json *row)
{
    (void)printf("| `%s` ", aft_json_get_string(row, "key", ""));
    print_cell(aft_json_get_string(row, "type", ""));
    print_cell(aft_json_get_string(row, "default", ""));
    print_cell(aft_json_get_boolean(row, "in_stages", false) ? "yes" : "no");
    print_cell(aft_json_get_string(row, "fingerprint", ""));
    print_cell(aft_json_get_string(row, "help", ""));
    (void)fputs("|\n", stdout);
}

int main(void)
{
    struct aft_json *reference = aft_curriculum_reference();
    const char *section = "";
    (void)fputs(INTRODUCTION, stdout);
    for (size_t i = 0; i < aft_json_length(reference); i++) {
        const struct aft_json *row = aft_json_at(reference, i);
        if (strcmp(section, aft_json_get_string(row, "section", "")) != 0) {
            section = aft_json_get_string(row, "section", "");
            (void)printf(
                "\n## [%s]\n\n| key | value | default | in a stage | fingerprint | meaning |\n"
                "|---|---|---|---|---|---|\n",
                section);
        }
        print_row(row);
    }
    aft_json_destroy(reference);
    return ferror(stdout) != 0;
}
