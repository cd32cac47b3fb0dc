/* contract_known.c: the events of a contract beside those of manifests. */
#include <choreography/contract_known.h>

#include <base/error.h>
#include <base/text.h>

enum { LETTERS_A_TYPO = 4 };             /* so many letters of its last part there are to each that is wrong */
typedef struct { const polkai_graph *graph; const polkai_names *also; bool typos_only; polka_error *error; } known_by;

/* Event17 and Event18 are two. */
static bool numbered_alike(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, "0123456789");
        b += strspn(b, "0123456789");
        if (*a != *b || *a == '\0')
            return *a == *b;
        a++;
        b++;
    }
}

static bool is_typo(const char *name, const char *nearest)
{
    const char *last = strrchr(name, '.');
    if (nearest == NULL || numbered_alike(name, nearest))
        return false;
    size_t distance = polkai_text_distance(name, nearest), letters = strlen(last != NULL ? last + 1 : name);
    return distance <= letters / LETTERS_A_TYPO;
}

static polka_status known(const known_by *by, const polkai_contract_events *events)
{
    const polkai_names *names = &by->graph->names;
    for (size_t i = 0; i < events->count; i++) {
        const char *name = events->items[i]->text.data;
        if (polkai_names_find(names, name) != POLKAI_NO_NAME || (by->also != NULL && polkai_names_find(by->also, name) != POLKAI_NO_NAME))
            continue;
        const char *nearest = polkai_nearest(name, names->items, names->count);
        if (by->typos_only && !is_typo(name, nearest))
            continue;
        if (nearest != NULL)
            return polkai_yaml_fail(by->error, events->items[i], "unknown-event", "no service says or hears %s; did you mean '%s'?", name, nearest);
        return polkai_yaml_fail(by->error, events->items[i], "unknown-event", "no service says or hears %s; %zu events are known", name, by->graph->count);
    }
    return POLKA_OK;
}

static polka_status all_known(const polkai_contract *contract, const known_by *by)
{
    TRY(known(by, &contract->starts));
    TRY(known(by, &contract->ends));
    for (size_t i = 0; i < contract->step_count; i++) {
        TRY(known(by, &contract->steps[i].after));
        TRY(known(by, &contract->steps[i].one_of));
    }
    for (size_t i = 0; i < contract->allowance_count; i++)
        TRY(known(by, &contract->allowances[i].events));
    return POLKA_OK;
}

polka_status polkai_contract_known(const polkai_contract *contract, const polkai_graph *graph, const polkai_names *also, polka_error *error)
{
    return all_known(contract, &(known_by){ graph, also, false, error });
}

polka_status polkai_contract_spelt(const polkai_contract *contract, const polkai_graph *graph, polka_error *error)
{
    return all_known(contract, &(known_by){ graph, NULL, true, error });
}
