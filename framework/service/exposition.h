/*
 * exposition.h: writes Prometheus' text format 0.0.4: a family is its HELP and TYPE and then its samples, all together.
 * Whatever a label's value holds, the text stays one that Prometheus reads: quotes, backslashes and line ends are escaped, and what
 * is no UTF-8 is written as its hexadecimal bytes.
 */
#ifndef POLKA_SERVICE_EXPOSITION_H
#define POLKA_SERVICE_EXPOSITION_H

#include <polka/codec.h>

typedef struct { const char *name; polka_text value; } polkai_label;
enum { POLKAI_LABELS = 8 };              /* of one sample at most; a row with name NULL ends them before */

typedef struct { polka_buffer text; const char *family; } polkai_exposition;

/* polkai_exposition_family: type is "counter", "gauge" or "histogram". Names are ours, and valid. */
void polkai_exposition_family(polkai_exposition *out, const char *name, const char *type, const char *help);
/* polkai_exposition_sample: of the last family; suffix "" or "_bucket", "_sum", "_count". labels: ended by a row without a name; NULL: none. */
void polkai_exposition_sample(polkai_exposition *out, const char *suffix, const polkai_label *labels, double value);

#endif
