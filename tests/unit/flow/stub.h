/* stub.h: tests/registry/misbehaving as a child of a test; and folders that go away with it. */
#ifndef STUB_H
#define STUB_H

#include <flow/schema/registry.h>

/* stub_start: the server of this test; arguments (NULL-terminated): see the script. Ends with the test's process. */
void stub_start(const char *const *arguments);
/* stub_url: "http://127.0.0.1:PORT/behaviour". */
const char *stub_url(const char *behaviour);
/* stub_count: how many requests have come. */
unsigned stub_count(void);

/* stub_folder: a new empty folder below the temporary one; removed at the end of the process. */
const char *stub_folder(void);

#endif
