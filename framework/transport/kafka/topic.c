/* topic.c: the handle of a topic that is sent to, and what is said when it acknowledges nothing. */
#include <transport/kafka/topic.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/text.h>
#include <stdlib.h>

enum { LOOKS_IN_VAIN = 5, LOOKS_REFUSED = 2, REPEAT_SECONDS = 30 };

rd_kafka_topic_t *polkai_kafka_topic_handle(polkai_kafka_topic *topic, rd_kafka_t *producer)
{
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(producer);
    rd_kafka_topic_conf_set_opaque(conf, topic);
    return rd_kafka_topic_new(producer, topic->name.data, conf);         /* asks for its metadata, too */
}

polka_status polkai_kafka_topic_open(polkai_kafka_topic **topic, rd_kafka_t *handle, polka_text name, polka_error *error)
{
    char text[POLKA_TOPIC_MAX + 1];
    ENSURE(name.data != NULL && name.size <= POLKA_TOPIC_MAX, POLKA_POISON, error, "bad-topic",
           "a topic has a name of at most %d bytes, not %zu", POLKA_TOPIC_MAX, name.size);
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    ENSURE(strlen(text) == name.size && polkai_topic_valid(text), POLKA_POISON, error, "bad-topic",
           "'%.80s' is no name of a topic: letters, digits, '.', '_' and '-'", text);
    polkai_kafka_topic *made = polkai_alloc(sizeof *made);
    made->name = polka_text_of(polkai_strdup(text));
    made->handle = polkai_kafka_topic_handle(made, handle);
    if (made->handle == NULL) {
        polkai_kafka_topic_free(made);
        return polkai_fail(error, POLKA_TRANSIENT, "no-topic-handle", "topic %s: %s", text, rd_kafka_err2str(rd_kafka_last_error()));
    }
    *topic = made;
    return POLKA_OK;
}

void polkai_kafka_topic_free(polkai_kafka_topic *topic)
{
    free((char *)(uintptr_t)topic->name.data);
    free(topic);
}

/*
 * A record for a topic that does not exist waits inside librdkafka without a word: for half a minute when the topic was never
 * there, for ever when it was deleted.
 */
void polkai_kafka_topic_look(polkai_kafka_topic *topic, int64_t now_ns, const polkai_log *log)
{
    unsigned long long waiting = atomic_load_explicit(&topic->sent, memory_order_relaxed) - topic->reported +
                                 atomic_load_explicit(&topic->waiting_count, memory_order_relaxed);
    bool refused_since = atomic_exchange_explicit(&topic->refused, false, memory_order_relaxed);
    if (topic->reported != topic->looked_at) {
        topic->looked_at = topic->reported;
        topic->looks_in_vain = 0;
        topic->told_ns = 0;
    } else if (waiting > 0 || refused_since) {
        topic->looks_in_vain++;
    }
    if (topic->looks_in_vain < (refused_since ? LOOKS_REFUSED : LOOKS_IN_VAIN) || (waiting == 0 && !refused_since) ||
        (topic->told_ns != 0 && now_ns - topic->told_ns < (int64_t)REPEAT_SECONDS * 1000000000) || log == NULL)
        return;
    topic->told_ns = now_ns;
    LOG_WARN(log, "topic %.*s acknowledges nothing; what is sent to it waits without limit. If it is missing: polka topics apply --execute; "
             "if this service has no right to WRITE on it, grant that", TEXT(topic->name));
}
