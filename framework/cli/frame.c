/* frame.c: the first bytes of what is written. */
#include <cli/frame.h>

#include <base/arena.h>
#include <base/text.h>
#include <cli/registry.h>
#include <flow/envelope/envelope.h>
#include <flow/schema/framing.h>
#include <stdlib.h>

static void close_registry(polkai_registry **registry) { polkai_registry_close(*registry); }

static polka_status ask_id(polkai_registry *registry, bool look_up, const char *subject, polka_text text, polka_arena *arena, int32_t *id, polka_error *error)
{
    const polkai_registry_schema schema = { .text = text };
    polkai_registry_version version = { 0 };
    polka_status status = look_up ? polkai_registry_lookup(registry, subject, &schema, arena, &version, error)
                                  : polkai_registry_register(registry, subject, &schema, id, error);
    if (status != POLKA_OK)
        polkai_error_where(error, "subject %s%s", subject, look_up && status == POLKA_POISON ? ", only looked up (schemas.register: never)" : "");
    else if (look_up)
        *id = version.id;
    return status;
}

polka_status cli_frame_find(cli_frame *frame, const cli_project *project, const cli_event *event, polka_error *error)
{
    polkai_registry *registry AUTO(close_registry) = NULL;
    polka_arena arena AUTO(polkai_arena_deinit) = { 0 };
    polkai_subject_strategy strategy;
    bool look_up;
    int32_t id = 0;
    *frame = (cli_frame){ .name = event->fingerprint };
    TRY(cli_registry_framing(project, &frame->confluent, &look_up, error));
    if (!frame->confluent) {
        frame->dataschema = cli_format("%s", polkai_envelope_dataschema(event->fingerprint, &arena).data);
        return POLKA_OK;
    }
    TRY(cli_registry_open(&registry, &strategy, project, NULL, error));
    char *text AUTO(cli_free_text) = polkai_schema_text(event->schema);
    const char *subject = polkai_registry_subject(strategy, event->topic, event->name, &arena);
    TRY(ask_id(registry, look_up, subject, polka_text_of(text), &arena, &id, error));
    frame->name = (uint32_t)id;
    frame->dataschema = cli_format("%s/schemas/ids/%" PRId32, polkai_registry_name(registry), id);
    return POLKA_OK;
}

void cli_frame_free(cli_frame *frame)
{
    free(frame->dataschema);
    *frame = (cli_frame){ 0 };
}

void cli_frame_write(const cli_frame *frame, polka_buffer *buffer)
{
    size_t size = frame->confluent ? POLKAI_CONFLUENT_BYTES : POLKAI_SINGLE_OBJECT_BYTES;
    uint8_t *out = polka_buffer_reserve(buffer, size);
    if (frame->confluent)
        polkai_framing_write_id(out, (uint32_t)frame->name);
    else
        polkai_framing_write(out, frame->name);
    buffer->size += size;
}
