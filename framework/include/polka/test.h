/*
 * test.h: the test kit: given this event, expect that one. No broker: the service runs on memory, on one thread, with a
 * clock that moves only when the test says so. Works inside any test runner: what does not hold prints where and what, and
 * ends the process by abort().
 *
 *     polka_test *test = polka_test_create(&payments);
 *     POLKA_GIVEN(test, shop_order_placed, .order_id = POLKA_TEXT("A-1"), …);
 *     const shop_payment_authorised *paid = POLKA_EXPECT(test, shop_payment_authorised);
 *     POLKA_EXPECT_NOTHING(test);
 *     polka_test_destroy(test);
 *
 * thread: one.
 */
#ifndef POLKA_TEST_H
#define POLKA_TEST_H

#include <polka/polka.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct polka_test polka_test;

/* polka_test_create: one service, new. It starts at the first given; a service that is wrong fails the test. */
POLKA_API polka_test *polka_test_create(const polka_service *service);
/* polka_test_create_all: several, NULL-terminated: the whole choreography; what one emits the others hear. */
POLKA_API polka_test *polka_test_create_all(const polka_service *const *services);
POLKA_API void polka_test_destroy(polka_test *test);     /* NULL is fine */

/* Before the first given: in place of what the service's open would make; a setting's value in place of its fallback. */
POLKA_API void polka_test_resource(polka_test *test, const char *service, void *resource);
POLKA_API void polka_test_setting(polka_test *test, const char *name, const char *value);
POLKA_API void polka_test_header(polka_test *test, const char *name, const char *value);   /* on the next given only */

/* polka_test_given: the event arrives; everything that follows from it now has happened when this returns. */
POLKA_API void polka_test_given(polka_test *test, const polka_event *event, const void *value);
/*
 * polka_test_given_json: the event arrives as another version of its schema wrote it: an older one, a newer one, one of a foreign
 * writer. `schema` is the writer's, Avro JSON; `json` the value as plain JSON by that schema. What the service makes of it is
 * what it would make of it in production; a value that cannot become the event is a dead letter.
 * polka_test_given_bytes: the same with a key and an Avro body of one's own, right or wrong.
 */
POLKA_API void polka_test_given_json(polka_test *test, const polka_event *event, const char *schema, const char *json);
POLKA_API void polka_test_given_bytes(polka_test *test, const polka_event *event, const char *schema, polka_text key, polka_bytes body);
/* polka_test_redelivered: the last given arrives once more, as after a crash: the same record, the same id. */
POLKA_API void polka_test_redelivered(polka_test *test);
POLKA_API void polka_test_advance_ms(polka_test *test, int64_t ms);                        /* time passes; what is due happens */

/*
 * polka_test_expect: the oldest emission of this type that was not expected yet; its value is borrowed until destroy.
 * _id: the CloudEvents id of what was expected last. _dead: the oldest dead letter whose reason contains `reason_part`.
 * _nothing: no emission and no dead letter is left over.
 */
POLKA_API const void *polka_test_expect(polka_test *test, const polka_event *event, const char *file, int line);
POLKA_API polka_text polka_test_expected_id(polka_test *test);
POLKA_API void polka_test_expect_dead(polka_test *test, const char *reason_part, const char *file, int line);
POLKA_API void polka_test_expect_nothing(polka_test *test, const char *file, int line);
/*
 * polka_test_expect_flow: all that was given and said so far fulfils a flow contract: it has begun; after each event of a step came one
 * that the step asks for, caused by that event and in time; each beginning led to an end. What was redelivered counts once; nothing
 * is taken from the other expectations. contract: its file, by the working directory, which for the tests of polka_add_test is, under
 * ctest, the folder of the whole project: "schemas/flows/order.yaml". One that cannot be read fails the test.
 */
POLKA_API void polka_test_expect_flow(polka_test *test, const char *contract, const char *file, int line);

#ifndef __cplusplus
#define POLKA_GIVEN(TEST, EVENT, ...) polka_test_given((TEST), &EVENT##_event, &(EVENT){ __VA_ARGS__ })
#endif
#define POLKA_GIVEN_JSON(TEST, EVENT, SCHEMA, JSON) polka_test_given_json((TEST), &EVENT##_event, (SCHEMA), (JSON))
#define POLKA_EXPECT(TEST, EVENT) ((const EVENT *)polka_test_expect((TEST), &EVENT##_event, __FILE__, __LINE__))
#define POLKA_EXPECT_DEAD(TEST, PART) polka_test_expect_dead((TEST), (PART), __FILE__, __LINE__)
#define POLKA_EXPECT_NOTHING(TEST) polka_test_expect_nothing((TEST), __FILE__, __LINE__)
#define POLKA_EXPECT_FLOW(TEST, CONTRACT) polka_test_expect_flow((TEST), (CONTRACT), __FILE__, __LINE__)

#ifdef __cplusplus
}
#endif
#endif
