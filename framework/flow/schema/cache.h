/*
 * cache.h: schemas on disk, so that a service that starts while the registry is down reads what it has read before.
 *
 *   <folder>/registries/<first 16 hex digits of SHA-256 of the registry's URL>/<id or GUID>.json
 *        {"registry": URL, "id": "17", "sha256": "…", "schema": "…"}
 *   <folder>/fingerprints/<16 hex digits>.avsc          a self-contained schema, named by its CRC-64-AVRO
 *
 * Several processes share a folder: an entry is made whole or not at all, and never changed. Nothing here is trusted when it
 * is read: a file that is cut, tampered with or of another id is passed over with a warning, and written anew.
 * A disk that is full or read-only is no failure of the service: it is warned of once, and nothing is kept.
 *
 * thread: any; the handle is read-only after open but for the warnings, which have their own lock.
 */
#ifndef POLKA_FLOW_SCHEMA_CACHE_H
#define POLKA_FLOW_SCHEMA_CACHE_H

#include <flow/schema/registry.h>

/*
 * polkai_cache_folder: `configured` (schemas.cache), else $XDG_CACHE_HOME/polka/schemas, else $HOME/.cache/polka/schemas, else
 * /var/cache/polka/schemas. `polka dev` configures .polka/schemas of its project. Memory of arena.
 */
const char *polkai_cache_folder(const char *configured, polka_arena *arena);

typedef struct polkai_cache polkai_cache;
/* polkai_cache_open: new; never fails. `log` (NULL: silent) is borrowed. The folder is made when the first entry is. */
polkai_cache *polkai_cache_open(const char *folder, const polkai_log *log);
void polkai_cache_close(polkai_cache *cache);            /* NULL is fine */

/* polkai_cache_find: the text under (registry, id), in memory of arena. false: not there, or not to be trusted. `registry`: polkai_registry_name. */
bool polkai_cache_find(polkai_cache *cache, const char *registry, const polkai_schema_id *id, polka_arena *arena, polka_text *text);

/*
 * polkai_cache_keep puts a text under (registry, id).
 * errors: MISUSE "registry-changed-schema" when another schema stands there: a registry that was set up anew or restored, or two
 *         that answer under one URL. What is kept stays; the message names the id, both SHA-256 and what to do. Alarm on it:
 *         everything written under that id is in doubt. Other spaces or another order of members are no change.
 */
polka_status polkai_cache_keep(polkai_cache *cache, const char *registry, const polkai_schema_id *id, polka_text text, polka_error *error);

/*
 * polkai_cache_fetch: what a reader does about an id that it has not seen since its start: asks the registry, keeps the answer, and
 * takes what is kept when the registry does not answer. For an id that is kept the registry has 2 s to contradict, and during an outage
 * is asked once in 10 s, so that many ids do not wait one after the other.
 * errors: as polkai_registry_fetch when nothing is kept; "registry-changed-schema" as above.
 */
polka_status polkai_cache_fetch(polkai_cache *cache, polkai_registry *registry, const polkai_schema_id *id, polka_arena *arena, polka_text *text, polka_error *error);

/*
 * By fingerprint: the text is parsed and its fingerprint made again, on both ways. A changed doc or default keeps its fingerprint,
 * so the text that is kept first stays. errors of keep: POISON "bad-schema"; "fingerprint-mismatch".
 */
bool polkai_cache_find_fingerprint(polkai_cache *cache, uint64_t fingerprint, polka_arena *arena, polka_text *text);
polka_status polkai_cache_keep_fingerprint(polkai_cache *cache, uint64_t fingerprint, polka_text text, polka_error *error);

#endif
