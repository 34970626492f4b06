#include "report/crc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The check values of the catalogue of parametrised CRC algorithms, and RFC 3720, B.4. */
static void crc__gives_the_published_values(void **state)
{
    (void)state;
    unsigned char bytes[32] = {0};
    assert_int_equal(aft_crc32("123456789", 9), 0xcbf43926);
    assert_int_equal(aft_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(aft_crc32c(bytes, 32), 0x8a9136aa);
    for (unsigned i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)i;
    }
    assert_int_equal(aft_crc32c(bytes, 32), 0x46dd794e);
    assert_int_equal(aft_crc32("", 0), 0);
    assert_int_equal(aft_crc32c("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(crc__gives_the_published_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
