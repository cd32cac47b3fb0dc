/* The transactional.id of a process: the least number that is free, the same again after an end of any kind. */
#include <transport/kafka/instance.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t MINUTE_NS = INT64_C(60000000000);
static char group[64];

static void name_group(void)
{
    snprintf(group, sizeof group, "instance-test-%d", (int)getpid());
}

static bool ends_with(const polkai_kafka_instance *instance, const char *end)
{
    size_t size = strlen(instance->id), end_size = strlen(end);
    return size > end_size && strcmp(instance->id + size - end_size, end) == 0;
}

Test(instance, of_two_processes_has_two_numbers_and_the_next_takes_what_is_free, .init = name_group)
{
    polkai_kafka_instance first, second, third;
    polkai_kafka_instance_claim(&first, group);
    polkai_kafka_instance_claim(&second, group);
    cr_assert(ends_with(&first, ".0"), "%s", first.id);
    cr_assert(ends_with(&second, ".1"), "%s", second.id);
    cr_assert_eq(strncmp(first.id, "polka.instance-test-", 20), 0, "%s", first.id);
    polkai_kafka_instance_release(&first);
    polkai_kafka_instance_claim(&third, group);
    cr_assert_str_eq(third.id, first.id);
    polkai_kafka_instance_release(&second);
    polkai_kafka_instance_release(&third);
}

Test(instance, of_a_process_that_was_killed_is_that_of_the_next, .init = name_group)
{
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        polkai_kafka_instance killed;
        polkai_kafka_instance_claim(&killed, group);
        (void)!write(ready[1], ends_with(&killed, ".0") ? "y" : "n", 1);
        for (;;)
            pause();
    }
    char answer;
    cr_assert_eq(read(ready[0], &answer, 1), 1);
    cr_assert_eq(answer, 'y');
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    polkai_kafka_instance next;
    polkai_kafka_instance_claim(&next, group);
    cr_assert(ends_with(&next, ".0"), "%s", next.id);
    polkai_kafka_instance_release(&next);
}

Test(instance, keeps_its_id_when_it_is_fenced_now_and_then_and_gets_another_when_a_twin_fences_it, .init = name_group)
{
    polkai_kafka_instance instance;
    char before[512];
    polkai_kafka_instance_claim(&instance, group);
    snprintf(before, sizeof before, "%s", instance.id);
    cr_assert_not(polkai_kafka_instance_fenced(&instance, MINUTE_NS));
    cr_assert_not(polkai_kafka_instance_fenced(&instance, 3 * MINUTE_NS));
    cr_assert_str_eq(instance.id, before);
    cr_assert(polkai_kafka_instance_fenced(&instance, 3 * MINUTE_NS + 1));
    cr_assert_eq(strncmp(instance.id, before, strlen(before)), 0);
    cr_assert_gt(strlen(instance.id), strlen(before) + 8);
    polkai_kafka_instance_release(&instance);
}

/* Found by reading: each end was put behind the one before, until none had room and the id stayed the same. */
Test(instance, gets_another_id_however_often_a_twin_fences_it, .init = name_group)
{
    polkai_kafka_instance instance;
    char before[512];
    polkai_kafka_instance_claim(&instance, group);
    cr_assert_not(polkai_kafka_instance_fenced(&instance, MINUTE_NS));
    for (int i = 1; i <= 100; i++) {
        snprintf(before, sizeof before, "%s", instance.id);
        cr_assert(polkai_kafka_instance_fenced(&instance, MINUTE_NS + i));
        cr_assert_str_neq(instance.id, before);
        cr_assert(i == 1 || strlen(instance.id) == strlen(before));
    }
}
