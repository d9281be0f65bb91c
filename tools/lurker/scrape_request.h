/*
 * scrape_request: as much of HTTP/1 as a scraper speaks: the request GET /metrics and the
 * response's head.
 */
#ifndef LURKER_SCRAPE_REQUEST_H
#define LURKER_SCRAPE_REQUEST_H

#include "proto/buf.h"

#define SCRAPE_REQUEST_MAX 4096

/* scrape_request_status: looks at the bytes received so far. 0: the head of the request is
 * incomplete (and shorter than SCRAPE_REQUEST_MAX bytes). Otherwise the status of the response: 200
 * for GET /metrics; 400, 404, 405; 431 for a head that is too large. Further bytes never change
 * it. */
int scrape_request_status(struct bytes in);

/* scrape_response_head: appends the status line and the headers of a response with body_n bytes,
 * after which the connection is closed. 0 or what buf_addf returns. */
int scrape_response_head(int status, size_t body_n, struct buf *out);

#endif
