/* page.h: a whole choreography as one page of HTML that needs nothing else: no network, no script. */
#ifndef POLKA_CHOREOGRAPHY_PAGE_H
#define POLKA_CHOREOGRAPHY_PAGE_H

#include <choreography/map.h>

/* polkai_page_write appends the document to `out`; `map` is that of `all`. Whatever services call themselves and their events is text there. */
void polkai_page_write(const polkai_choreography *all, const polkai_map *map, const char *title, polka_buffer *out);

#endif
