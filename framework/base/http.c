/* http.c: libcurl, by a table of the functions that are used. */
#include <base/http.h>

#include <base/arena.h>
#include <base/error.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECT_MS = 2000, TOTAL_MS = 5000, BODY_BYTES = 1024 * 1024 };

/* ---- the library ---- */

static struct {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *easy);
    void (*easy_reset)(CURL *easy);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *easy);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
} curl;

static const struct { const char *name; void *to; } functions[] = {
    { "curl_global_init", &curl.global_init }, { "curl_easy_init", &curl.easy_init }, { "curl_easy_cleanup", &curl.easy_cleanup },
    { "curl_easy_reset", &curl.easy_reset }, { "curl_easy_setopt", &curl.easy_setopt }, { "curl_easy_perform", &curl.easy_perform },
    { "curl_easy_getinfo", &curl.easy_getinfo }, { "curl_easy_strerror", &curl.easy_strerror },
    { "curl_slist_append", &curl.slist_append }, { "curl_slist_free_all", &curl.slist_free_all },
};

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static bool loaded;

static polka_status load_functions(polka_error *error)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    ENSURE(library != NULL, POLKA_MISUSE, error, "no-libcurl",
           "HTTP needs libcurl, and it cannot be loaded (%s); install it: apt-get install libcurl4", dlerror());
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);
        ENSURE(function != NULL, POLKA_MISUSE, error, "no-libcurl", "libcurl.so.4 has no %s; install a newer one: apt-get install libcurl4", functions[i].name);
        memcpy(functions[i].to, &function, sizeof function);
    }
    ENSURE(curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, POLKA_FATAL, error, "no-libcurl", "libcurl does not start");
    loaded = true;
    return POLKA_OK;
}

static polka_status load(polka_error *error)
{
    pthread_mutex_lock(&loading);
    polka_status status = loaded ? POLKA_OK : load_functions(error);
    pthread_mutex_unlock(&loading);
    return status;
}

/* ---- a handle ---- */

const polkai_http_peer polkai_http_anybody = { "http", "the right server", "the token", "the file of trusted certificates", "the certificate", "its key" };

struct polkai_http {
    CURL *easy;
    const polkai_http_peer *peer;
    char *token, *ca, *certificate, *key;                /* NULL: none */
    long connect_ms, total_ms;
    size_t body_bytes;
    atomic_bool stopped;
    struct curl_slist *headers;
    char words[CURL_ERROR_SIZE];                         /* libcurl's own, of the last failure */
};

/* What one answer is collected in. */
typedef struct {
    polka_buffer body;
    size_t limit;
    bool over;
    polka_arena *arena;
    const char *location;
} collector;

static polka_status check_file(const char *setting, const char *path, polka_error *error)
{
    ENSURE(path == NULL || *path == '\0' || access(path, R_OK) == 0, POLKA_MISUSE, error, "no-file", "%s: cannot read %s: %m", setting, path);
    return POLKA_OK;
}

static polka_status check_options(const polkai_http_peer *peer, const polkai_http_options *options, polka_error *error)
{
    TRY(check_file(peer->ca, options->ca, error));
    TRY(check_file(peer->certificate, options->certificate, error));
    TRY(check_file(peer->key, options->key, error));
    for (const char *at = options->token; at != NULL && *at != '\0'; at++)
        ENSURE(*at > ' ' && *at < 127, POLKA_MISUSE, error, "bad-token", "%s has a blank, a control or a non-ASCII byte; is it cut from a file with its end of line?", peer->token);
    return POLKA_OK;
}

static void add_header(polkai_http *http, const char *line)
{
    struct curl_slist *longer = curl.slist_append(http->headers, line);
    http->headers = longer != NULL ? longer : http->headers;
}

static void add_headers(polkai_http *http, const char *const *lines)
{
    for (; lines != NULL && *lines != NULL; lines++)
        add_header(http, *lines);
    add_header(http, "Expect:");                         /* no round trip to ask whether a body is welcome */
    if (http->token == NULL)
        return;
    size_t size = strlen(http->token) + sizeof "Authorization: Bearer ";
    char *line = polkai_alloc(size);
    snprintf(line, size, "Authorization: Bearer %s", http->token);
    add_header(http, line);
    free(line);
}

static char *copy(const char *text) { return text == NULL || *text == '\0' ? NULL : polkai_strdup(text); }

polka_status polkai_http_open(polkai_http **out, const polkai_http_options *options, polka_error *error)
{
    const polkai_http_peer *peer = options->peer != NULL ? options->peer : &polkai_http_anybody;
    TRY(check_options(peer, options, error));
    TRY(load(error));
    CURL *easy = curl.easy_init();
    ENSURE(easy != NULL, POLKA_FATAL, error, "no-libcurl", "libcurl makes no handle");
    polkai_http *http = polkai_alloc(sizeof *http);
    *http = (polkai_http){ .easy = easy, .peer = peer, .token = copy(options->token), .ca = copy(options->ca), .certificate = copy(options->certificate),
                           .key = copy(options->key), .connect_ms = options->connect_ms > 0 ? (long)options->connect_ms : CONNECT_MS,
                           .total_ms = options->total_ms > 0 ? (long)options->total_ms : TOTAL_MS,
                           .body_bytes = options->body_bytes > 0 ? options->body_bytes : BODY_BYTES };
    add_headers(http, options->headers);
    *out = http;
    return POLKA_OK;
}

void polkai_http_close(polkai_http *http)
{
    if (http == NULL)
        return;
    curl.easy_cleanup(http->easy);
    curl.slist_free_all(http->headers);
    free(http->token);
    free(http->ca);
    free(http->certificate);
    free(http->key);
    free(http);
}

void polkai_http_stop(polkai_http *http) { atomic_store(&http->stopped, true); }

/* ---- one request ---- */

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    collector *collected = user;
    size_t bytes = size * count;
    if (bytes > collected->limit - collected->body.size) {
        collected->over = true;
        return 0;
    }
    memcpy(polka_buffer_reserve(&collected->body, bytes + 1), data, bytes);
    collected->body.size += bytes;
    return bytes;
}

/* The only header that libcurl does not hand out without following it as it stands. */
static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    collector *collected = user;
    size_t bytes = size * count, name = sizeof "location:" - 1;
    if (bytes > name && strncasecmp(data, "location:", name) == 0) {
        const char *from = data + name, *end = data + bytes;
        while (from < end && *from == ' ')
            from++;
        while (end > from && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
            end--;
        collected->location = polkai_arena_text(collected->arena, from, (size_t)(end - from)).data;
    }
    return bytes;
}

static int look_up(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&((polkai_http *)user)->stopped);
}

static void set_text(polkai_http *http, CURLoption option, const char *text)
{
    if (text != NULL)
        curl.easy_setopt(http->easy, option, text);
}

static void set_limits(polkai_http *http, int64_t left_ms)
{
    CURL *easy = http->easy;
    curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700                      /* a library before that does not know it, and says so, which is no harm */
    curl.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);      /* a name server that does not answer is not waited for when the handle is closed */
#endif
    curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, http->connect_ms);
    curl.easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms > 0 && left_ms < http->total_ms ? (long)left_ms : http->total_ms);
    curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl.easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)http->body_bytes);
    curl.easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl.easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look_up);
    curl.easy_setopt(easy, CURLOPT_XFERINFODATA, http);
    curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, http->words);
}

static void set_trust(polkai_http *http)
{
    CURL *easy = http->easy;
    curl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl.easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    set_text(http, CURLOPT_CAINFO, http->ca);
    set_text(http, CURLOPT_SSLCERT, http->certificate);
    set_text(http, CURLOPT_SSLKEY, http->key);
}

static void set_request(polkai_http *http, const polkai_http_request *request)
{
    CURL *easy = http->easy;
    curl.easy_setopt(easy, CURLOPT_URL, request->url);
    curl.easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
    set_text(http, CURLOPT_PROXY, request->direct ? "" : NULL);
    if (request->body.data != NULL) {
        curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        curl.easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data);
    }
    curl.easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->user == NULL)
        return;
    curl.easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl.easy_setopt(easy, CURLOPT_USERNAME, request->user);
    curl.easy_setopt(easy, CURLOPT_PASSWORD, request->password != NULL ? request->password : "");
}

static bool is_of(const CURLcode *codes, size_t count, CURLcode code)
{
    for (size_t i = 0; i < count; i++)
        if (codes[i] == code)
            return true;
    return false;
}

static bool of_trust(CURLcode code)
{
    static const CURLcode codes[] = { CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
                                      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE };
    return is_of(codes, sizeof codes / sizeof *codes, code);
}

/* It was reached, and the connection ended before its answer did. */
static bool broke_off(CURLcode code)
{
    static const CURLcode codes[] = { CURLE_PARTIAL_FILE, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2,
                                      CURLE_HTTP2_STREAM };
    return is_of(codes, sizeof codes / sizeof *codes, code);
}

/*
 * What a server has against our certificate it says, in TLS 1.3, when the handshake is over for us: that is an alert among the data,
 * or, where we wrote meanwhile, no more than a reset.
 */
static bool may_mind_us(const polkai_http *http, const polkai_http_request *request, CURLcode code)
{
    long status = 0, connects = 0;       /* a connection that has answered before has taken us */
    curl.easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    curl.easy_getinfo(http->easy, CURLINFO_NUM_CONNECTS, &connects);
    return broke_off(code) && status == 0 && connects > 0 && strncasecmp(request->url, "https:", 6) == 0;
}

/* The code is "<peer>-<what>". */
static polka_status fail_as(const polkai_http *http, const char *what, polka_error *error, const char *format, ...) POLKA_PRINTF(4, 5);
static polka_status fail_as(const polkai_http *http, const char *what, polka_error *error, const char *format, ...)
{
    char code[sizeof error->code], message[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(code, sizeof code, "%s-%s", http->peer->code, what);
    return polkai_fail(error, POLKA_TRANSIENT, code, "%s", message);
}

static polka_status failed(const polkai_http *http, const polkai_http_request *request, const collector *collected, CURLcode code, polka_error *error)
{
    const char *words = http->words[0] != '\0' ? http->words : curl.easy_strerror(code);
    if (atomic_load(&http->stopped))
        return polkai_fail(error, POLKA_TRANSIENT, "stopped", "stopped while asking %s", request->url);
    if (collected->over || code == CURLE_FILESIZE_EXCEEDED)
        return fail_as(http, "misbehaves", error, "%s answers with more than %zu bytes; is this the URL of %s?", request->url, http->body_bytes, http->peer->name);
    if (of_trust(code))
        return fail_as(http, "untrusted", error, "%s: %s; %s names who is trusted, %s and %s who we are", request->url, words, http->peer->ca, http->peer->certificate, http->peer->key);
    if (may_mind_us(http, request, code))
        return fail_as(http, "unreachable", error, "%s broke off: %s; over TLS that may be a refusal: %s and %s say who we are", request->url, words,
                       http->peer->certificate, http->peer->key);
    if (broke_off(code))
        return fail_as(http, "unreachable", error, "%s broke off: %s", request->url, words);
    return fail_as(http, "unreachable", error, "cannot reach %s: %s", request->url, words);
}

static const char *text_of(polkai_http *http, CURLINFO info, polka_arena *arena)
{
    char *text = NULL;
    curl.easy_getinfo(http->easy, info, &text);
    return text == NULL ? NULL : polkai_arena_text(arena, text, strlen(text)).data;
}

static void fill(polkai_http *http, collector *collected, polka_arena *arena, polkai_http_answer *answer)
{
    curl_off_t seconds = 0;
    *answer = (polkai_http_answer){ .retry_after_ms = -1, .content_type = text_of(http, CURLINFO_CONTENT_TYPE, arena), .location = collected->location };
    curl.easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &answer->status);
    curl.easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &seconds);       /* seconds or a date: libcurl reads both */
    if (seconds > 0)
        answer->retry_after_ms = seconds < 86400 ? (int64_t)seconds * 1000 : INT64_C(86400000);
    *polka_buffer_reserve(&collected->body, 1) = '\0';
    answer->body = (polka_text){ collected->body.size, (const char *)collected->body.data };
}

polka_status polkai_http_call(polkai_http *http, const polkai_http_request *request, polka_arena *arena, polkai_http_answer *answer, polka_error *error)
{
    collector collected = { .body = { .arena = arena }, .limit = http->body_bytes, .arena = arena };
    curl.easy_reset(http->easy);                         /* keeps connections */
    http->words[0] = '\0';
    set_limits(http, request->left_ms);
    set_trust(http);
    set_request(http, request);
    curl.easy_setopt(http->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl.easy_setopt(http->easy, CURLOPT_WRITEDATA, &collected);
    curl.easy_setopt(http->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl.easy_setopt(http->easy, CURLOPT_HEADERDATA, &collected);
    CURLcode code = atomic_load(&http->stopped) ? CURLE_ABORTED_BY_CALLBACK : curl.easy_perform(http->easy);
    if (code != CURLE_OK)
        return failed(http, request, &collected, code, error);
    fill(http, &collected, arena, answer);
    return POLKA_OK;
}
