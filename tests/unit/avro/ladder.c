#include "ladder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ladder(const char *leaf)
{
    char *text = calloc(1, 20000), *at = text;
    at += sprintf(at, "{\"type\":\"record\",\"name\":\"Top\",\"fields\":[{\"name\":\"f0\",\"type\":{\"type\":\"record\",\"name\":\"R0\",\"fields\":[{\"name\":\"a\",\"type\":\"%s\"}]}}", leaf);
    for (int i = 1; i <= 60; i++)
        at += sprintf(at, ",{\"name\":\"f%d\",\"type\":{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\",\"type\":\"R%d\"},{\"name\":\"b\",\"type\":\"R%d\"}]}}", i, i, i - 1, i - 1);
    strcpy(at, "]}");
    return text;
}

char *chain(size_t length)
{
    char *text = calloc(1, 120 * length + 200), *at = text;
    at += sprintf(at, "{\"type\":\"record\",\"name\":\"T\",\"fields\":[{\"name\":\"f0\",\"type\":{\"type\":\"record\",\"name\":\"R0\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}}");
    for (size_t i = 1; i < length; i++)
        at += sprintf(at, ",{\"name\":\"f%zu\",\"type\":{\"type\":\"record\",\"name\":\"R%zu\",\"fields\":[{\"name\":\"r\",\"type\":\"R%zu\"}]}}", i, i, i - 1);
    strcpy(at, "]}");
    return text;
}
