/* terminal.c: how lines look. */
#include <cli/terminal.h>

#include <avro/json.h>
#include <base/arena.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int cli_json_wanted(const cli_command *command, const char *format)
{
    if (format == NULL)
        return isatty(STDOUT_FILENO) != 1;
    if (strcmp(format, "json") == 0)
        return 1;
    if (strcmp(format, "text") == 0 || strcmp(format, "table") == 0)
        return 0;
    cli_usage(command, "--format is text or json, not '%s'", format);
    return -1;
}

int cli_parse_listing(const cli_command *command, const cli_option *options, int argc, char **argv, const char *const *format, bool *json)
{
    cli_list rest = { 0 };
    int code = cli_parse(command, options, argc, argv, &rest), wanted = code < 0 ? cli_json_wanted(command, *format) : 0;
    if (code < 0 && wanted < 0)
        code = CLI_USAGE;
    if (code < 0 && rest.count > 0)
        code = cli_usage(command, "'%s' is not expected here", rest.items[0]);
    *json = wanted == 1;
    cli_list_free(&rest);
    return code;
}

bool cli_colour(int descriptor)
{
    const char *no_colour = getenv("NO_COLOR");
    return isatty(descriptor) == 1 && (no_colour == NULL || *no_colour == '\0');
}

static const char *escape(const char *sequence)
{
    static int colour = -1;
    if (colour < 0)
        colour = cli_colour(STDOUT_FILENO);
    return colour ? sequence : "";
}

const char *cli_dim(void) { return escape("\033[2m"); }
const char *cli_bold(void) { return escape("\033[1m"); }
const char *cli_red(void) { return escape("\033[31m"); }
const char *cli_plain(void) { return escape("\033[0m"); }

bool cli_print_json(json_t *object)
{
    polka_arena arena;
    polkai_arena_init(&arena, NULL, 0);
    polka_buffer text = { .arena = &arena };
    polkai_json_write(object, &text);
    json_decref(object);
    fwrite(text.data, 1, text.size, stdout);
    putchar('\n');
    polkai_arena_deinit(&arena);
    return fflush(stdout) == 0;
}

void cli_print_text(const void *data, size_t size, size_t limit)
{
    char out[4200];
    size_t used = polkai_text_escape(out, sizeof out, data, size, limit < 4096 ? limit : 4096);
    fwrite(out, 1, used, stdout);
}
