/*
 * Every folder under tests/data/resolution is a case: {writer.avsc,reader.avsc,hex,expected}; what is expected is the reader's
 * form as hex, or "!" and the message.
 */
#include "data.h"
#include "ladder.h"
#include "support.h"

#include <avro/compat.h>
#include <avro/plan.h>
#include <base/text.h>

typedef struct { bench writer, reader; polkai_plan *plan; } planned;

static void plan(planned *p, const char *writer, const char *reader)
{
    bench_open(&p->writer, writer);
    bench_open(&p->reader, reader);
    cr_assert_eq(polkai_plan_create(&p->plan, p->writer.schema, p->reader.schema, &p->reader.error), POLKA_OK, "%s", p->reader.error.message);
}

static void forget(planned *p)
{
    polkai_plan_destroy(p->plan);
    bench_close(&p->writer);
    bench_close(&p->reader);
}

static const char *resolved_within(planned *p, const char *hex, const polkai_walk_limits *limits)
{
    polka_arena *arena = &p->reader.arena;
    polka_bytes body = from_hex(arena, hex), resolved;
    if (polkai_plan_resolve(p->plan, body, limits, arena, &resolved, &p->reader.error) != POLKA_OK)
        return polkai_arena_format(arena, "!%s", p->reader.error.message).data;
    char *out = polka_arena_alloc(arena, 2 * resolved.size + 1);
    polkai_hex(out, resolved.data, resolved.size);
    return out;
}

static const char *resolved(planned *p, const char *hex)
{
    return resolved_within(p, hex, NULL);
}

/* ---- cases -------------------------------------------------------------------------------------- */

static char *line_of(const char *folder, const char *name)
{
    char *text = data_text("resolution", folder, name, NULL);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* Cut anywhere, a body fails; it never reads on. In a block of its own memory, so that a sanitizer sees a step too far. */
static void cut_everywhere(planned *p, const char *folder, polka_bytes body)
{
    polka_bytes out;
    for (size_t size = 0; size < body.size; size++) {
        uint8_t *short_body = malloc(size + 1);
        memcpy(short_body, body.data, size);
        cr_expect_eq(polkai_plan_resolve(p->plan, (polka_bytes){ size, short_body }, NULL, &p->reader.arena, &out, NULL), POLKA_POISON, "%s cut at %zu", folder, size);
        free(short_body);
    }
}

static void check_case(const char *folder)
{
    planned p;
    char *writer = data_text("resolution", folder, "writer.avsc", NULL), *reader = data_text("resolution", folder, "reader.avsc", NULL);
    char *hex = line_of(folder, "hex"), *expected = line_of(folder, "expected");
    plan(&p, writer, reader);
    const char *got = resolved(&p, hex);
    cr_expect_str_eq(got, expected, "%s\nexpected: %s\n     got: %s", folder, expected, got);
    if (*expected != '!') {
        polka_bytes out = from_hex(&p.reader.arena, expected);
        cr_expect_eq(polkai_walk(p.reader.schema, out, NULL, &p.reader.error), POLKA_OK, "%s: %s", folder, p.reader.error.message);
        cut_everywhere(&p, folder, from_hex(&p.reader.arena, hex));
    }
    forget(&p);
    free(writer);
    free(reader);
    free(hex);
    free(expected);
}

Test(plan, every_case_resolves_or_fails_as_it_expects)
{
    cr_assert_geq(data_each("resolution", check_case), 115);
}

/* ---- what a plan says of itself ------------------------------------------------------------------ */

#define RECORD(FIELDS) "{\"type\":\"record\",\"name\":\"A\",\"fields\":[" FIELDS "]}"
#define FIELD(NAME, TYPE) "{\"name\":\"" NAME "\",\"type\":" TYPE "}"
#define ENUM(SYMBOLS) "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" SYMBOLS "]}"

static bool is_identity(const char *writer, const char *reader)
{
    planned p;
    plan(&p, writer, reader);
    bool identity = polkai_plan_is_identity(p.plan);
    forget(&p);
    return identity;
}

Test(plan, only_what_its_reader_checks_as_well_is_an_identity)
{
    cr_expect(is_identity(RECORD(FIELD("x", "[\"null\",\"string\"]")), RECORD("{\"name\":\"x\",\"type\":[\"null\",\"string\"],\"default\":null}")));
    cr_expect(is_identity(ENUM("\"P\",\"Q\""), ENUM("\"P\",\"Q\"")));
    cr_expect_not(is_identity("\"int\"", "\"long\""), "a long takes numbers that an int must not have");
    cr_expect_not(is_identity("\"string\"", "\"bytes\""), "bytes need not be UTF-8");
    cr_expect_not(is_identity("\"bytes\"", "\"int\""));
    cr_expect_not(is_identity(ENUM("\"P\""), ENUM("\"P\",\"Q\"")), "the writer has no second symbol");
    cr_expect_not(is_identity("[\"null\",\"int\"]", "[\"null\",\"int\",\"string\"]"), "the writer has no third branch");
    cr_expect_not(is_identity("[\"null\",\"int\"]", "[\"null\",\"string\"]"));
    cr_expect_not(is_identity(RECORD(FIELD("x", "\"int\"") "," FIELD("y", "\"int\"")), RECORD(FIELD("x", "\"int\""))));
}

Test(plan, bytes_that_need_no_change_are_not_copied)
{
    planned p;
    polka_bytes body, out;
    plan(&p, "{\"type\":\"array\",\"items\":\"int\"}", "{\"type\":\"array\",\"items\":\"long\"}");
    body = from_hex(&p.reader.arena, "01020200");                 /* a block that says its size */
    cr_assert_eq(polkai_plan_resolve(p.plan, body, NULL, &p.reader.arena, &out, NULL), POLKA_OK);
    cr_assert_eq(out.data, body.data);
    forget(&p);
    plan(&p, "[\"null\",\"int\",\"string\"]", "[\"null\",\"string\"]");
    body = from_hex(&p.reader.arena, "00");
    cr_assert_eq(polkai_plan_resolve(p.plan, body, NULL, &p.reader.arena, &out, NULL), POLKA_OK);
    cr_assert_eq(out.data, body.data);
    forget(&p);
}

Test(plan, a_mismatch_has_a_code_of_its_own)
{
    planned p;
    plan(&p, "[\"null\",\"string\"]", "\"null\"");
    eq_text(resolved(&p, "00"), "");
    eq_text(resolved(&p, "020261"), "!the value: string was written, which cannot be read as null, at byte 1 of 3");
    eq_text(p.reader.error.code, "schema-mismatch");
    eq_text(resolved(&p, "04"), "!the value: union branch 2 is not in 0 to 1, at byte 0 of 1");
    eq_text(p.reader.error.code, "bad-bytes");
    forget(&p);
}

Test(plan, a_default_of_the_reader_that_has_no_end_is_refused_when_the_plan_is_made)
{
    bench writer, reader;
    polkai_plan *made = NULL;
    char *text = calloc(1, 4000), *at = text;
    at += sprintf(at, "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"f\",\"type\":");
    for (int i = 0; i < 30; i++)
        at += sprintf(at, "{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\",\"type\":", i);
    at += sprintf(at, "\"int\",\"default\":1}]}");
    for (int i = 28; i >= 0; i--)
        at += sprintf(at, ",\"default\":{}},{\"name\":\"b\",\"type\":\"R%d\",\"default\":{}}]}", i + 1);
    strcpy(at, ",\"default\":{}}]}");
    bench_open(&writer, RECORD(""));
    bench_open(&reader, text);
    cr_assert_eq(polkai_plan_create(&made, writer.schema, reader.schema, &reader.error), POLKA_POISON);
    eq_text(reader.error.code, "bad-schema");
    cr_assert_null(made);
    bench_close(&writer);
    bench_close(&reader);
    free(text);
}

/* ---- limits ------------------------------------------------------------------------------------- */

#define LIST(FIELDS) "{\"type\":\"record\",\"name\":\"L\",\"fields\":[" FIELDS "]}"
#define NEXT FIELD("next", "[\"null\",\"L\"]")

/* A plan and the walk draw the line at the same level, whatever is called, inlined, rearranged or dropped. */
Test(plan, nests_as_deep_as_the_walk_and_no_deeper)
{
    static const char *const pairs[][2] = {
        { LIST(FIELD("v", "\"int\"") "," NEXT), LIST(FIELD("v", "\"long\"") "," NEXT) },
        { LIST(FIELD("v", "\"int\"") "," NEXT), LIST(FIELD("v", "\"double\"") "," NEXT) },
        { LIST(FIELD("v", "\"int\"") "," NEXT), LIST(NEXT "," FIELD("v", "\"int\"")) },
        { LIST(FIELD("v", "\"int\"") "," NEXT), LIST(FIELD("v", "\"int\"")) },
        { LIST(FIELD("v", "\"int\"") "," FIELD("next", "{\"type\":\"array\",\"items\":\"L\"}")), LIST(FIELD("v", "\"float\"") "," FIELD("next", "{\"type\":\"array\",\"items\":\"L\"}")) },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        planned p;
        char hex[400] = "";
        plan(&p, pairs[i][0], pairs[i][1]);
        for (int level = 0; level < 20; level++)
            strcat(hex, "0202");                                  /* 1, and another */
        strcat(hex, "0200");
        for (int level = 0; level < (i == 4 ? 20 : 0); level++)
            strcat(hex, "00");
        polka_bytes body = from_hex(&p.reader.arena, hex);
        for (unsigned depth = 0; depth < 50; depth++) {
            const polkai_walk_limits limits = { .depth = depth, .empty_items = 1000 };
            bool walks = polkai_walk(p.writer.schema, body, &limits, NULL) == POLKA_OK;
            cr_expect_eq(*resolved_within(&p, hex, &limits) != '!', walks, "pair %zu at depth %u", i, depth);
        }
        forget(&p);
    }
}

Test(plan, records_inside_each_other_count_as_levels)
{
    planned p;
    const char *inner = "{\"type\":\"record\",\"name\":\"B\",\"fields\":[{\"name\":\"c\",\"type\":{\"type\":\"record\",\"name\":\"C\",\"fields\":[]}},{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"C\"}}]}";
    char writer[600];
    snprintf(writer, sizeof writer, "{\"type\":\"map\",\"values\":[\"null\",{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"b\",\"type\":%s}]}]}", inner);
    plan(&p, writer, writer);
    static const char *const bodies[] = { "00", "0202610000", "020261020000", "0202610202000000", "02026102020000", "04026100026202020000" };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (unsigned depth = 0; depth < 9; depth++) {
            const polkai_walk_limits limits = { .depth = depth, .empty_items = 1000 };
            bool walks = polkai_walk(p.writer.schema, from_hex(&p.reader.arena, bodies[i]), &limits, NULL) == POLKA_OK;
            cr_expect_eq(*resolved_within(&p, bodies[i], &limits) != '!', walks, "%s at depth %u", bodies[i], depth);
        }
    forget(&p);
}

Test(plan, what_was_left_is_no_level_any_more)
{
    planned p;
    const polkai_walk_limits limits = { .depth = 4, .empty_items = 0 };
    const char *hex = "020a04020004020004020004020004020000";     /* five of U, each around a T without children */
    plan(&p, "{\"type\":\"record\",\"name\":\"T\",\"fields\":[{\"name\":\"v\",\"type\":\"int\"},{\"name\":\"kids\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"T\",{\"type\":\"record\",\"name\":\"U\",\"fields\":[{\"name\":\"t\",\"type\":\"T\"}]}]}}]}",
         "{\"type\":\"record\",\"name\":\"T\",\"fields\":[{\"name\":\"v\",\"type\":\"float\"},{\"name\":\"kids\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"T\",{\"type\":\"record\",\"name\":\"U\",\"fields\":[{\"name\":\"t\",\"type\":\"T\"}]}]}}]}");
    cr_assert_eq(polkai_walk(p.writer.schema, from_hex(&p.reader.arena, hex), &(polkai_walk_limits){ .depth = 5 }, NULL), POLKA_OK);
    cr_expect_eq(*resolved_within(&p, hex, &(polkai_walk_limits){ .depth = 5 }), '0', "%s", p.reader.error.message);
    cr_expect_eq(*resolved_within(&p, hex, &limits), '!');
    forget(&p);
}

Test(plan, items_of_no_bytes_are_counted_as_in_the_walk)
{
    planned p;
    const polkai_walk_limits limits = { .depth = 10, .empty_items = 5 };
    plan(&p, "{\"type\":\"array\",\"items\":" RECORD(FIELD("x", "\"null\"")) "}", "{\"type\":\"array\",\"items\":" RECORD("{\"name\":\"n\",\"type\":\"int\",\"default\":1}") "}");
    eq_text(resolved_within(&p, "040600", &limits), "0402020602020200");
    cr_assert_eq(*resolved_within(&p, "060600", &limits), '!');
    eq_text(p.reader.error.code, "bad-bytes");
    forget(&p);
}

Test(plan, defaults_cannot_blow_a_small_body_up)
{
    planned p;
    char reader[3000], text[2001];
    memset(text, 'x', 2000);
    text[2000] = '\0';
    snprintf(reader, sizeof reader, "{\"type\":\"array\",\"items\":" RECORD("{\"name\":\"n\",\"type\":\"string\",\"default\":\"%s\"}") "}", text);
    plan(&p, "{\"type\":\"array\",\"items\":" RECORD("") "}", reader);
    cr_assert_eq(*resolved(&p, "d00f00"), 'd');                   /* 1,000 items */
    cr_assert_eq(*resolved(&p, "80897a00"), '!');                 /* 1,000,000 */
    cr_assert(strstr(p.reader.error.message, "67108864 bytes of defaults") != NULL, "%s", p.reader.error.message);
    forget(&p);
}

/* More groups than one step can mark. */
Test(plan, a_wide_record_is_turned_round)
{
    enum { WIDE = 60 };
    planned p;
    char writer[4000] = "", reader[4000] = "", hex[2 * WIDE + 1] = "", expected[2 * WIDE + 1] = "";
    for (int i = 0; i < WIDE; i++) {
        snprintf(writer + strlen(writer), 60, "%s{\"name\":\"f%d\",\"type\":\"int\"}", i == 0 ? "" : ",", i);
        snprintf(reader + strlen(reader), 60, "%s{\"name\":\"f%d\",\"type\":\"int\"}", i == 0 ? "" : ",", WIDE - 1 - i);
        snprintf(hex + strlen(hex), 3, "%02x", i);
        snprintf(expected + strlen(expected), 3, "%02x", WIDE - 1 - i);
    }
    const char *form = "{\"type\":\"record\",\"name\":\"A\",\"fields\":[%s]}";
    char whole_writer[4100], whole_reader[4100];
    snprintf(whole_writer, sizeof whole_writer, form, writer);
    snprintf(whole_reader, sizeof whole_reader, form, reader);
    plan(&p, whole_writer, whole_reader);
    eq_text(resolved(&p, hex), expected);
    forget(&p);
}

/* ---- size --------------------------------------------------------------------------------------- */

Test(plan, types_used_again_and_again_are_planned_once, .timeout = 20)
{
    planned p;
    char *writer = ladder("int"), *reader = ladder("double");
    plan(&p, writer, writer);
    forget(&p);
    plan(&p, writer, reader);
    forget(&p);
    free(writer);
    free(reader);
}

Test(plan, long_chains_of_types_take_no_stack, .timeout = 20)
{
    planned p;
    char *text = chain(9000);
    plan(&p, text, text);
    forget(&p);
    free(text);
}

/* A list of a hundred thousand, rearranged at each level: linear, and on no stack but our own. */
Test(plan, deep_rearranged_values_take_no_stack_and_linear_time, .timeout = 20)
{
    enum { DEEP = 100000 };
    planned p;
    polka_bytes out;
    polka_arena arena;
    const polkai_walk_limits limits = { .depth = DEEP + 1, .empty_items = 0 };
    plan(&p, LIST(FIELD("v", "\"int\"") "," NEXT), LIST(NEXT "," FIELD("v", "\"double\"")));
    uint8_t *body = malloc(2 * DEEP + 2);
    memset(body, 2, 2 * DEEP);
    memset(body + 2 * DEEP, 0, 2);
    polkai_arena_init(&arena, NULL, 0);
    cr_assert_eq(polkai_plan_resolve(p.plan, (polka_bytes){ 2 * DEEP + 2, body }, &limits, &arena, &out, &p.reader.error), POLKA_OK, "%s", p.reader.error.message);
    cr_assert_eq(out.size, (size_t)9 * DEEP + 9);
    cr_assert_eq(polkai_walk(p.reader.schema, out, &limits, NULL), POLKA_OK);
    polkai_arena_deinit(&arena);
    free(body);
    forget(&p);
}
