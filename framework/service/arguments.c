/* arguments.c: words, switches, -X and --name value. */
#include <base/error.h>
#include <base/text.h>
#include <service/arguments.h>

typedef struct {
    int argc, at;
    char **argv;
    const polkai_property *rows;
    size_t row_count;
    bool reference;
    polkai_arguments *out;
    polka_error *error;
} reader;

static const struct { const char *word; polkai_command command; } words[] = {
    { "run", POLKAI_COMMAND_RUN },           { "config", POLKAI_COMMAND_CONFIG },       { "help", POLKAI_COMMAND_HELP },
    { "--describe", POLKAI_COMMAND_DESCRIBE }, { "--help", POLKAI_COMMAND_HELP },         { "-h", POLKAI_COMMAND_HELP },
    { "--version", POLKAI_COMMAND_VERSION },
};
enum { WORD_COUNT = sizeof words / sizeof *words };

static bool is_command(reader *read, const char *argument)
{
    for (size_t i = 0; i < WORD_COUNT; i++)
        if (strcmp(argument, words[i].word) == 0) {
            /* `run --help` is a question about help, whatever the order */
            if (words[i].command != POLKAI_COMMAND_RUN && read->out->command != POLKAI_COMMAND_HELP)
                read->out->command = words[i].command;
            return true;
        }
    return false;
}

static bool is_switch(const reader *read, polka_text name)
{
    for (size_t i = 0; i < read->row_count; i++)
        if (read->rows[i].type == POLKAI_PROPERTY_BOOL && polka_text_equal(name, polka_text_of(read->rows[i].name)))
            return true;
    return false;
}

/* The argument after this one, when it can be a value: anything that does not begin with "--", or only true and false after a switch. */
static const char *following(reader *read, bool after_switch)
{
    if (read->at + 1 >= read->argc)
        return NULL;
    const char *next = read->argv[read->at + 1];
    bool word = strcmp(next, "true") == 0 || strcmp(next, "false") == 0;
    if (after_switch ? !word : strncmp(next, "--", 2) == 0)
        return NULL;
    read->at++;
    return next;
}

static polka_status read_pass_through(reader *read, const char *rest)
{
    const char *pair = *rest != '\0' ? rest : following(read, false);
    const char *equals = pair != NULL ? strchr(pair, '=') : NULL;
    ENSURE(equals != NULL && equals != pair, POLKA_MISUSE, read->error, "usage",
           "-X takes a property of librdkafka and its value: -X session.timeout.ms=6000");
    read->out->kafka[read->out->kafka_count++] = (polkai_argument){ { (size_t)(equals - pair), pair }, equals + 1 };
    return POLKA_OK;
}

static polka_status read_format(reader *read, const char *value)
{
    bool table = value != NULL && strcmp(value, "table") == 0;
    ENSURE(table || (value != NULL && strcmp(value, "json") == 0), POLKA_MISUSE, read->error, "usage", "--format is table or json");
    read->out->format = table ? POLKAI_FORMAT_TABLE : POLKAI_FORMAT_JSON;
    return POLKA_OK;
}

static polka_status read_flag(reader *read, const char *flag)
{
    const char *equals = strchr(flag, '=');
    polka_text name = { equals != NULL ? (size_t)(equals - flag) : strlen(flag), flag };
    const char *value = equals != NULL ? equals + 1 : following(read, is_switch(read, name));
    if (polka_text_equal(name, POLKA_TEXT("format")))
        return read_format(read, value);
    if (polka_text_equal(name, POLKA_TEXT("reference"))) {
        read->reference = true;
        return POLKA_OK;
    }
    if (polka_text_equal(name, POLKA_TEXT("config"))) {
        ENSURE(value != NULL, POLKA_MISUSE, read->error, "usage", "--config takes a YAML file, for example --config polka.yaml");
        read->out->file = value;
        return POLKA_OK;
    }
    read->out->properties[read->out->property_count++] = (polkai_argument){ name, value };
    return POLKA_OK;
}

static polka_status refuse_word(const reader *read, const char *argument)
{
    const char *names[WORD_COUNT];
    for (size_t i = 0; i < WORD_COUNT; i++)
        names[i] = words[i].word;
    const char *near = polkai_nearest(argument, names, WORD_COUNT);
    return polkai_fail(read->error, POLKA_MISUSE, "usage", "'%.80s' is no command of this program%s%s%s; --help lists them", argument,
                       near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

polka_status polkai_arguments_read(polkai_arguments *arguments, int argc, char **argv, const polkai_property *rows, size_t row_count,
                                   polka_arena *arena, polka_error *error)
{
    size_t most = argc > 0 ? (size_t)argc : 0;
    *arguments = (polkai_arguments){ .properties = polkai_arena_zeroed(arena, most, sizeof(polkai_argument)),
                                     .kafka = polkai_arena_zeroed(arena, most, sizeof(polkai_argument)) };
    reader read = { .argc = argc, .argv = argv, .rows = rows, .row_count = row_count, .out = arguments, .error = error };
    for (read.at = 1; read.at < argc; read.at++) {
        const char *argument = argv[read.at];
        if (is_command(&read, argument))
            continue;
        if (strncmp(argument, "-X", 2) == 0)
            TRY(read_pass_through(&read, argument + 2));
        else if (strncmp(argument, "--", 2) == 0 && argument[2] != '\0')
            TRY(read_flag(&read, argument + 2));
        else
            return refuse_word(&read, argument);
    }
    ENSURE(!read.reference || arguments->command == POLKAI_COMMAND_CONFIG, POLKA_MISUSE, error, "usage", "--reference goes with config: config --reference");
    if (read.reference)
        arguments->command = POLKAI_COMMAND_REFERENCE;
    return POLKA_OK;
}
