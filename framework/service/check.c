/* check.c: what a compiler cannot see in a service value. */
#include <base/error.h>
#include <base/text.h>
#include <service/check.h>

enum { MOST_REACTIONS = 10000 };

#define REFUSE(...) return polkai_fail(error, POLKA_MISUSE, "bad-service", __VA_ARGS__)

polka_status polkai_abi_check(unsigned abi, const char *program, polka_error *error)
{
    ENSURE(abi == POLKA_ABI, POLKA_MISUSE, error, "abi-mismatch",
           "%s was compiled for ABI %u of Polka, but this library is Polka %s with ABI %u: build the program again with the headers of Polka %s",
           program, abi, POLKA_VERSION, (unsigned)POLKA_ABI, POLKA_VERSION);
    return POLKA_OK;
}

static polka_status check_names(const polka_service *service, polka_error *error)
{
    if (service->name == NULL || !polkai_topic_valid(service->name))
        REFUSE(".name of the service is '%.80s': letters, digits, dots, - and _, as it names a consumer group", service->name != NULL ? service->name : "");
    if (service->version == NULL || *service->version == '\0')
        REFUSE("service %s has no .version, for example .version = \"1.0.0\"", service->name);
    if (service->domain != NULL && !polkai_topic_valid(service->domain))
        REFUSE("service %s: .domain is '%.80s': letters, digits, dots, - and _, or leave it out", service->name, service->domain);
    if (service->group != NULL && !polkai_topic_valid(service->group))
        REFUSE("service %s: .group is '%.80s': letters, digits, dots, - and _, as it becomes part of topic names", service->name, service->group);
    return POLKA_OK;
}

static polka_status check_later(const polka_service *service, polka_error *error)
{
    const char *member = service->tables != NULL ? "tables (the store)" : service->views != NULL ? "views" : service->routes != NULL ? "routes (the HTTP edge)" : NULL;
    if (member != NULL)
        REFUSE("service %s has .%s: not in this version of Polka (%s); leave it out", service->name, member, POLKA_VERSION);
    return POLKA_OK;
}

static const char *row_name(const polka_reaction *row)
{
    return row->name != NULL ? row->name : row->event != NULL ? row->event->name : "default";
}

static polka_status check_event(const polka_service *service, const polka_event *event, const char *role, polka_error *error)
{
    if (event == NULL)
        REFUSE("service %s %s an event that is NULL", service->name, role);
    if (event->name == NULL || event->codec == NULL)
        REFUSE("service %s %s an event without name or codec: make it with polka_avro_generate", service->name, role);
    if (event->topic == NULL || !polkai_topic_valid(event->topic))
        REFUSE("service %s %s %s, whose topic is '%.80s': give polka.topic in its schema", service->name, role, event->name, event->topic != NULL ? event->topic : "");
    return POLKA_OK;
}

static polka_status check_row_later(const polka_service *service, const polka_reaction *row, polka_error *error)
{
    const char *member = row->store ? "store" : row->saga != NULL || row->starts_saga ? "saga" : row->replies != NULL ? "replies" : NULL;
    if (member != NULL)
        REFUSE("service %s, reaction %s has .%s: not in this version of Polka (%s); leave it out", service->name, row_name(row), member, POLKA_VERSION);
    return POLKA_OK;
}

static polka_status check_row(const polka_service *service, size_t index, polka_error *error)
{
    const polka_reaction *row = &service->reactions[index];
    /* before any pointer of it is followed: past a forgotten terminator lies something else */
    if (row->polka_row != 1)
        REFUSE("service %s, row %zu of .reactions was not made by POLKA_REACT: is the { 0 } at the end of the table missing?", service->name, index + 1);
    TRY(check_row_later(service, row, error));
    if (row->event != NULL)
        TRY(check_event(service, row->event, "reacts to", error));
    if (row->any == NULL && (row->handler == NULL || row->event == NULL || row->event->invoke == NULL))
        REFUSE("service %s, reaction %s has no handler", service->name, row_name(row));
    for (size_t i = 0; i < row->emits.count; i++)
        TRY(check_event(service, row->emits.items[i], "emits", error));
    for (size_t i = 0; i < index; i++)
        if (strcmp(row_name(&service->reactions[i]), row_name(row)) == 0)
            REFUSE("service %s has two reactions named %s: give the second a stable name of its own, .name = \"audit\"", service->name, row_name(row));
    return POLKA_OK;
}

polka_status polkai_service_check(const polka_service *service, polka_error *error)
{
    if (service == NULL)
        REFUSE("no service was given: polka_main takes the address of a polka_service");
    TRY(check_names(service, error));
    TRY(check_later(service, error));
    for (size_t i = 0; service->reactions != NULL; i++) {
        const polka_reaction *row = &service->reactions[i];
        if (row->polka_row == 0 && row->event == NULL && row->any == NULL)
            break;
        if (i == MOST_REACTIONS)
            REFUSE("service %s has more than %d reactions: is the { 0 } at the end of .reactions missing?", service->name, MOST_REACTIONS);
        TRY(check_row(service, i, error));
    }
    for (size_t i = 0; i < service->emits.count; i++)
        TRY(check_event(service, service->emits.items[i], "emits", error));
    return POLKA_OK;
}
