/* SHA-256 (FIPS 180-4) by libcrypto, whole buffers and streams. */
#ifndef AFT_BASE_DIGEST_H
#define AFT_BASE_DIGEST_H

#include <stddef.h>

#define AFT_SHA256_HEX_SIZE 65 /* 64 lower-case hex digits and the NUL */

struct aft_digest; /* a running SHA-256 */

/* NULL when memory is short. */
struct aft_digest *aft_digest_create(void);
void aft_digest_add(struct aft_digest *digest, const void *bytes, size_t size);
/* Writes the hex digest and frees the stream. */
void aft_digest_finish(struct aft_digest *digest, char hex[AFT_SHA256_HEX_SIZE]);

void aft_sha256_hex(const void *bytes, size_t size, char hex[AFT_SHA256_HEX_SIZE]);

#endif
