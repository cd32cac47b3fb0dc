/* canonical.c: Parsing Canonical Form and its fingerprints: 64-bit Rabin, SHA-256, MD5 (Avro 1.12 specification, "Schema Fingerprints"). */
#include <avro/canonical.h>

#include <avro/print.h>
#include <base/error.h>
#include <base/identity.h>
#include <base/text.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t EMPTY = UINT64_C(0xc15d213aa4d7a795);      /* the fingerprint of nothing, and the polynomial */
static uint64_t table[256];
static pthread_once_t table_made = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t print = i;
        for (int bit = 0; bit < 8; bit++)
            print = (print >> 1) ^ (EMPTY & (0 - (print & 1)));
        table[i] = print;
    }
}

uint64_t polkai_crc64_avro(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t print = EMPTY;
    pthread_once(&table_made, make_table);
    for (size_t i = 0; i < size; i++)
        print = (print >> 8) ^ table[(uint8_t)print ^ bytes[i]];
    return print;
}

char *polkai_schema_canonical(const polkai_schema *schema)
{
    return polkai_schema_print(schema, POLKAI_PRINT_CANONICAL);
}

uint64_t polkai_schema_fingerprint(const polkai_schema *schema)
{
    char *canonical = polkai_schema_canonical(schema);
    uint64_t print = polkai_crc64_avro(canonical, strlen(canonical));
    free(canonical);
    return print;
}

polka_status polkai_schema_fingerprint_hex(const polkai_schema *schema, const char *algorithm, char out[POLKAI_FINGERPRINT_TEXT], polka_error *error)
{
    uint8_t digest[POLKA_SHA256_BYTES];
    if (strcmp(algorithm, "crc64") == 0) {
        polkai_hex64(out, polkai_schema_fingerprint(schema));
        return POLKA_OK;
    }
    bool sha256 = strcmp(algorithm, "sha256") == 0, good = true;
    ENSURE(sha256 || strcmp(algorithm, "md5") == 0, POLKA_MISUSE, error, "bad-algorithm", "a fingerprint is crc64, sha256 or md5, not '%s'", algorithm);
    char *canonical = polkai_schema_canonical(schema);
    if (sha256)
        polkai_sha256(canonical, strlen(canonical), digest);
    else
        good = polkai_md5(canonical, strlen(canonical), digest);
    free(canonical);
    ENSURE(good, POLKA_MISUSE, error, "no-md5", "libcrypto is set up without MD5 here; use crc64 or sha256");
    polkai_hex(out, digest, sha256 ? POLKA_SHA256_BYTES : POLKA_MD5_BYTES);
    return POLKA_OK;
}
