/*
 * report.c: what an error means for the record that met it: may it be sent again, is it refused for good, or is the
 * producer dead. One table; whatever is not in it may be sent again, as for a right that somebody can still give.
 */
#include <transport/kafka/client.h>

#include <stdio.h>
#include <string.h>

static const struct { rd_kafka_resp_err_t code; polka_status status; } classes[] = {
    { RD_KAFKA_RESP_ERR_NO_ERROR, POLKA_OK },
    /* the broker's last word about this record */
    { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, POLKA_POISON },
    { RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, POLKA_POISON },
    { RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, POLKA_POISON },
    { RD_KAFKA_RESP_ERR_INVALID_RECORD, POLKA_POISON },
    { RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, POLKA_POISON },
    { RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, POLKA_POISON },
    { RD_KAFKA_RESP_ERR_POLICY_VIOLATION, POLKA_POISON },
    { RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, POLKA_POISON },
    /* librdkafka's own; not __UNKNOWN_PARTITION, which is what becomes of a topic that is deleted and made again */
    { RD_KAFKA_RESP_ERR__INVALID_ARG, POLKA_POISON },
    /* a new producer is needed */
    { RD_KAFKA_RESP_ERR__FATAL, POLKA_FATAL },
    { RD_KAFKA_RESP_ERR__FENCED, POLKA_FATAL },
    { RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, POLKA_FATAL },
};

polka_status polkai_kafka_class(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (classes[i].code == code)
            return classes[i].status;
    return POLKA_TRANSIENT;
}

static void read_property(rd_kafka_t *handle, const char *name, char *text, size_t capacity)
{
    text[0] = '\0';
    rd_kafka_conf_get(rd_kafka_conf(handle), name, text, &capacity);
}

void polkai_kafka_missing_right(rd_kafka_t *handle, const char *topics, char *text, size_t capacity)
{
    char protocol[32], name[128];
    read_property(handle, "security.protocol", protocol, sizeof protocol);
    read_property(handle, "sasl.username", name, sizeof name);
    bool by_name = strncmp(protocol, "sasl", 4) == 0 && name[0] != '\0', nobody = strcmp(protocol, "plaintext") == 0;
    snprintf(text, capacity, "%s%s needs the right WRITE on %s", by_name ? "User:" : "", by_name ? name : nobody ? "User:ANONYMOUS" : "this service", topics);
}
