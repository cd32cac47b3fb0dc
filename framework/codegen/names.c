/* names.c: Avro names as C names that no compiler, C++ or standard header minds, and that never meet each other. */
#include "gen.h"

#include <ctype.h>

/* Keywords of C11, C23, C++20 and GNU C, and macros of ISO C in lower case. Sorted. */
static const char *const reserved[] = {
    "alignas", "alignof", "and", "and_eq", "asm", "assert", "atomic_cancel", "atomic_commit", "atomic_noexcept", "auto", "bitand", "bitor", "bool",
    "break", "case", "catch", "char", "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "complex",
    "concept", "const", "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
    "dynamic_cast", "else", "enum", "errno", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "i386", "if", "imaginary",
    "inline", "int", "linux", "long", "math_errhandling", "mutable", "namespace", "new", "noexcept", "noreturn", "not", "not_eq", "nullptr",
    "offsetof", "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "restrict", "return",
    "setjmp", "short", "signed", "sizeof", "st_atime", "st_ctime", "st_mtime", "static", "static_assert", "static_cast", "stderr", "stdin",
    "stdout", "struct", "switch", "synchronized", "template", "this", "thread_local", "throw", "true", "try", "typedef", "typeid", "typename",
    "typeof", "typeof_unqual", "union", "unix", "unsigned", "using", "va_arg", "va_copy", "va_end", "va_start", "virtual", "void", "volatile",
    "wchar_t", "while", "xor", "xor_eq",
};

/* What functions of generated code call their parameters and variables. Sorted. */
static const char *const locals[] = {
    "any", "arena", "at", "block", "body", "bound", "branch", "buffer", "bytes", "count", "ctx", "depth", "end", "error", "event", "handler", "i", "index",
    "items", "json", "key", "map", "name", "names", "options", "r", "reader", "room", "v", "value", "w", "writer",
};

const char *gen_snake(gen *g, const char *name)
{
    size_t size = strlen(name), used = 0;
    char *snake = polka_arena_alloc(&g->arena, 2 * size + 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name[i], before = i == 0 ? '.' : (unsigned char)name[i - 1], after = (unsigned char)name[i + 1];
        bool word = isupper(c) && (islower(before) || isdigit(before) || (isupper(before) && islower(after)));
        if ((word || c == '.' || c == '_') && (used == 0 ? c == '_' : snake[used - 1] != '_'))
            snake[used++] = '_';
        if (c != '.' && c != '_')
            snake[used++] = (char)tolower(c);
    }
    snake[used] = '\0';
    return snake;
}

const char *gen_upper(gen *g, const char *name)
{
    char *upper = polka_arena_alloc(&g->arena, strlen(name) + 1);
    size_t i = 0;
    for (; name[i] != '\0'; i++)
        upper[i] = (char)toupper((unsigned char)name[i]);
    upper[i] = '\0';
    return upper;
}

static const char *behind(gen *g, const char *name, const char *tail)
{
    return polkai_arena_format(&g->arena, "%s%s", name, tail).data;
}

const char *gen_member_name(gen *g, const char *name)
{
    const char *snake = gen_snake(g, name);
    return GEN_LISTED(snake, reserved) || gen_is_macro(snake) ? behind(g, snake, "_") : snake;
}

bool gen_is_own(const char *full_name)
{
    return strncmp(full_name, "polka.", 6) == 0 && strchr(full_name + 6, '.') == NULL;
}

const char *gen_type_name(gen *g, const char *full_name)
{
    const char *snake = gen_is_own(full_name) ? polkai_arena_format(&g->arena, "polka_event_%s", gen_snake(g, full_name + 6)).data : gen_snake(g, full_name);
    while (*snake == '_')                                /* reserved at file scope */
        snake++;
    size_t size = strlen(snake);
    bool standard_type = size > 2 && strcmp(snake + size - 2, "_t") == 0;
    bool safe = !GEN_LISTED(snake, reserved) && !gen_is_macro(snake) && !gen_is_declared(snake) && !GEN_LISTED(snake, locals) && !standard_type;
    return safe ? snake : behind(g, snake, "_");
}

const char *gen_constant_name(gen *g, const char *upper, const char *symbol)
{
    bool joined = *upper != '\0' && upper[strlen(upper) - 1] == '_';
    const char *snake = gen_upper(g, gen_snake(g, symbol));
    while (joined && *snake == '_')
        snake++;
    const char *name = polkai_arena_format(&g->arena, "%s%s%s", upper, joined || *snake == '_' ? "" : "_", snake).data;
    const char *underscore = strchr(upper, '_');
    bool one_word = underscore == NULL || underscore[1] == '\0';
    bool safe = !gen_is_constant(name) && !(one_word && gen_is_word(polkai_arena_text(&g->arena, upper, strcspn(upper, "_")).data));
    return safe ? name : behind(g, name, "_");
}

polka_status gen_claim(gen *g, const named *owner, const char *name, const char *what)
{
    const char *other = json_string_value(json_object_get(g->names, name));
    if (other != NULL)
        return gen_bad(g, owner->schema, NULL, "%s and %s would both be '%s' in C: rename one", what, other, name);
    if (gen_is_macro(name) || gen_is_declared(name))
        return gen_bad(g, owner->schema, NULL, "%s would be '%s' in C, and the system's headers have that: rename it", what, name);
    json_object_set_new(g->names, name, json_string(what));
    return POLKA_OK;
}
