/*
 * http: HTTP requests of a service, by libcurl's multi interface on its loop.
 *
 * Any number of requests up to the limit are under way at once over reused connections. TLS is
 * verified, redirects are not followed, responses are bounded. With credentials a request is signed
 * (AWS SigV4, by libcurl).
 */
#ifndef CLOUD_HTTP_CLIENT_H
#define CLOUD_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

struct http;
struct loop;
struct creds;

/* System calls that libcurl, its resolver and TLS need beyond the runtime's, for svc_desc.calls. */
#define HTTP_CALLS                                                                              \
	"socketpair", "sendmmsg", "sendmsg", "ioctl", "uname", "shutdown", "geteuid", "getuid", \
		"getegid", "getgid"

struct http_conf {
	size_t calls;        /* requests at once */
	const char *ca_file; /* PEM; NULL: the system's */
	int64_t connect_ms;
	int64_t stall_s;     /* so long below 100 bytes a second ends a request */
	size_t response_max; /* bytes of a response's body that are kept */
};

/* What came back. Valid during the callback. */
struct http_response {
	int curl;          /* CURLcode; 0: there is a status */
	const char *error; /* with curl: what happened */
	long status;
	struct bytes body; /* NUL-terminated beyond its end; cut at response_max */
	uint64_t date_s;   /* Date header; 0: none */
	uint64_t wait_ns;  /* Retry-After, at most 5 minutes; 0: none */
	char region[32];   /* x-amz-bucket-region; empty: none */
	bool cut; /* the body had more than the request's into_max bytes; curl says so too */
	const void *call; /* for http_header */
};

typedef void (*http_fn)(void *arg, const struct http_response *a);

#define HTTP_HEADERS_MAX 16

/* Everything but body and fd is copied. */
struct http_request {
	const char *method; /* GET, PUT, POST */
	const char *url;
	const char *headers[HTTP_HEADERS_MAX + 1]; /* "Name: value"; NULL ends them */
	struct bytes body;                         /* borrowed until the response */
	int fd; /* with fd_bytes: the body is in this file; borrowed */
	uint64_t fd_bytes;
	bool from_fd;
	/* With into: the body of a 200 response is written to this file, from its beginning, and is
	 * not in the response; borrowed. More than into_max bytes end the request. */
	bool into;
	int into_fd;
	uint64_t into_max;
	/* A long poll: it may be silent for so long beyond the usual; -1: for ever. */
	int64_t patience_s;
	bool once;   /* must not be done twice: goes over a new connection, because libcurl sends
			again what a reused one took without a response */
	bool direct; /* a link-local service: never through a proxy; short timeouts, unless it is
			given patience */
	/* Signing; creds NULL: none. sha256: hex, of the body (computed when NULL and the body is
	 * in memory). */
	const struct creds *creds;
	const char *service, *region, *sha256;
	http_fn done;
	void *arg;
};

/* http_new: 0 or -errno. conf is copied, its strings are borrowed. */
int http_new(struct loop *l, const struct http_conf *conf, struct http **out);
/* http_free: what is under way ends without a callback. Before the loop is freed. */
void http_free(struct http **h);

/* http_send: begins the request; done is called later, never from within. 0; -EBUSY when `calls`
 * requests are under way; -E2BIG for too many headers; -ENOMEM. */
int http_send(struct http *h, const struct http_request *r);

/* http_header: a header of the response, or NULL. Valid until the next http_send. */
const char *http_header(const struct http_response *a, const char *name);

/* http_cancel: ends the requests that would be answered to done and arg, without that. */
void http_cancel(struct http *h, http_fn done, const void *arg);

/* http_drain: runs the requests under way, for at most ms. */
void http_drain(struct http *h, int ms);

/* http_escape: percent-encodes everything but unreserved characters (RFC 3986 2.3), upper-case hex;
 * '/' stays when slash is set. Appends to out. */
int http_escape(struct buf *out, const char *text, bool slash);

#endif
