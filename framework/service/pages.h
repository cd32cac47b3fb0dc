/* pages.h: what a running service shows over HTTP (http.port): /livez, /readyz, /startupz, /metrics. */
#ifndef POLKA_SERVICE_PAGES_H
#define POLKA_SERVICE_PAGES_H

#include <service/config.h>
#include <service/tracing.h>

typedef struct polkai_pages polkai_pages;

/*
 * polkai_pages_open: *pages is NULL when http.port is off. Logs where they are. The flow, made and perhaps not started yet, and trace
 * (NULL is fine) stay until they are closed. errors: as polkai_http_server_start.
 */
polka_status polkai_pages_open(polkai_pages **pages, const polkai_config *config, polkai_flow *flow, const polkai_trace *trace, const polkai_log *log,
                               polka_error *error);
void polkai_pages_close(polkai_pages *pages);            /* NULL is fine */

#endif
