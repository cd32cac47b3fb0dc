/* services.c: who runs, of those that have said on polka.services what they are; and how one is taken back. */
#include <cli/sender.h>
#include <cli/services.h>

#include <base/arena.h>
#include <choreography/names.h>
#include <stdlib.h>

/* All groups that services react in, as the broker knows them; none where it cannot tell (the embedded one). They are in the order of `names`. */
static polkai_group *ask_groups(const cli_announced *all, polkai_names *names, polkai_admin *admin)
{
    polka_error error;
    for (size_t i = 0; i < all->keys.count; i++) {
        const polkai_manifest *manifest = all->items[i].manifest;
        if (manifest != NULL && manifest->reaction_count > 0 && manifest->problem_count == 0)
            polkai_names_add(names, manifest->group);
    }
    polkai_group *groups = polkai_alloc((names->count + 1) * sizeof *groups);
    for (size_t i = 0; i < names->count; i++)
        groups[i].name = names->items[i];
    if (admin->operations->groups(admin, groups, names->count, &error) != POLKA_OK)
        for (size_t i = 0; i < names->count; i++)
            groups[i].told = false;
    return groups;
}

/* Which of a group's versions runs the broker does not know; a group without members runs none. */
static bool runs(const polkai_group *groups, const polkai_names *names, const polkai_manifest *manifest)
{
    ptrdiff_t at = manifest->reaction_count == 0 || manifest->problem_count > 0 ? POLKAI_NO_NAME : polkai_names_find(names, manifest->group);
    return at == POLKAI_NO_NAME || !groups[at].told || groups[at].members > 0;
}

static polka_status take_running(cli_manifests *manifests, cli_announced *all, const polkai_group *groups, const polkai_names *names, polka_error *error)
{
    for (size_t i = 0; i < all->keys.count; i++) {
        polkai_manifest *manifest = all->items[i].manifest;
        if (manifest == NULL)
            continue;
        if (!runs(groups, names, manifest)) {
            cli_say("%s does not run: nobody is in the group %s", all->keys.items[i], manifest->group);
            continue;
        }
        TRY(cli_manifests_take(manifests, cli_announced_take(all, i), error));
    }
    return POLKA_OK;
}

static polka_status choose(cli_manifests *manifests, cli_announced *all, polkai_admin *admin, polka_error *error)
{
    polka_arena arena = { 0 };
    polkai_names names = { .arena = &arena };
    polkai_group *groups = ask_groups(all, &names, admin);
    polka_status status = take_running(manifests, all, groups, &names, error);
    free(groups);
    polkai_arena_deinit(&arena);
    return status;
}

static polka_status read_all(cli_announced *all, const cli_connection *connection, polkai_admin **admin, polka_error *error)
{
    TRY(cli_admin_open(admin, connection, error));
    TRY(cli_announced_open(all, connection, *admin, error));
    ENSURE(cli_announced_has_topic(all), POLKA_FATAL, error, "no-topic", "there is no topic " CLI_SERVICES_TOPIC " at %s, where services say what they are; make it: "
           "polka topics apply --execute", connection->brokers);
    return POLKA_OK;
}

polka_status cli_services_read(cli_manifests *manifests, const cli_project *project, const cli_where *where, polka_error *error)
{
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    cli_announced all AUTO(cli_announced_close) = { 0 };
    polkai_admin *admin AUTO(cli_admin_close) = NULL;
    TRY(cli_connection_find(&connection, project, where, error));
    TRY(read_all(&all, &connection, &admin, error));
    return choose(manifests, &all, admin, error);
}

/* ---- forget ---- */

static polka_status send_nothing(const char *key, const cli_connection *connection, polka_error *error)
{
    cli_sender sender;
    TRY(cli_sender_open(&sender, connection, error));
    polkai_record record = { .topic = POLKA_TEXT(CLI_SERVICES_TOPIC), .partition = -1, .key = { strlen(key), (const uint8_t *)key } };
    polka_status status = cli_sender_send(&sender, &record, "", error);
    if (status == POLKA_OK)
        cli_sender_settle(&sender);
    if (sender.failure.status != POLKA_OK) {
        *error = sender.failure;
        status = error->status;
    }
    cli_sender_close(&sender);
    return status;
}

polka_status cli_services_forget(const char *key, bool execute, const cli_project *project, const cli_where *where, polka_error *error)
{
    cli_connection connection AUTO(cli_connection_free) = { 0 };
    cli_announced all AUTO(cli_announced_close) = { 0 };
    polkai_admin *admin AUTO(cli_admin_close) = NULL;
    bool found = false;
    TRY(cli_connection_find(&connection, project, where, error));
    TRY(read_all(&all, &connection, &admin, error));
    for (size_t i = 0; i < all.keys.count; i++)
        found = found || (all.items[i].manifest != NULL && strcmp(all.keys.items[i], key) == 0);
    ENSURE(found, POLKA_FATAL, error, "unknown-service", "%s is not on " CLI_SERVICES_TOPIC "; polka manifests --running shows what is", key);
    return execute ? send_nothing(key, &connection, error) : POLKA_OK;
}
