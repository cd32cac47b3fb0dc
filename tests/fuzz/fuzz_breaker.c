/* Any bytes as the breaker's file: what is read of it is written, and reads as the same. */
#include <base/arena.h>
#include <side/breaker/ends.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;
    polkai_ends *ends = polkai_ends_read((polka_text){ size, (const char *)data });
    size_t written = polkai_ends_write(ends, &text);
    polkai_ends *again = polkai_ends_read((polka_text){ written, text });
    if (again->count != ends->count || again->spoilt != 0)
        abort();
    for (size_t i = 0; i < ends->count; i++)
        if (again->items[i].offset != ends->items[i].offset || again->items[i].partition != ends->items[i].partition)
            abort();
    for (size_t i = 0; i < ends->count; i++)
        polkai_ends_forget(again, (polka_text){ ends->items[i].topic_size, ends->items[i].identity + ends->items[i].topic_at }, ends->items[i].partition, ends->items[i].offset + 1);
    polkai_ends_destroy(again);
    polkai_ends_destroy(ends);
    free(text);
    return 0;
}
