/*
 * frame.h: how a command that writes events names their schema, by the settings that services have too: `framing: single-object`
 * (its fingerprint, announced on polka.schemas) or `confluent` (the id that the project's registry gives).
 */
#ifndef POLKA_CLI_FRAME_H
#define POLKA_CLI_FRAME_H

#include <cli/catalog.h>

typedef struct {
    bool confluent;
    uint64_t name;                       /* the id, or the fingerprint */
    char *dataschema;                    /* new: what ce_dataschema says */
} cli_frame;

/*
 * cli_frame_find: with `confluent` the schema is registered, or only looked up, as schemas.register says.
 * errors: as cli_registry_open and polkai_registry_register, with the subject.
 */
polka_status cli_frame_find(cli_frame *frame, const cli_project *project, const cli_event *event, polka_error *error);
void cli_frame_free(cli_frame *frame);

/* cli_frame_write: the bytes before the body. */
void cli_frame_write(const cli_frame *frame, polka_buffer *buffer);

#endif
