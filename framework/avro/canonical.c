/* canonical.c: Parsing Canonical Form and its 64-bit Rabin fingerprint (Avro 1.12 specification, "Schema Fingerprints"). */
#include <avro/canonical.h>

#include <avro/print.h>
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
