/* Commands that people paste into a shell. */
#ifndef AFT_BASE_SHELL_WORD_H
#define AFT_BASE_SHELL_WORD_H

#include <stdio.h>

/* Writes text so that a POSIX shell reads it as one word: between single quotes, unless it
 * holds nothing that a shell gives a meaning to. */
void aft_shell_word(FILE *stream, const char *text);

#endif
