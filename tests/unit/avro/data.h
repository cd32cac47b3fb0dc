/* data.h: cases as folders under tests/data/<kind>. */
#ifndef POLKA_TEST_AVRO_DATA_H
#define POLKA_TEST_AVRO_DATA_H

#include <stdbool.h>
#include <stddef.h>

bool data_has(const char *kind, const char *folder, const char *name);
/* data_text: the file's text, whole, and its size (NULL is fine). new: free() it. Fails the test when there is none. */
char *data_text(const char *kind, const char *folder, const char *name, size_t *size);
/* data_each: calls `check` with the name of every case; returns how many there were. */
size_t data_each(const char *kind, void (*check)(const char *folder));

#endif
