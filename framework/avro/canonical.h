/* canonical.h: Parsing Canonical Form and CRC-64-AVRO (Avro 1.12 specification, "Parsing Canonical Form for Schemas"). */
#ifndef POLKA_AVRO_CANONICAL_H
#define POLKA_AVRO_CANONICAL_H

#include <avro/schema.h>

char *polkai_schema_canonical(const polkai_schema *schema);                            /* new: free() it */
uint64_t polkai_schema_fingerprint(const polkai_schema *schema);                       /* CRC-64-AVRO of the canonical form */
uint64_t polkai_crc64_avro(const void *data, size_t size);

#endif
