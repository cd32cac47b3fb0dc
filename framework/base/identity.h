/*
 * identity.h: event ids. A root event gets a UUIDv7; everything that follows from an event gets a UUIDv8 made from
 * its cause, so that a redelivered cause repeats the ids of its effects and every inbox downstream drops the copy.
 */
#ifndef POLKA_BASE_IDENTITY_H
#define POLKA_BASE_IDENTITY_H

#include <base/random.h>
#include <polka/polka.h>

enum { POLKA_UUID_TEXT = 36, POLKA_SHA256_BYTES = 32, POLKA_MD5_BYTES = 16 };

void polkai_sha256(const void *data, size_t size, uint8_t digest[POLKA_SHA256_BYTES]);

/* polkai_md5: only for fingerprints of schemas that others made so. false: libcrypto has none here (FIPS). */
bool polkai_md5(const void *data, size_t size, uint8_t digest[POLKA_MD5_BYTES]);

/* polkai_uuid_v7: RFC 9562 section 5.7; 48 bits of time, 74 of chance. */
void polkai_uuid_v7(uint8_t uuid[16], int64_t wall_ms, polkai_random *random);

/*
 * polkai_uuid_derived: a UUIDv8 (RFC 9562 section 5.8): the first 16 bytes of SHA-256 over the parts, each
 * preceded by its length as 4 bytes, most significant first; then version 8 and variant 10 are set.
 */
void polkai_uuid_derived(uint8_t uuid[16], const polka_text *parts, size_t count);

void polkai_uuid_write(char out[POLKA_UUID_TEXT + 1], const uint8_t uuid[16]);       /* lower case */
bool polkai_uuid_read(polka_text text, uint8_t uuid[16]);                            /* 8-4-4-4-12, any case */

/* polkai_key_hash: murmur2 as Kafka's Java client computes it, so that lanes and partitions agree with every producer. */
uint32_t polkai_key_hash(const void *data, size_t size);

#endif
