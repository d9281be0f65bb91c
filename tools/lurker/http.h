/*
 * http: as much of HTTP/1 as a scraper speaks: is this request for GET /metrics?
 */
#ifndef LURKER_HTTP_H
#define LURKER_HTTP_H

#include "proto/buf.h"

#define HTTP_REQUEST_MAX 4096

/* http_request: looks at the bytes received so far. 0: the head is not complete (fewer than
 * HTTP_REQUEST_MAX bytes); else the status to answer with: 200 for GET /metrics, 400, 404, 405, or
 * 431 for a head that is too large. */
int http_request(struct bytes in);

/* http_head: appends status line and headers of an answer with body_n bytes, after which the
 * connection is closed. 0 or what buf_add says. */
int http_head(int status, size_t body_n, struct buf *out);

#endif
