/*
 * http.h: one HTTP request over libcurl, bounded in time and size. The only file that knows libcurl, with http.c.
 *
 * libcurl costs 3.8 MiB and 3 ms at start, and most services need none: it is loaded (libcurl.so.4, Debian's libcurl4)
 * when the first handle is opened, never before, and is no dependency of libpolka at link time.
 */
#ifndef POLKA_BASE_HTTP_H
#define POLKA_BASE_HTTP_H

#include <polka/codec.h>

/* Who is asked, in codes and messages of errors, and what the settings are called that name files and tokens. */
typedef struct {
    const char *code;                    /* "registry": "registry-unreachable", … */
    const char *name;                    /* "a schema registry" */
    const char *token, *ca, *certificate, *key;          /* "schemas.registry.token", … */
} polkai_http_peer;
extern const polkai_http_peer polkai_http_anybody;       /* "http-unreachable" */

typedef struct {
    const polkai_http_peer *peer;        /* NULL: anybody */
    const char *const *headers;          /* of every request, "Name: value", ended by NULL; NULL: none */
    const char *token;                   /* sent as "Authorization: Bearer …"; NULL: none */
    const char *ca;                      /* PEM file of who is trusted; NULL: the system's. Verification cannot be switched off */
    const char *certificate, *key;       /* PEM files of this client; NULL: none */
    int64_t connect_ms, total_ms;        /* of one request; 0: 2 s, 5 s */
    size_t body_bytes;                   /* of one answer; 0: 1 MiB */
} polkai_http_options;

typedef struct {
    const char *method;                  /* "GET", "POST", "PUT", "DELETE" */
    const char *url;                     /* http or https, without credentials: it is shown in messages */
    const char *user, *password;         /* basic authentication; NULL: none */
    int64_t left_ms;                     /* time that the caller has left, when that is less than total_ms; 0: enough */
    bool direct;                         /* no proxy, whatever the environment says */
    polka_text body;                     /* data NULL: none */
} polkai_http_request;

typedef struct {
    long status;
    int64_t retry_after_ms;              /* -1: the server gave none */
    const char *content_type, *location; /* NULL: none */
    polka_text body;                     /* NUL-terminated */
} polkai_http_answer;

typedef struct polkai_http polkai_http;

/*
 * polkai_http_open loads libcurl if it is not there yet.
 * errors: MISUSE "no-libcurl" naming the package; "no-file" for a PEM file that cannot be read; "bad-token" for one with
 *         bytes that no header may have.
 */
polka_status polkai_http_open(polkai_http **http, const polkai_http_options *options, polka_error *error);
void polkai_http_close(polkai_http *http);               /* NULL is fine */

/*
 * polkai_http_call waits for the answer, whatever its status; a redirect is an answer and is not followed. Texts of
 * `answer` are in `arena`. One thread at a time.
 * errors: TRANSIENT "<peer>-unreachable" (also: cut off), "<peer>-untrusted" (TLS), "<peer>-misbehaves" (larger than allowed),
 *         "stopped" after polkai_http_stop.
 */
polka_status polkai_http_call(polkai_http *http, const polkai_http_request *request, polka_arena *arena, polkai_http_answer *answer, polka_error *error);

/* polkai_http_stop: from any thread: the call that runs ends within about a second, and every later one at once. */
void polkai_http_stop(polkai_http *http);

#endif
