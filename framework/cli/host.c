/* host.c: starts and stops the broker of `polka dev`, and makes its topics. */
#include <cli/host.h>

#include <arpa/inet.h>
#include <base/arena.h>
#include <cli/process.h>
#include <cli/reader.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The first start downloads some 55 MB. */
enum { KAFKA_UP_MS = 600000, KAFKA_DOWN_MS = 60000 };

/* ---- a real Kafka, by the scripts of deploy/kafka ---- */

static char *find_scripts(const cli_project *project)
{
    char *own AUTO(cli_free_text) = cli_own_folder();
    char *places[] = { cli_format("%s/deploy/kafka", project->root), own == NULL ? NULL : cli_format("%s/../share/polka/kafka", own),
                       own == NULL ? NULL : cli_format("%s/../../../deploy/kafka", own) };
    char *found = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *up AUTO(cli_free_text) = places[i] == NULL ? NULL : cli_format("%s/up", places[i]);
        if (found == NULL && up != NULL && access(up, X_OK) == 0)
            found = places[i];
        else
            free(places[i]);
    }
    return found;
}

static bool port_taken(int64_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    bool taken = probe >= 0 && bind(probe, (struct sockaddr *)&address, sizeof address) != 0 && errno == EADDRINUSE;
    close(probe);
    return taken;
}

/* The Kafka of a `polka dev` that was killed: up takes it over. */
static bool runs_there(const char *data)
{
    char *path AUTO(cli_free_text) = cli_format("%s/node1/pid", data), text[32] = "";
    FILE *file = fopen(path, "re");
    bool read = file != NULL && fgets(text, sizeof text, file) != NULL;
    if (file != NULL)
        fclose(file);
    return read && atoi(text) > 0 && kill(atoi(text), 0) == 0;
}

static polka_status start_kafka(cli_host *host, const cli_project *project, int64_t port, polka_error *error)
{
    char number[24];
    char *output AUTO(cli_free_text) = NULL;
    ENSURE(port <= 65535, POLKA_MISUSE, error, "bad-port", "--port is at most 65535, not %" PRId64, port);
    host->scripts = find_scripts(project);
    ENSURE(host->scripts != NULL, POLKA_FATAL, error, "no-kafka", "--kafka needs the script deploy/kafka/up, in the project or in the installation; "
           "start a Kafka yourself and use --brokers");
    host->data = cli_format("%s/.polka/kafka", project->root);
    ENSURE(port == 0 || runs_there(host->data) || !port_taken(port), POLKA_FATAL, error, "port-in-use", "port %" PRId64 " is in use; choose another: --port N", port);
    char *up AUTO(cli_free_text) = cli_format("%s/up", host->scripts);
    snprintf(number, sizeof number, "%" PRId64, port);
    const char *argv[] = { up, "--dir", host->data, port != 0 ? "--port" : NULL, number, NULL };
    host->kafka_begun = true;
    TRY(cli_capture(argv, KAFKA_UP_MS, true, &output, error));
    output[strcspn(output, " \r\n")] = '\0';
    ENSURE(strchr(output, ':') != NULL, POLKA_FATAL, error, "no-kafka", "%s/up did not say where the broker is, but '%s'", host->scripts, output);
    host->connection.brokers = polkai_strdup(output);
    return POLKA_OK;
}

static void stop_kafka(cli_host *host)
{
    polka_error error = { 0 };
    char *down AUTO(cli_free_text) = cli_format("%s/down", host->scripts), *output AUTO(cli_free_text) = NULL;
    const char *argv[] = { down, "--dir", host->data, NULL };
    if (cli_capture(argv, KAFKA_DOWN_MS, false, &output, &error) != POLKA_OK)
        cli_say("polka: %s", error.message);
}

/* ---- any ---- */

polka_status cli_host_start(cli_host *host, const cli_project *project, cli_host_kind kind, const cli_where *where, int64_t port, polka_error *error)
{
    *host = (cli_host){ .kind = kind };
    if (kind == CLI_HOST_GIVEN)
        return cli_connection_find(&host->connection, project, where, error);
    polkai_log_init(&host->connection.log, STDERR_FILENO, POLKAI_LOG_ERROR, POLKAI_LOG_TEXT, NULL);
    if (kind == CLI_HOST_KAFKA)
        return start_kafka(host, project, port, error);
    TRY(polkai_broker_mock_start(&host->mock, error));
    host->connection.brokers = polkai_strdup(polkai_broker_address(host->mock));
    host->connection.embedded = true;
    return POLKA_OK;
}

static polka_status make_missing(cli_host *host, polkai_admin *admin, const cli_plan *plan, size_t *made, polka_error *error)
{
    polkai_topic *there = NULL;
    size_t count = 0;
    polka_status status = admin->operations->topics(admin, &there, &count, error);
    for (size_t i = 0; status == POLKA_OK && i < plan->count && !cli_stopped(); i++) {
        size_t at = 0;
        while (at < count && strcmp(there[at].name, plan->items[i].name) != 0)
            at++;
        if (at < count)
            continue;
        status = admin->operations->create(admin, &plan->items[i], error);
        *made += status == POLKA_OK;
    }
    (void)host;
    free(there);
    return status;
}

polka_status cli_host_topics(cli_host *host, const cli_plan *plan, size_t *made, polka_error *error)
{
    *made = 0;
    for (size_t i = 0; host->mock != NULL && i < plan->count; i++, ++*made)
        TRY(polkai_broker_topic(host->mock, plan->items[i].name, plan->items[i].partitions, error));
    if (host->mock != NULL)
        return POLKA_OK;
    polkai_admin *admin = NULL;
    TRY(cli_admin_open(&admin, &host->connection, error));
    polka_status status = make_missing(host, admin, plan, made, error);
    admin->operations->close(admin);
    return status;
}

void cli_host_stop(cli_host *host)
{
    if (host->mock != NULL)
        polkai_broker_stop(host->mock);
    if (host->kafka_begun)
        stop_kafka(host);
    cli_connection_free(&host->connection);
    free(host->scripts);
    free(host->data);
    *host = (cli_host){ 0 };
}
