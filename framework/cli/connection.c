/* connection.c: finds the broker and says where it looked when there is none. */
#include <cli/connection.h>

#include <base/arena.h>
#include <cli/running.h>
#include <stdlib.h>
#include <unistd.h>

static polka_status add_property(cli_connection *connection, const char *text, polka_error *error)
{
    const char *equals = strchr(text, '=');
    ENSURE(equals != NULL && equals != text, POLKA_MISUSE, error, "bad-property", "-X takes KEY=VALUE, not '%s'", text);
    char *key = polkai_strdup(text);
    key[equals - text] = '\0';
    size_t at = connection->property_count++;
    connection->properties = polkai_realloc(connection->properties, (at + 1) * sizeof *connection->properties);
    connection->texts = polkai_realloc(connection->texts, (at + 1) * sizeof *connection->texts);
    connection->texts[at] = key;
    connection->properties[at] = (polkai_kafka_property){ key, key + (equals - text) + 1 };
    return polkai_kafka_property_check(connection->properties[at].key, connection->properties[at].value, error);
}

polka_status cli_connection_find(cli_connection *connection, const cli_project *project, const cli_where *where, polka_error *error)
{
    *connection = (cli_connection){ 0 };
    polkai_log_init(&connection->log, STDERR_FILENO, POLKAI_LOG_ERROR, POLKAI_LOG_TEXT, NULL);
    cli_running running = cli_running_read(project);
    const char *environment = getenv("POLKA_BROKERS");
    const char *chosen = where->brokers != NULL ? where->brokers : environment != NULL && *environment != '\0' ? environment
                         : running.brokers != NULL ? running.brokers : project->brokers;
    connection->embedded = running.embedded && running.brokers != NULL && chosen != NULL && strcmp(chosen, running.brokers) == 0;
    connection->brokers = chosen != NULL ? polkai_strdup(chosen) : NULL;
    int pid = running.pid;
    bool stale = running.stale;
    cli_running_free(&running);
    if (chosen == NULL && stale)
        return polkai_fail(error, POLKA_TRANSIENT, "no-broker", "no broker: the `polka dev` that wrote %s/.polka/dev.json (process %d) is gone; "
                           "start it again, or give --brokers HOST:PORT or POLKA_BROKERS", project->root, pid);
    ENSURE(chosen != NULL, POLKA_TRANSIENT, error, "no-broker", "no broker: `polka dev` does not run in %s (or is not ready yet); "
           "start it, or give --brokers HOST:PORT or POLKA_BROKERS", project->root);
    for (size_t i = 0; i < where->properties.count; i++)
        TRY(add_property(connection, where->properties.items[i], error));
    return POLKA_OK;
}

void cli_connection_free(cli_connection *connection)
{
    for (size_t i = 0; i < connection->property_count; i++)
        free(connection->texts[i]);
    free(connection->texts);
    free(connection->properties);
    free(connection->brokers);
    *connection = (cli_connection){ 0 };
}

polkai_kafka_options cli_connection_options(const cli_connection *connection)
{
    return (polkai_kafka_options){ .brokers = connection->brokers, .client_id = CLI_CLIENT_ID, .properties = connection->properties,
                                   .property_count = connection->property_count, .log = &connection->log, .embedded = connection->embedded };
}

polka_status cli_admin_open(polkai_admin **admin, const cli_connection *connection, polka_error *error)
{
    polkai_kafka_options options = cli_connection_options(connection);
    return polkai_kafka_admin_open(admin, &options, error);
}

void cli_admin_close(polkai_admin **admin)
{
    if (*admin != NULL)
        (*admin)->operations->close(*admin);
    *admin = NULL;
}
