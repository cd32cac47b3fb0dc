/* docs_yaml.c: JSON as YAML. Every text that could be read as anything else, in YAML 1.1 or 1.2, stands in double quotes. */
#include <cli/docs.h>

#include <choreography/map.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

enum { LONGEST_NAME = 1000 };            /* bytes */

static bool is_word(const char *text)
{
    static const char *const others[] = { "true", "false", "null", "yes", "no", "on", "off", "y", "n" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(text, others[i]) == 0)
            return false;
    if (!isalpha((unsigned char)*text))
        return false;
    while (isalnum((unsigned char)*text) || (*text != '\0' && strchr("._-/", *text) != NULL))
        text++;
    return *text == '\0';
}

/* A code point of UTF-8 that jansson has accepted. */
static uint32_t next_point(const unsigned char **at)
{
    const unsigned char *p = *at;
    int more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? *p : *p & (0x3fu >> more);
    for (int i = 1; i <= more; i++)
        point = point << 6 | (p[i] & 0x3fu);
    *at = p + more + 1;
    return point;
}

/* What YAML counts as not printable, as the end of a line, or as the beginning of a document. */
static bool is_hidden(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 || point == 0xfeff || (point & 0xfffe) == 0xfffe;
}

static void write_escape(uint32_t point, polka_buffer *out)
{
    if (point == '"' || point == '\\')
        polkai_map_print(out, "\\%c", (char)point);
    else if (point == '\n')
        polkai_map_print(out, "\\n");
    else
        polkai_map_print(out, point > 0xffff ? "\\U%08X" : "\\u%04X", (unsigned)point);
}

/* What needs no escape is copied in one piece. */
static void write_text(const char *text, polka_buffer *out)
{
    const unsigned char *at = (const unsigned char *)text, *plain = at;
    if (is_word(text)) {
        polkai_map_put(out, text, strlen(text));
        return;
    }
    polkai_map_put(out, "\"", 1);
    while (*at != '\0') {
        const unsigned char *begin = at;
        uint32_t point = next_point(&at);
        if (point != '"' && point != '\\' && !is_hidden(point))
            continue;
        polkai_map_put(out, (const char *)plain, (size_t)(begin - plain));
        write_escape(point, out);
        plain = at;
    }
    polkai_map_put(out, (const char *)plain, (size_t)(at - plain));
    polkai_map_put(out, "\"", 1);
}

/* YAML 1.1 takes 1e+20 for a text: its numbers with an exponent have a point. */
static void write_real(double value, polka_buffer *out)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    size_t whole = strcspn(text, ".e");
    polkai_map_print(out, "%.*s%s%s", (int)whole, text, text[whole] == '.' ? "" : ".0", text + whole);
}

static void write_scalar(const json_t *value, polka_buffer *out)
{
    switch (json_typeof(value)) {
    case JSON_STRING: write_text(json_string_value(value), out); break;
    case JSON_INTEGER: polkai_map_print(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
    case JSON_REAL: write_real(json_real_value(value), out); break;
    case JSON_TRUE: polkai_map_print(out, "true"); break;
    case JSON_FALSE: polkai_map_print(out, "false"); break;
    case JSON_ARRAY: polkai_map_print(out, "[]"); break;
    case JSON_OBJECT: polkai_map_print(out, "{}"); break;
    default: polkai_map_print(out, "null");
    }
}

static bool is_block(const json_t *value) { return json_object_size(value) > 0 || json_array_size(value) > 0; }

/* A name of more than 1024 characters is one only where a question mark says so. */
static void write_name(const char *name, int depth, polka_buffer *out)
{
    size_t begin = out->size;
    write_text(name, out);
    if (out->size - begin <= LONGEST_NAME) {
        polkai_map_print(out, ":");
        return;
    }
    out->size = begin;
    polkai_map_print(out, "? ");
    write_text(name, out);
    polkai_map_print(out, "\n%*s:", depth, "");
}

/* Each line of it begins at `depth`; the first goes on where the line stands when `begun`. */
static void write_block(const json_t *value, int depth, bool begun, polka_buffer *out)
{
    const char *name;
    json_t *member;
    size_t index;
    json_object_foreach((json_t *)(uintptr_t)value, name, member) {
        polkai_map_print(out, "%*s", begun ? 0 : depth, "");
        begun = false;
        write_name(name, depth, out);
        polkai_map_print(out, is_block(member) ? "\n" : " ");
        if (is_block(member)) {
            write_block(member, depth + 2, false, out);
        } else {
            write_scalar(member, out);
            polkai_map_print(out, "\n");
        }
    }
    json_array_foreach(value, index, member) {
        polkai_map_print(out, "%*s- ", begun ? 0 : depth, "");
        begun = false;
        if (is_block(member)) {
            write_block(member, depth + 2, true, out);
        } else {
            write_scalar(member, out);
            polkai_map_print(out, "\n");
        }
    }
}

void cli_yaml_write(const json_t *value, polka_buffer *out)
{
    if (is_block(value)) {
        write_block(value, 0, false, out);
    } else {
        write_scalar(value, out);
        polkai_map_print(out, "\n");
    }
}
