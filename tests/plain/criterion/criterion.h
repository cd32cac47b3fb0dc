/*
 * criterion.h: the few macros of Criterion that the unit tests use, in one process and without its memory arena: Criterion
 * itself does not start under ThreadSanitizer. Used by the tsan preset only.
 */
#ifndef TESTS_PLAIN_CRITERION_H
#define TESTS_PLAIN_CRITERION_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain_options { int signal; int exit_code; double timeout; void (*init)(void); void (*fini)(void); };
typedef struct plain_test plain_test;
struct plain_test { const char *suite, *name; void (*function)(void); struct plain_options options; plain_test *next; };
void plain_add(plain_test *test);
_Noreturn void plain_fail(const char *file, int line, const char *what);

#define Test(SUITE, NAME, ...)                                                                                             \
    static void SUITE##_##NAME(void);                                                                                      \
    __attribute__((constructor)) static void add_##SUITE##_##NAME(void)                                                    \
    {                                                                                                                      \
        static plain_test plain_this = { .suite = #SUITE, .name = #NAME, .function = SUITE##_##NAME, .options = { __VA_ARGS__ } };\
        plain_add(&plain_this);                                                                                            \
    }                                                                                                                      \
    static void SUITE##_##NAME(void)

/* What runs before and after each test of a suite. */
typedef struct plain_suite plain_suite;
struct plain_suite { const char *name; struct plain_options options; plain_suite *next; };
void plain_add_suite(plain_suite *suite);
#define TestSuite(SUITE, ...)                                                                                              \
    __attribute__((constructor)) static void add_suite_##SUITE(void)                                                       \
    {                                                                                                                      \
        static plain_suite plain_this = { .name = #SUITE, .options = { __VA_ARGS__ } };                                    \
        plain_add_suite(&plain_this);                                                                                      \
    }                                                                                                                      \
    struct plain_needs_a_semicolon_##SUITE { int none; }

/* What only a message uses is not used here. */
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define cr_assert(CONDITION, ...) do { if (!(CONDITION)) plain_fail(__FILE__, __LINE__, #CONDITION); } while (0)
#define cr_fail(...) plain_fail(__FILE__, __LINE__, "cr_fail")
#define cr_assert_not(CONDITION, ...) cr_assert(!(CONDITION))
#define cr_assert_eq(A, B, ...) cr_assert((A) == (B))
#define cr_assert_neq(A, B, ...) cr_assert((A) != (B))
#define cr_assert_lt(A, B, ...) cr_assert((A) < (B))
#define cr_assert_leq(A, B, ...) cr_assert((A) <= (B))
#define cr_assert_gt(A, B, ...) cr_assert((A) > (B))
#define cr_assert_geq(A, B, ...) cr_assert((A) >= (B))
#define cr_assert_null(A, ...) cr_assert((A) == NULL)
#define cr_assert_not_null(A, ...) cr_assert((A) != NULL)
#define cr_assert_str_eq(A, B, ...) cr_assert(strcmp((A), (B)) == 0)
#define cr_assert_str_neq(A, B, ...) cr_assert(strcmp((A), (B)) != 0)
#define cr_assert_str_empty(A, ...) cr_assert(*(A) == '\0')
#define cr_assert_arr_eq(A, B, SIZE, ...) cr_assert(memcmp((A), (B), (SIZE)) == 0)
#define cr_assert_float_eq(A, B, EPSILON, ...) cr_assert((A) - (B) <= (EPSILON) && (B) - (A) <= (EPSILON))
#define cr_expect cr_assert
#define cr_expect_eq cr_assert_eq
#define cr_expect_str_eq cr_assert_str_eq
#define cr_expect_null cr_assert_null
#define cr_expect_not_null cr_assert_not_null
#define cr_expect_not(CONDITION, ...) cr_assert(!(CONDITION))
#define cr_expect_str_neq cr_assert_str_neq
#define cr_expect_leq cr_assert_leq
#define cr_expect_lt cr_assert_lt
#define cr_expect_gt cr_assert_gt
#define cr_expect_geq cr_assert_geq
#define cr_assert_fail(...) plain_fail(__FILE__, __LINE__, "cr_assert_fail")
#define cr_log_info(...) ((void)0)

#endif
