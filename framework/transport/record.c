/* record.c: what is the same for a record whatever carries it: its headers, giving it back, keeping it. */
#include <transport/record.h>

#include <base/arena.h>
#include <base/error.h>
#include <stdlib.h>
#include <string.h>

void polkai_record_headers(polkai_record *record, polka_arena *arena)
{
    if (record->read_headers == NULL)
        return;
    record->read_headers(record, arena);
    record->read_headers = NULL;
}

void polkai_record_forget_headers(polkai_record *record)
{
    if (record->forget_headers != NULL && record->read_headers == NULL)
        record->forget_headers(record);
}

void polkai_record_release(polkai_record *record)
{
    void (*release)(polkai_record *) = record->release;
    record->release = NULL;
    if (release != NULL)
        release(record);
}

static void release_kept(polkai_record *record)
{
    free(record->native);
    record->native = NULL;
}

/* Moves `bytes` to `*at`. Null stays null and empty stays empty: the two are different records. */
static polka_bytes move(uint8_t **at, polka_bytes bytes)
{
    if (bytes.data == NULL)
        return bytes;
    if (bytes.size > 0)
        memcpy(*at, bytes.data, bytes.size);
    polka_bytes moved = { bytes.size, *at };
    *at += bytes.size;
    return moved;
}

static polkai_unread *keep_unread(uint8_t **at, const polkai_unread *unread)
{
    polkai_unread *kept = (polkai_unread *)(void *)*at;
    *at += sizeof *kept;
    *kept = *unread;
    kept->code = (const char *)move(at, (polka_bytes){ strlen(unread->code) + 1, (const uint8_t *)unread->code }).data;
    kept->message = (const char *)move(at, (polka_bytes){ strlen(unread->message) + 1, (const uint8_t *)unread->message }).data;
    return kept;
}

static size_t bytes_of(const polkai_record *record)
{
    size_t bytes = record->header_count * sizeof(polkai_header) + record->key.size + record->value.size;
    if (record->unread != NULL)
        bytes += sizeof *record->unread + strlen(record->unread->code) + 1 + strlen(record->unread->message) + 1;
    for (size_t i = 0; i < record->header_count; i++)
        bytes += record->headers[i].name.size + 1 + record->headers[i].value.size;
    return bytes;
}

void polkai_record_keep(polkai_record *record)
{
    if (record->release == release_kept)
        return;
    polka_arena arena AUTO(polkai_arena_deinit);
    polkai_arena_init(&arena, NULL, 0);
    polkai_record_headers(record, &arena);

    polkai_record kept = *record;
    polkai_header *headers = polkai_realloc(NULL, bytes_of(record) + 1);         /* + 1: empty data still needs an address inside */
    uint8_t *at = (uint8_t *)(headers + record->header_count);
    if (record->unread != NULL)          /* first, for its alignment */
        kept.unread = keep_unread(&at, record->unread);
    kept.key = move(&at, record->key);
    kept.value = move(&at, record->value);
    for (size_t i = 0; i < record->header_count; i++) {
        polka_text name = record->headers[i].name;
        polka_bytes moved = move(&at, (polka_bytes){ name.size, (const uint8_t *)name.data });
        headers[i].name = (polka_text){ moved.size, (const char *)moved.data };
        *at++ = '\0';
        headers[i].value = move(&at, record->headers[i].value);
    }
    kept.headers = headers;
    kept.native = headers;
    kept.forget_headers = NULL;
    kept.release = release_kept;
    polkai_record_release(record);
    *record = kept;
}

void polkai_record_make_unread(polkai_record *record, polka_text topic, int32_t partition, int64_t first, int64_t next, const char *code,
                               const char *message)
{
    polkai_unread why = { first, code, message };
    *record = (polkai_record){ .topic = topic, .partition = partition, .offset = next - 1, .unread = &why };
    polkai_record_keep(record);
}

const polkai_header *polkai_record_header(const polkai_record *record, polka_text name)
{
    for (size_t i = record->header_count; i > 0; i--)
        if (polka_text_equal(record->headers[i - 1].name, name))
            return &record->headers[i - 1];
    return NULL;
}
