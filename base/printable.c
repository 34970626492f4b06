#include "base/printable.h"

#include <stddef.h>

void aft_make_printable(char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        unsigned char byte = (unsigned char)text[0], next = (unsigned char)text[1];
        if (byte < 0x20 || byte == 0x7f) {
            *text = '?';
        } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
            *text++ = '?';
            *text = '?';
        }
    }
}
