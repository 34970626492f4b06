/* SHA-256 against the examples of FIPS 180-4 (NIST's "Examples with Intermediate Values"). */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *hex;
} examples[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static const char million_a[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void sha256_hex__gives_the_published_digests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char hex[AFT_SHA256_HEX_SIZE];
        aft_sha256_hex(examples[i].text, strlen(examples[i].text), hex);
        assert_string_equal(hex, examples[i].hex);
    }
}

static void digest__gives_the_same_for_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char hex[AFT_SHA256_HEX_SIZE];
        struct aft_digest *digest = aft_digest_create();
        assert_non_null(digest);
        for (const char *byte = examples[i].text; *byte != '\0'; byte++) {
            aft_digest_add(digest, byte, 1);
        }
        aft_digest_finish(digest, hex);
        assert_string_equal(hex, examples[i].hex);
    }
}

static void digest__takes_a_million_bytes_in_uneven_pieces(void **state)
{
    (void)state;
    enum { TOTAL = 1000000 };
    char piece[977];
    char hex[AFT_SHA256_HEX_SIZE];
    memset(piece, 'a', sizeof piece);
    struct aft_digest *digest = aft_digest_create();
    assert_non_null(digest);
    for (size_t left = TOTAL; left > 0;) {
        size_t now = left < sizeof piece ? left : sizeof piece;
        aft_digest_add(digest, piece, now);
        left -= now;
    }
    aft_digest_finish(digest, hex);
    assert_string_equal(hex, million_a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_hex__gives_the_published_digests),
        cmocka_unit_test(digest__gives_the_same_for_pieces),
        cmocka_unit_test(digest__takes_a_million_bytes_in_uneven_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
