#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct aft_digest {
    EVP_MD_CTX *context;
};

struct aft_digest *aft_digest_create(void)
{
    struct aft_digest *digest = malloc(sizeof *digest);
    if (digest == NULL) {
        return NULL;
    }
    digest->context = EVP_MD_CTX_new();
    if (digest->context == NULL || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(digest->context);
        free(digest);
        return NULL;
    }
    return digest;
}

void aft_digest_add(struct aft_digest *digest, const void *bytes, size_t size)
{
    (void)EVP_DigestUpdate(digest->context, bytes, size);
}

static void write_hex(const unsigned char raw[32], char hex[AFT_SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    hex[64] = '\0';
}

void aft_digest_finish(struct aft_digest *digest, char hex[AFT_SHA256_HEX_SIZE])
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    (void)EVP_DigestFinal_ex(digest->context, raw, NULL);
    write_hex(raw, hex);
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

void aft_sha256_hex(const void *bytes, size_t size, char hex[AFT_SHA256_HEX_SIZE])
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    (void)EVP_Digest(bytes, size, raw, NULL, EVP_sha256(), NULL);
    write_hex(raw, hex);
}
