/*
 * scrape_request: as much of HTTP/1 as a scraper speaks: is this request for GET /metrics?
 */
#ifndef LURKER_SCRAPE_REQUEST_H
#define LURKER_SCRAPE_REQUEST_H

#include "proto/buf.h"

#define SCRAPE_REQUEST_MAX 4096

/* scrape_request_status: looks at the bytes received so far. 0: the head is not complete (fewer than
 * SCRAPE_REQUEST_MAX bytes); else the status to answer with: 200 for GET /metrics, 400, 404, 405, or
 * 431 for a head that is too large. */
int scrape_request_status(struct bytes in);

/* scrape_response_head: appends status line and headers of an answer with body_n bytes, after which the
 * connection is closed. 0 or what buf_add says. */
int scrape_response_head(int status, size_t body_n, struct buf *out);

#endif
