/*
 * Writes the man pages, aftershock.1 and aftershock-COMMAND.1, from the tables that
 * the program reads its command lines by:
 *   build/manual_pages FOLDER
 */
#include "cli/page.h"

#include <stdio.h>

static int write_page(const char *folder, const struct aft_command *command)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/aftershock%s%s.1", folder,
                   command->name != NULL ? "-" : "", command->name != NULL ? command->name : "");
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    aft_print_manual(file, command);
    int failed = ferror(file);
    if (fclose(file) != 0 || failed) {
        perror(path);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: manual_pages FOLDER\n");
        return 2;
    }
    int failed = write_page(argv[1], &aft_program);
    for (int i = 0; aft_commands[i] != NULL; i++) {
        failed |= write_page(argv[1], aft_commands[i]);
    }
    return failed;
}
