#include "runner/exit_code.h"

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
