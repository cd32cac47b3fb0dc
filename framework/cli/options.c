/* options.c: one walk over argv; every complaint names the option and, for a typo, the one that was probably meant. */
#include <cli/options.h>

#include <base/arena.h>
#include <base/text.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void cli_list_add(cli_list *list, const char *text)
{
    list->items = polkai_realloc(list->items, (list->count + 2) * sizeof *list->items);
    list->items[list->count++] = text;
    list->items[list->count] = NULL;
}

void cli_list_free(cli_list *list)
{
    free(list->items);
    *list = (cli_list){ 0 };
}

int cli_usage(const cli_command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "polka %s: ", command->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry: polka %s --help\n", command->name);
    va_end(arguments);
    return CLI_USAGE;
}

static void print_help(const cli_command *command, const cli_option *options)
{
    printf("polka %s: %s\n\nUsage: polka %s%s%s\n", command->name, command->summary, command->name,
           *command->arguments != '\0' ? " " : "", command->arguments);
    if (command->details != NULL)
        printf("\n%s", command->details);
    printf("\nOptions:\n");
    for (const cli_option *option = options; option->name != NULL; option++) {
        char left[64];
        snprintf(left, sizeof left, "%s%.*s%s --%s%s%s", option->letter != 0 ? "-" : "  ", option->letter != 0 ? 1 : 0, &option->letter,
                 option->letter != 0 ? "," : " ", option->name, option->kind == CLI_FLAG ? "" : " ",
                 option->kind == CLI_FLAG ? "" : option->value);
        printf("  %-28s %s\n", left, option->help);
    }
    printf("  %-28s %s\n", "-h, --help", "this text");
    if (command->examples != NULL)
        printf("\nExamples:\n%s", command->examples);
}

static const cli_option *find(const cli_option *options, const char *name, size_t size)
{
    for (const cli_option *option = options; option->name != NULL; option++)
        if (size == 1 ? option->letter == *name : strlen(option->name) == size && memcmp(option->name, name, size) == 0)
            return option;
    return NULL;
}

static int unknown(const cli_command *command, const cli_option *options, const char *given, size_t size)
{
    const char *names[64], *nearest;
    char name[64];
    size_t count = 0;
    for (const cli_option *option = options; option->name != NULL && count < 63; option++)
        names[count++] = option->name;
    names[count++] = "help";
    snprintf(name, sizeof name, "%.*s", (int)size, given);
    nearest = polkai_nearest(name, names, count);
    if (nearest != NULL)
        return cli_usage(command, "there is no option --%s; did you mean --%s?", name, nearest);
    return cli_usage(command, "there is no option %s%s", size == 1 ? "-" : "--", name);
}

static int store(const cli_command *command, const cli_option *option, const char *value)
{
    char *end = NULL;
    errno = 0;
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->to = true;
        return -1;
    case CLI_TEXT:
        *(const char **)option->to = value;
        return -1;
    case CLI_LIST:
        cli_list_add(option->to, value);
        return -1;
    case CLI_COUNT:
        *(int64_t *)option->to = strtoll(value, &end, 10);
        if (end == value || *end != '\0' || errno != 0 || *(int64_t *)option->to < 0)
            return cli_usage(command, "--%s takes a whole number from 0, not '%s'", option->name, value);
        return -1;
    case CLI_RATE:
        *(double *)option->to = strtod(value, &end);
        if (end == value || *end != '\0' || errno != 0 || !(*(double *)option->to > 0 && *(double *)option->to <= 1e9))
            return cli_usage(command, "--%s takes a number above 0, not '%s'", option->name, value);
        return -1;
    case CLI_DURATION:
        if (!polkai_timespan_read(value, option->to))
            return cli_usage(command, "--%s takes a duration such as 500ms, 2s or 1m, not '%s'", option->name, value);
        return -1;
    }
    return -1;
}

int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv, cli_list *rest)
{
    bool only_rest = false;
    for (int i = 1; i < argc; i++) {
        const char *at = argv[i];
        if (only_rest || at[0] != '-' || at[1] == '\0') {
            cli_list_add(rest, at);
            continue;
        }
        if (strcmp(at, "--") == 0) {
            only_rest = true;
            continue;
        }
        if (strcmp(at, "--help") == 0 || strcmp(at, "-h") == 0) {
            print_help(command, options);
            return CLI_OK;
        }
        bool wide = at[1] == '-';
        const char *name = at + (wide ? 2 : 1), *value = NULL;
        size_t size = wide ? strcspn(name, "=") : 1;
        if (wide && size == 1)
            return unknown(command, options, name, size);
        if (name[size] != '\0')
            value = name + size + (name[size] == '=' ? 1 : 0);
        const cli_option *option = find(options, name, size);
        if (option == NULL)
            return unknown(command, options, name, size);
        if (option->kind == CLI_FLAG && value != NULL)
            return cli_usage(command, "--%s takes no value", option->name);
        if (option->kind != CLI_FLAG && value == NULL && (value = ++i < argc ? argv[i] : NULL) == NULL)
            return cli_usage(command, "--%s needs a value: --%s %s", option->name, option->name, option->value);
        int code = store(command, option, value);
        if (code >= 0)
            return code;
    }
    return -1;
}
