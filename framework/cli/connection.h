/*
 * connection.h: which broker a command talks to, and the options all commands that talk to one have in common.
 *
 * --brokers, else POLKA_BROKERS, else the `polka dev` of the project, else settings.brokers of polka.yaml.
 */
#ifndef POLKA_CLI_CONNECTION_H
#define POLKA_CLI_CONNECTION_H

#include <cli/project.h>
#include <transport/kafka/kafka.h>

#define CLI_CLIENT_ID "polka-cli"

typedef struct {
    const char *brokers;                 /* --brokers; NULL: not given */
    cli_list properties;                 /* -X key=value */
} cli_where;
#define CLI_WHERE_OPTIONS(WHERE)                                                                         \
    { "brokers", 'b', CLI_TEXT, &(WHERE).brokers, "HOST:PORT,...", "the broker; default: POLKA_BROKERS, or the running `polka dev`" }, \
    { "property", 'X', CLI_LIST, &(WHERE).properties, "KEY=VALUE", "a setting of librdkafka" }

typedef struct {
    char *brokers;
    bool embedded;
    polkai_log log;
    polkai_kafka_property *properties;
    char **texts;                        /* what properties point to */
    size_t property_count;
} cli_connection;

/* cli_connection_find. errors: TRANSIENT "no-broker" with what to do; MISUSE for a bad -X. */
polka_status cli_connection_find(cli_connection *connection, const cli_project *project, const cli_where *where, polka_error *error);
void cli_connection_free(cli_connection *connection);

/* cli_connection_options: for the open functions of transport/kafka; borrowed from `connection`. */
polkai_kafka_options cli_connection_options(const cli_connection *connection);
/* cli_admin_open: the broker's admin. *admin is new. */
polka_status cli_admin_open(polkai_admin **admin, const cli_connection *connection, polka_error *error);
void cli_admin_close(polkai_admin **admin);              /* for AUTO; NULL inside is fine */

#endif
