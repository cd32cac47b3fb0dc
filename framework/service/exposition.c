/* exposition.c: the text format, and its escapes. */
#include <service/exposition.h>

#include <base/text.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void add(polkai_exposition *out, const void *data, size_t size)
{
    memcpy(polka_buffer_reserve(&out->text, size), data, size);
    out->text.size += size;
}

static void add_text(polkai_exposition *out, const char *text) { add(out, text, strlen(text)); }

static void add_hexadecimal(polkai_exposition *out, polka_text value)
{
    char byte[3];
    for (size_t i = 0; i < value.size; i++) {
        snprintf(byte, sizeof byte, "%02x", (unsigned char)value.data[i]);
        add(out, byte, 2);
    }
}

/* In HELP a quote stays as it is. */
static void add_escaped(polkai_exposition *out, polka_text value, bool quoted)
{
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c == '\n')
            add(out, "\\n", 2);
        else if (c == '\\' || (c == '"' && quoted))
            add(out, (char[]){ '\\', c }, 2);
        else
            add(out, &c, 1);
    }
}

void polkai_exposition_family(polkai_exposition *out, const char *name, const char *type, const char *help)
{
    out->family = name;
    add_text(out, "# HELP ");
    add_text(out, name);
    add_text(out, " ");
    add_escaped(out, polka_text_of(help), false);
    add_text(out, "\n# TYPE ");
    add_text(out, name);
    add_text(out, " ");
    add_text(out, type);
    add_text(out, "\n");
}

static void add_labels(polkai_exposition *out, const polkai_label *labels)
{
    for (size_t i = 0; i < POLKAI_LABELS && labels[i].name != NULL; i++) {
        polka_text value = labels[i].value;
        add_text(out, i == 0 ? "{" : ",");
        add_text(out, labels[i].name);
        add_text(out, "=\"");
        if (polkai_utf8_valid(value.data, value.size))
            add_escaped(out, value, true);
        else
            add_hexadecimal(out, value);
        add_text(out, "\"");
    }
    if (labels[0].name != NULL)
        add_text(out, "}");
}

/* Whole numbers without an exponent, for the eye. */
static void add_value(polkai_exposition *out, double value)
{
    char text[40];
    if (isnan(value))
        snprintf(text, sizeof text, " NaN\n");
    else if (isinf(value))
        snprintf(text, sizeof text, value > 0 ? " +Inf\n" : " -Inf\n");
    else if (value == floor(value) && fabs(value) < 1e15)
        snprintf(text, sizeof text, " %.0f\n", value);
    else
        snprintf(text, sizeof text, " %.15g\n", value);
    add_text(out, text);
}

void polkai_exposition_sample(polkai_exposition *out, const char *suffix, const polkai_label *labels, double value)
{
    add_text(out, out->family);
    add_text(out, suffix);
    if (labels != NULL)
        add_labels(out, labels);
    add_value(out, value);
}
