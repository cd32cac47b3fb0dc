/* url.h: texts as parts of a URL. */
#ifndef POLKA_BASE_URL_H
#define POLKA_BASE_URL_H

#include <polka/codec.h>

/* polkai_url_escape: `text` as one part of a path. Memory of arena. */
const char *polkai_url_escape(polka_arena *arena, const char *text);
/* polkai_url_masked: `text` with *** in place of user and password in each URL of it. Memory of arena. */
const char *polkai_url_masked(polka_arena *arena, const char *text);
/* polkai_url_is_local: what stands behind "://" is this machine, without asking anybody. */
bool polkai_url_is_local(const char *host);
/* polkai_url_unescape: %41 is A, in place. false: not well-formed, or a NUL. */
bool polkai_url_unescape(char *text);

#endif
