/*
 * record.h: one Kafka record as the framework sees it, whatever carries it.
 */
#ifndef POLKA_TRANSPORT_RECORD_H
#define POLKA_TRANSPORT_RECORD_H

#include <polka/codec.h>

typedef struct { polka_text name; polka_bytes value; } polkai_header;      /* value.data NULL: a null header value */

/* Why records could not be read. `first`: the offset of the first of them; the record's own offset is that of the last. */
typedef struct { int64_t first; const char *code, *message; } polkai_unread;

typedef struct polkai_record polkai_record;
struct polkai_record {
    polka_text topic;                    /* borrowed from the source, as long as it is open; NUL-terminated */
    int32_t partition;                   /* -1 on a record to send: by the key (murmur2, as Kafka's Java client) */
    int64_t offset;
    int64_t timestamp_ms;                /* 0 on a record to send: now */
    polka_bytes key, value;              /* data NULL: null (a tombstone, for a value) */
    size_t header_count;                 /* of a received record: valid after polkai_record_headers */
    const polkai_header *headers;
    /* not NULL: no record, but stands for a batch that cannot be read and was stepped over; without key, value and headers */
    const polkai_unread *unread;
    void *native;                        /* what the transport holds the bytes with */
    /* read_headers fills header_count and headers, in `arena` or in the native memory; may be NULL: they are there */
    void (*read_headers)(polkai_record *record, polka_arena *arena);
    void (*forget_headers)(polkai_record *record);       /* undoes it, and gives its memory back; NULL: nothing to undo */
    void (*release)(polkai_record *record);              /* NULL: nothing to give back. Any thread. */
};

/* polkai_record_headers: call before looking at `headers` of a received record. */
void polkai_record_headers(polkai_record *record, polka_arena *arena);

/* polkai_record_forget_headers: their texts are gone; polkai_record_headers may read them again. */
void polkai_record_forget_headers(polkai_record *record);

/* polkai_record_release: gives the bytes back; fine to call twice. */
void polkai_record_release(polkai_record *record);

/*
 * polkai_record_keep: for a record that will wait: copies it with its headers to one block of our own memory and releases
 * the original, since a kept librdkafka message pins its whole fetch buffer (400 messages of 1 KB held 400 MiB, measured).
 */
void polkai_record_keep(polkai_record *record);

/* polkai_record_make_unread: *record stands for the offsets from `first` to before `next`; texts are copied, but for the topic. */
void polkai_record_make_unread(polkai_record *record, polka_text topic, int32_t partition, int64_t first, int64_t next, const char *code,
                               const char *message);

/* polkai_record_first: its offset, or the first that it stands for. */
static inline int64_t polkai_record_first(const polkai_record *record)
{
    return record->unread != NULL ? record->unread->first : record->offset;
}

/* polkai_record_header: the last header of that name, NULL: absent. Needs polkai_record_headers. */
const polkai_header *polkai_record_header(const polkai_record *record, polka_text name);

#endif
