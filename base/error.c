#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum aft_code aft_fail(struct aft_error *error, enum aft_code code, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        (void)vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return code;
}

static enum aft_code code_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return AFT_ERR_SPACE;
    case ENOMEM:
        return AFT_ERR_MEMORY;
    case ENOENT:
        return AFT_ERR_MISSING;
    default:
        return AFT_ERR_IO;
    }
}

enum aft_code aft_fail_errno(struct aft_error *error, const char *format, ...)
{
    int number = errno;
    enum aft_code code = code_of_errno(number);
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        int length = vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        if (length >= 0 && (size_t)length < sizeof error->message) {
            size_t used = (size_t)length;
            (void)snprintf(error->message + used, sizeof error->message - used, ": %s",
                           strerror(number));
        }
    }
    return code;
}
