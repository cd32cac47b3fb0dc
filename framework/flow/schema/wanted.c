/* wanted.c: a list, since few schemas are wanted at a time; what is absent is forgotten when too many are. */
#include <flow/schema/wanted.h>

#include <base/arena.h>
#include <stdio.h>
#include <stdlib.h>

enum { REMEMBERED = 1024 };

polkai_wanted *polkai_wanted_find(const polkai_wanted_list *list, const polkai_schema_key *key)
{
    for (polkai_wanted *at = list->first; at != NULL; at = at->next)
        if (at->key.number == key->number && at->key.kind == key->kind && at->key.guid_high == key->guid_high)
            return at;
    return NULL;
}

/* The bytes that name a schema are anybody's: those that named nothing do not pile up. */
static void forget_absent(polkai_wanted_list *list)
{
    for (polkai_wanted **at = &list->first; *at != NULL;) {
        polkai_wanted *each = *at;
        if (!each->absent) {
            at = &each->next;
            continue;
        }
        *at = each->next;
        list->count--;
        free(each);
    }
}

const polkai_wanted *polkai_wanted_ask(polkai_wanted_list *list, const polkai_schema_key *key, uint64_t asked, int64_t now_ns, bool *fresh)
{
    polkai_wanted *found = polkai_wanted_find(list, key);
    *fresh = false;
    if (found != NULL && found->absent && found->round > asked)
        return found;
    if (found != NULL && !found->absent)
        return NULL;
    *fresh = true;
    if (found == NULL) {
        if (list->count >= REMEMBERED)
            forget_absent(list);
        found = polkai_alloc(sizeof *found);
        found->key = *key;
        found->next = list->first;
        list->first = found;
        list->count++;
    }
    found->absent = false;
    found->looked = 0;
    found->due_ns = now_ns;
    return NULL;
}

void polkai_wanted_found(polkai_wanted_list *list, const polkai_schema_key *key)
{
    polkai_wanted *found = polkai_wanted_find(list, key), **at = &list->first;
    if (found == NULL)
        return;
    while (*at != found)
        at = &(*at)->next;
    *at = found->next;
    list->count--;
    free(found);
}

void polkai_wanted_unreachable(polkai_wanted *wanted, int64_t now_ns, int64_t delay_ns)
{
    wanted->looked++;
    wanted->missed_ns = 0;               /* the time of an outage does not count */
    wanted->due_ns = now_ns + delay_ns;
}

bool polkai_wanted_missed(polkai_wanted *wanted, uint64_t round, int64_t now_ns, int64_t delay_ns, int64_t patience_ns)
{
    wanted->looked++;
    if (wanted->missed_ns == 0)
        wanted->missed_ns = now_ns;
    int64_t until_ns = wanted->missed_ns + patience_ns;
    if (now_ns >= until_ns) {
        wanted->absent = true;
        wanted->round = round;
        return true;
    }
    wanted->due_ns = now_ns + delay_ns < until_ns ? now_ns + delay_ns : until_ns;
    return false;
}

void polkai_wanted_absent(polkai_wanted *wanted, uint64_t round, const char *reason)
{
    wanted->absent = true;
    wanted->round = round;
    snprintf(wanted->reason, sizeof wanted->reason, "%s", reason);
}

int64_t polkai_wanted_due_ns(const polkai_wanted_list *list)
{
    int64_t due_ns = INT64_MAX;
    for (const polkai_wanted *at = list->first; at != NULL; at = at->next)
        if (!at->absent && at->due_ns < due_ns)
            due_ns = at->due_ns;
    return due_ns;
}

void polkai_wanted_clear(polkai_wanted_list *list)
{
    while (list->first != NULL) {
        polkai_wanted *next = list->first->next;
        free(list->first);
        list->first = next;
    }
    list->count = 0;
}
