/*
 * arguments.h: a command line taken apart, before any value is looked at: which command, which file, which properties.
 */
#ifndef POLKA_SERVICE_ARGUMENTS_H
#define POLKA_SERVICE_ARGUMENTS_H

#include <service/property.h>

typedef enum {
    POLKAI_COMMAND_RUN = 0, POLKAI_COMMAND_DESCRIBE, POLKAI_COMMAND_HELP, POLKAI_COMMAND_VERSION, POLKAI_COMMAND_CONFIG,
    POLKAI_COMMAND_REFERENCE
} polkai_command;
typedef enum { POLKAI_FORMAT_AUTO = 0, POLKAI_FORMAT_TABLE, POLKAI_FORMAT_JSON } polkai_format;

/* --name value, --name=value; value NULL: nothing followed. Borrowed from argv. */
typedef struct { polka_text name; const char *value; } polkai_argument;

typedef struct {
    polkai_command command;
    polkai_format format;
    const char *file;                    /* --config; NULL: none */
    size_t property_count, kafka_count;
    polkai_argument *properties;         /* in the order given; memory of the arena */
    polkai_argument *kafka;              /* -X name=value */
} polkai_arguments;

/*
 * polkai_arguments_read: `rows` tells which properties are switches that need no value.
 * errors: MISUSE "usage".
 */
polka_status polkai_arguments_read(polkai_arguments *arguments, int argc, char **argv, const polkai_property *rows, size_t row_count,
                                   polka_arena *arena, polka_error *error);

#endif
