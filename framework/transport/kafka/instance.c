/* instance.c: one transactional.id a process, the same again after a crash. */
#include <transport/kafka/instance.h>

#include <base/identity.h>
#include <base/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NUMBERS = 1000 };
static const int64_t FENCED_AGAIN_NS = INT64_C(60000000000);

/* A name in Linux's abstract namespace: no file is left behind, and it ends with the process. */
static int claim_number(const char *begin, unsigned number)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int size = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "polka.transactional.%08x.%u", polkai_key_hash((const uint8_t *)begin, strlen(begin)), number);
    int claim = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (claim < 0)
        return -1;
    if (bind(claim, (const struct sockaddr *)&name, (socklen_t)(sizeof name.sun_family + 1 + (size_t)size)) == 0)
        return claim;
    close(claim);
    return -1;
}

static void add_random_end(polkai_kafka_instance *instance)
{
    polkai_random random;
    polkai_random_seed_entropy(&random);
    snprintf(instance->id + instance->own_at, sizeof instance->id - instance->own_at, ".%016llx", (unsigned long long)polkai_random_next(&random));
}

void polkai_kafka_instance_claim(polkai_kafka_instance *instance, const char *group)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    *instance = (polkai_kafka_instance){ .claim = -1 };
    int size = snprintf(instance->id, sizeof instance->id, "polka.%.200s.%.200s", group, *host == '\0' ? "host" : host);
    unsigned number = 0;
    while (number < NUMBERS && (instance->claim = claim_number(instance->id, number)) < 0)
        number++;
    if (instance->claim >= 0)
        size += snprintf(instance->id + size, sizeof instance->id - (size_t)size, ".%u", number);
    instance->own_at = (size_t)size;
    if (instance->claim < 0)
        add_random_end(instance);
}

void polkai_kafka_instance_release(polkai_kafka_instance *instance)
{
    if (instance->claim >= 0)
        close(instance->claim);
    instance->claim = -1;
}

bool polkai_kafka_instance_fenced(polkai_kafka_instance *instance, int64_t now_ns)
{
    bool again = instance->fenced_ns != 0 && now_ns - instance->fenced_ns < FENCED_AGAIN_NS;
    instance->fenced_ns = now_ns;
    if (!again)
        return false;
    polkai_kafka_instance_release(instance);
    add_random_end(instance);
    return true;
}
