/* canonical.h: Parsing Canonical Form and its fingerprints (Avro 1.12 specification, "Parsing Canonical Form for Schemas"). */
#ifndef POLKA_AVRO_CANONICAL_H
#define POLKA_AVRO_CANONICAL_H

#include <avro/schema.h>

char *polkai_schema_canonical(const polkai_schema *schema);                            /* new: free() it */
uint64_t polkai_schema_fingerprint(const polkai_schema *schema);                       /* CRC-64-AVRO of the canonical form */
uint64_t polkai_crc64_avro(const void *data, size_t size);

/*
 * polkai_schema_fingerprint_hex: a fingerprint of the canonical form in lower-case hex: "crc64" (16 digits of the number,
 * most significant first), "sha256" (64) or "md5" (32). errors: MISUSE for another algorithm, or one that libcrypto refuses.
 */
enum { POLKAI_FINGERPRINT_TEXT = 65 };
polka_status polkai_schema_fingerprint_hex(const polkai_schema *schema, const char *algorithm, char out[POLKAI_FINGERPRINT_TEXT], polka_error *error);

#endif
