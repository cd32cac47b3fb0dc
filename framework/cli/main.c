/* main.c: finds the subcommand. */
#include <cli/cli.h>

#include <base/text.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <transport/kafka/kafka.h>
#include <unistd.h>

static const cli_command *const commands[] = { &cli_dev, &cli_run, &cli_emit, &cli_tail, &cli_trace, &cli_flows, &cli_watch_command, &cli_check, &cli_pairs,
                                              &cli_can_deploy, &cli_map, &cli_impact, &cli_manifests_command, &cli_docs, &cli_topics, &cli_schemas, &cli_avro, &cli_bench_command, &cli_health };
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static bool quiet;
static atomic_int signals_seen;

int cli_complain(const polka_error *error)
{
    fprintf(stderr, "polka: %s\n", error->message);
    return error->status == POLKA_MISUSE ? CLI_USAGE : error->status == POLKA_TRANSIENT ? CLI_UNREACHABLE : CLI_FAILURE;
}

void cli_say(const char *format, ...)
{
    if (quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void cli_quiet(void) { quiet = true; }

static void on_signal(int number)
{
    (void)number;
    if (atomic_fetch_add(&signals_seen, 1) > 0)
        _exit(CLI_STOPPED);
}

void cli_catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_stopped(void) { return atomic_load(&signals_seen) > 0; }

static void print_help(FILE *out)
{
    fprintf(out, "polka: services that work together by events on Apache Kafka\n\nUsage: polka [-C FOLDER] COMMAND …\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\npolka COMMAND --help tells more; polka --version says which.\n\n"
                 "The broker is found by --brokers, by POLKA_BROKERS, or by the `polka dev` that runs in the project.\n"
                 "Exit: 0 ok, 1 finding or failure, 2 usage, 3 broker or registry not reachable, 130 stopped before its work was done.\n\n"
                 "First steps:\n"
                 "  polka dev                              start a broker and all services of the project\n"
                 "  polka emit shop.OrderPlaced --sample   place an order with made-up values\n"
                 "  polka trace --last                     see what it caused\n");
}

static const cli_command *find(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
        names[i] = commands[i]->name;
    }
    const char *nearest = polkai_nearest(name, names, COMMAND_COUNT);
    fprintf(stderr, "polka: there is no command '%s'%s%s%s\nTry: polka --help\n", name, nearest != NULL ? "; did you mean '" : "",
            nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    return NULL;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);            /* `polka tail | head`: the write fails, the command ends and closes what it opened */
    int at = 1;
    while (at < argc && argv[at][0] == '-') {
        if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-V") == 0) {
            printf("polka %s (librdkafka %s)\n", POLKA_VERSION, polkai_kafka_version());
            return CLI_OK;
        }
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            print_help(stdout);
            return CLI_OK;
        }
        if (strcmp(argv[at], "-C") != 0 || at + 1 >= argc) {
            fprintf(stderr, strcmp(argv[at], "-C") == 0 ? "polka: %s needs a folder: polka -C FOLDER COMMAND\nTry: polka --help\n"
                                                        : "polka: there is no option %s before the command\nTry: polka --help\n", argv[at]);
            return CLI_USAGE;
        }
        if (chdir(argv[at + 1]) != 0) {
            fprintf(stderr, "polka: cannot enter %s: %m\n", argv[at + 1]);
            return CLI_USAGE;
        }
        at += 2;
    }
    if (at >= argc) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[at], "help") == 0) {
        const cli_command *topic = at + 1 < argc ? find(argv[at + 1]) : NULL;
        if (at + 1 >= argc) {
            print_help(stdout);
            return CLI_OK;
        }
        char help[] = "--help", *arguments[] = { argv[at + 1], at + 2 < argc ? argv[at + 2] : help, at + 2 < argc ? help : NULL, NULL };
        return topic == NULL ? CLI_USAGE : topic->run(topic, at + 2 < argc ? 3 : 2, arguments);
    }
    const cli_command *command = find(argv[at]);
    return command == NULL ? CLI_USAGE : command->run(command, argc - at, argv + at);
}
