/* Cyclic redundancy checks of 32 bits, reflected, start and end inverted. */
#ifndef AFT_REPORT_CRC_H
#define AFT_REPORT_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t aft_crc32(const void *bytes, size_t size);  /* IEEE 802.3, of zip files: 0xedb88320 */
uint32_t aft_crc32c(const void *bytes, size_t size); /* Castagnoli (RFC 3720): 0x82f63b78 */

#endif
