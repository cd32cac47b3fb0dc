/* identity.c: ids that repeat, ids that do not, and the hash of a key. */
#include <base/identity.h>

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

/* EVP fetches its algorithm by name at each one-shot call, 20 times the cost of the hash itself; so it is fetched once. */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static _Thread_local EVP_MD_CTX *hashing;
static pthread_key_t hashing_key;

static void free_hashing(void *context)
{
    EVP_MD_CTX_free(context);
}

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256 == NULL || pthread_key_create(&hashing_key, free_hashing) != 0)
        abort();
}

static EVP_MD_CTX *begin_hash(void)
{
    if (hashing == NULL) {
        pthread_once(&fetched, fetch);
        hashing = EVP_MD_CTX_new();
        pthread_setspecific(hashing_key, hashing);
        if (hashing == NULL || EVP_DigestInit_ex2(hashing, sha256, NULL) != 1)
            abort();
    } else if (EVP_DigestInit_ex2(hashing, NULL, NULL) != 1) {
        abort();
    }
    return hashing;
}

void polkai_sha256(const void *data, size_t size, uint8_t digest[POLKA_SHA256_BYTES])
{
    EVP_MD_CTX *context = begin_hash();
    EVP_DigestUpdate(context, data, size);
    EVP_DigestFinal_ex(context, digest, NULL);
}

bool polkai_md5(const void *data, size_t size, uint8_t digest[POLKA_MD5_BYTES])
{
    return EVP_Q_digest(NULL, "MD5", NULL, data, size, digest, NULL) == 1;
}

static void stamp(uint8_t uuid[16], uint8_t version)
{
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | version << 4);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

void polkai_uuid_v7(uint8_t uuid[16], int64_t wall_ms, polkai_random *random)
{
    uint64_t chance[2] = { polkai_random_next(random), polkai_random_next(random) };
    for (int i = 0; i < 6; i++)
        uuid[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i));
    memcpy(uuid + 6, &chance[0], 2);
    memcpy(uuid + 8, &chance[1], 8);
    stamp(uuid, 7);
}

void polkai_uuid_derived(uint8_t uuid[16], const polka_text *parts, size_t count)
{
    uint8_t digest[POLKA_SHA256_BYTES], together[512];
    size_t used = 0;
    EVP_MD_CTX *context = begin_hash();
    for (size_t i = 0; i < count; i++) {
        uint8_t length[4] = { (uint8_t)(parts[i].size >> 24), (uint8_t)(parts[i].size >> 16), (uint8_t)(parts[i].size >> 8), (uint8_t)parts[i].size };
        if (parts[i].size + 4 > sizeof together - used) {
            EVP_DigestUpdate(context, together, used);
            used = 0;
        }
        if (parts[i].size + 4 > sizeof together) {
            EVP_DigestUpdate(context, length, 4);
            EVP_DigestUpdate(context, parts[i].data, parts[i].size);
            continue;
        }
        memcpy(together + used, length, 4);
        if (parts[i].size > 0)
            memcpy(together + used + 4, parts[i].data, parts[i].size);
        used += parts[i].size + 4;
    }
    EVP_DigestUpdate(context, together, used);
    EVP_DigestFinal_ex(context, digest, NULL);
    memcpy(uuid, digest, 16);
    stamp(uuid, 8);
}

void polkai_uuid_write(char out[POLKA_UUID_TEXT + 1], const uint8_t uuid[16])
{
    static const char digit[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digit[uuid[i] >> 4];
        *at++ = digit[uuid[i] & 15];
    }
    *at = '\0';
}

/* What a hexadecimal digit stands for, plus one; 0: it is none. */
static const uint8_t nibbles[256] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16 };

bool polkai_uuid_read(polka_text text, uint8_t uuid[16])
{
    static const uint8_t at[16] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34 };
    if (text.size != POLKA_UUID_TEXT || text.data[8] != '-' || text.data[13] != '-' || text.data[18] != '-' || text.data[23] != '-')
        return false;
    bool all = true;
    for (size_t i = 0; i < 16; i++) {
        unsigned high = nibbles[(uint8_t)text.data[at[i]]], low = nibbles[(uint8_t)text.data[at[i] + 1]];
        all = all && high != 0 && low != 0;
        uuid[i] = (uint8_t)((high - 1) << 4 | (low - 1));
    }
    return all;
}

uint32_t polkai_key_hash(const void *data, size_t size)
{
    const uint32_t multiplier = 0x5bd1e995;
    const uint8_t *at = data;
    uint32_t hash = 0x9747b28cu ^ (uint32_t)size;
    for (; size >= 4; at += 4, size -= 4) {
        uint32_t word = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        word *= multiplier;
        word ^= word >> 24;
        word *= multiplier;
        hash = hash * multiplier ^ word;
    }
    if (size >= 3)
        hash ^= (uint32_t)at[2] << 16;
    if (size >= 2)
        hash ^= (uint32_t)at[1] << 8;
    if (size >= 1)
        hash = (hash ^ at[0]) * multiplier;
    hash ^= hash >> 13;
    hash *= multiplier;
    return hash ^ hash >> 15;
}
