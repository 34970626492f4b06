/* cmocka needs these before itself. */
#ifndef AFT_TESTS_RECOVERY_CMOCKA_HEADERS_H
#define AFT_TESTS_RECOVERY_CMOCKA_HEADERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
