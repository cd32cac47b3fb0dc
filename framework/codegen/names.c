/* names.c: Avro names as C names that no compiler, C++ or standard header minds, and that never meet each other. */
#include "gen.h"

#include <ctype.h>
#include <stdlib.h>

/* Keywords of C11, C23, C++20 and GNU C; macros of the standard headers in lower case. Sorted. */
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

/* What the C library declares at file scope in one word: only types without a namespace can meet it. Sorted. */
static const char *const library[] = {
    "abort", "abs", "accept", "access", "acos", "acosh", "alarm", "asin", "asinh", "atan", "atan2", "atanh", "atexit", "atof", "atoi", "atol",
    "basename", "bcmp", "bcopy", "bind", "brk", "bsearch", "btowc", "bzero", "calloc", "cbrt", "ceil", "chdir", "chmod", "chown", "clock", "clone",
    "close", "connect", "copysign", "cos", "cosh", "creal", "ctime", "daemon", "difftime", "div", "drem", "dup", "dup2", "environ", "erf", "erfc",
    "err", "error", "execl", "execv", "exit", "exp", "exp10", "exp2", "expm1", "fabs", "fclose", "fdim", "feof", "ferror", "fflush", "ffs", "fgetc",
    "fgets", "floor", "fma", "fmax", "fmin", "fmod", "fopen", "fork", "fprintf", "fputc", "fputs", "fread", "free", "frexp", "fscanf", "fseek",
    "ftell", "fwrite", "gamma", "getc", "getchar", "getenv", "getline", "gets", "getw", "gmtime", "hypot", "ilogb", "imaxabs", "imaxdiv", "index",
    "ioctl", "isalnum", "isalpha", "isblank", "iscntrl", "isdigit", "isgraph", "islower", "isprint", "ispunct", "isspace", "isupper", "j0", "j1",
    "jn", "kill", "labs", "ldexp", "ldiv", "lgamma", "link", "listen", "llabs", "lldiv", "llrint", "llround", "localtime", "log", "log10", "log1p",
    "log2", "logb", "longjmp", "lrint", "lround", "lseek", "main", "malloc", "mblen", "memccpy", "memchr", "memcmp", "memcpy", "memfrob", "memmem",
    "memmove", "mempcpy", "memset", "mkdir", "mktime", "modf", "nan", "nearbyint", "nice", "open", "optarg", "optind", "pause", "perror", "pipe",
    "poll", "pow", "pow10", "printf", "putc", "putchar", "putenv", "puts", "qsort", "raise", "rand", "random", "read", "readlink", "realloc",
    "recv", "remainder", "remove", "rename", "rewind", "rindex", "rint", "rmdir", "round", "sbrk", "scalb", "scanf", "select", "send", "setbuf",
    "setenv", "shutdown", "signal", "significand", "sin", "sincos", "sinh", "sleep", "snprintf", "socket", "sprintf", "sqrt", "srand", "srandom",
    "sscanf", "stat", "stpcpy", "strcat", "strchr", "strcmp", "strcoll", "strcpy", "strcspn", "strdup", "strerror", "strfry", "strftime", "strlen",
    "strncat", "strncmp", "strncpy", "strndup", "strpbrk", "strrchr", "strsep", "strspn", "strstr", "strtod", "strtok", "strtol", "strxfrm",
    "swab", "symlink", "sync", "system", "tan", "tanh", "tgamma", "time", "times", "timezone", "tmpfile", "tmpnam", "tolower", "toupper", "trunc",
    "truncate", "tzname", "ungetc", "unlink", "usleep", "vfork", "vfprintf", "vprintf", "wait", "wcscpy", "wcslen", "write", "y0", "y1", "yn",
};

/* What functions of generated code call their parameters and variables. Sorted. */
static const char *const locals[] = {
    "any", "arena", "at", "block", "body", "bound", "branch", "buffer", "bytes", "count", "ctx", "depth", "end", "error", "event", "handler", "i", "index",
    "items", "json", "key", "map", "name", "names", "options", "r", "reader", "room", "v", "value", "w", "writer",
};

/* First words of macros in capitals: PREFIX_… of an enum without a namespace would meet them. */
static const char *const macro_prefixes[] = {
    "ATOMIC_", "BUFSIZ", "CHAR_", "CLOCKS_", "CLOCK_", "DBL_", "DECIMAL_", "EXIT_", "FE_", "FILENAME_", "FLT_", "FOPEN_", "FP_", "F_", "INT", "LC_",
    "LDBL_", "LLONG_", "LONG_", "MATH_", "MB_", "M_", "NULL", "ONCE_", "O_", "PATH_", "POLKA", "PRI", "PTRDIFF_", "P_", "RAND_", "R_", "SCHAR_",
    "SCN", "SEEK_", "SHRT_", "SIG_", "SIZE_", "SSIZE_", "S_", "TIME_", "TMP_", "TSS_", "UCHAR_", "UINT", "ULLONG_", "ULONG_", "USHRT_", "WCHAR_",
    "WINT_", "W_", "X_OK",
};

static int compare(const void *name, const void *row)
{
    return strcmp(name, *(const char *const *)row);
}

static bool listed(const char *name, const char *const *rows, size_t count)
{
    return bsearch(name, rows, count, sizeof *rows, compare) != NULL;
}
#define LISTED(NAME, ROWS) listed((NAME), (ROWS), sizeof(ROWS) / sizeof *(ROWS))

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
    return LISTED(snake, reserved) ? behind(g, snake, "_") : snake;
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
    bool safe = !LISTED(snake, reserved) && !LISTED(snake, library) && !LISTED(snake, locals) && !standard_type;
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
    for (size_t i = 0; one_word && i < sizeof macro_prefixes / sizeof *macro_prefixes; i++)
        if (strncmp(name, macro_prefixes[i], strlen(macro_prefixes[i])) == 0)
            return behind(g, name, "_");
    return name;
}

polka_status gen_claim(gen *g, const named *owner, const char *name, const char *what)
{
    const char *other = json_string_value(json_object_get(g->names, name));
    if (other != NULL)
        return gen_bad(g, owner->schema, NULL, "%s and %s would both be '%s' in C: rename one", what, other, name);
    json_object_set_new(g->names, name, json_string(what));
    return POLKA_OK;
}
