#include "base/shell_word.h"

#include <string.h>

void aft_shell_word(FILE *stream, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "0123456789_-+=./,:@%";
    if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
        (void)fputs(text, stream);
        return;
    }
    (void)fputc('\'', stream);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            (void)fputs("'\\''", stream); /* ends, escapes, and begins anew */
        } else {
            (void)fputc(*text, stream);
        }
    }
    (void)fputc('\'', stream);
}
