#include "cloud/http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "cloud/aws_time.h"
#include "cloud/creds.h"
#include "cloud/retry.h"
#include "rt/loop.h"

#define WAIT_MAX_NS 300000000000u
#define SLOW_BYTES  100L /* a second */
/* A file up to this size is sent from memory, in one go with the head of the request. */
#define SMALL_BODY (1u << 15)
/* Link-local services answer at once, or are not there. */
#define DIRECT_CONNECT_MS 2000L
#define DIRECT_TOTAL_MS   5000L

struct call {
	CURL *easy;
	struct http *http;
	struct curl_slist *headers;
	struct buf response, small;
	struct bytes body;
	int fd;
	uint64_t at, size; /* of the body */
	int into_fd;
	uint64_t into_n, into_max;
	bool from_fd, into, cut, busy;
	char error[CURL_ERROR_SIZE];
	http_fn done;
	void *arg;
};

struct http {
	struct loop *loop;
	struct http_conf conf;
	CURLM *multi;
	int epoll; /* libcurl's sockets; one descriptor of the loop's table for all of them */
	struct call *calls;
	uint64_t due_ns;
};

int http_escape(struct buf *out, const char *text, bool slash)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	for (; *text; text++) {
		if (strchr(plain, *text) || (slash && *text == '/'))
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned)(uint8_t)*text);
	}
	return out->rc;
}

static bool into_file(struct call *c, const char *p, size_t n)
{
	c->cut = n > c->into_max - c->into_n;
	while (!c->cut && n) {
		ssize_t put = pwrite(c->into_fd, p, n, (off_t)c->into_n);
		if (put <= 0) {
			snprintf(c->error, sizeof c->error, "cannot write the response to disk: %s",
				 strerror(errno));
			return false;
		}
		p += put;
		n -= (size_t)put;
		c->into_n += (uint64_t)put;
	}
	return !c->cut;
}

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
	struct call *c = arg;
	size_t room = c->http->conf.response_max - c->response.n;
	long status = 0;
	(void)one;
	if (c->into)
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return into_file(c, p, n) ? n : 0;
	/* The rest is read and dropped, so that the connection can be used again. */
	if (buf_add(&c->response, p, n < room ? n : room) != 0)
		return 0;
	return n;
}

static size_t give_body(char *p, size_t one, size_t n, void *arg)
{
	struct call *c = arg;
	uint64_t left = c->size - c->at;
	(void)one;
	if (n > left)
		n = (size_t)left;
	if (c->from_fd) {
		ssize_t got = pread(c->fd, p, n, (off_t)c->at);
		if (got < 0 || (got == 0 && n > 0))
			return CURL_READFUNC_ABORT;
		n = (size_t)got;
	} else if (n) {
		memcpy(p, c->body.p + c->at, n);
	}
	c->at += n;
	return n;
}

/* libcurl sends a body again when a reused connection turns out to be dead. */
static int seek_body(void *arg, curl_off_t to, int origin)
{
	struct call *c = arg;
	if (origin != SEEK_SET || to < 0 || (uint64_t)to > c->size)
		return CURL_SEEKFUNC_FAIL;
	c->at = (uint64_t)to;
	return CURL_SEEKFUNC_OK;
}

const char *http_header(const struct http_response *a, const char *name)
{
	const struct call *c = a->call;
	struct curl_header *h;
	return curl_easy_header(c->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value
										     : NULL;
}

static void finish(struct call *c, CURLcode rc)
{
	struct http_response a = {
		.curl = (int)rc, .call = c, .cut = c->cut || rc == CURLE_FILESIZE_EXCEEDED};
	uint64_t now_s = clock_real_ns() / 1000000000u;
	const char *text;
	if (rc)
		a.error = c->error[0] ? c->error : curl_easy_strerror(rc);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &a.status);
	if ((text = http_header(&a, "date")) && aws_time_http(text, &a.date_s) != 0)
		a.date_s = 0;
	if ((text = http_header(&a, "retry-after")))
		a.wait_ns = retry_after_ns(text, a.date_s ? a.date_s : now_s, WAIT_MAX_NS);
	if ((text = http_header(&a, "x-amz-bucket-region")))
		snprintf(a.region, sizeof a.region, "%s", text);
	buf_addc(&c->response, '\0');
	a.body = bytes_of(c->response.p, c->response.n ? c->response.n - 1 : 0);
	curl_multi_remove_handle(c->http->multi, c->easy);
	curl_slist_free_all(c->headers);
	c->headers = NULL;
	/* The response's bytes stay until this call is used again, which done() may do at once. */
	struct buf mine = c->response;
	buf_init(&c->response, c->response.limit);
	c->busy = false;
	c->done(c->arg, &a);
	buf_fini(&mine);
}

static void collect(struct http *h)
{
	CURLMsg *m;
	int left;
	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct call *c = NULL;
		CURLcode rc = m->data.result;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		finish(c, rc);
	}
}

static void on_timer(void *arg)
{
	struct http *h = arg;
	int running;
	h->due_ns = UINT64_MAX;
	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(h);
}

static void on_sockets(void *arg)
{
	struct http *h = arg;
	struct epoll_event e[32];
	int running, n = epoll_wait(h->epoll, e, 32, 0);
	for (int i = 0; i < n; i++) {
		int what = ((e[i].events & EPOLLIN) ? CURL_CSELECT_IN : 0) |
			   ((e[i].events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
			   ((e[i].events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
		curl_multi_socket_action(h->multi, e[i].data.fd, what, &running);
	}
	collect(h);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct http *h = arg;
	struct epoll_event e = {.data.fd = fd};
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, &e);
		return 0;
	}
	e.events =
		((what & CURL_POLL_IN) ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u);
	if (epoll_ctl(h->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) != 0)
		return -1;
	curl_multi_assign(h->multi, fd, h);
	return 0;
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;
	(void)multi;
	h->due_ns = ms < 0 ? UINT64_MAX : clock_mono_ns() + (uint64_t)ms * 1000000u;
	return loop_at(h->loop, h->due_ns, on_timer, h) == 0 ? 0 : -1;
}

int http_new(struct loop *l, const struct http_conf *conf, struct http **out)
{
	struct http *h = calloc(1, sizeof *h);
	int rc = -ENOMEM;
	if (!h)
		return rc;
	h->loop = l;
	h->conf = *conf;
	h->epoll = -1;
	if (curl_global_init(CURL_GLOBAL_ALL) != 0)
		goto fail;
	h->multi = curl_multi_init();
	h->calls = calloc(conf->calls, sizeof *h->calls);
	if (!h->multi || !h->calls)
		goto fail;
	for (size_t i = 0; i < conf->calls; i++) {
		h->calls[i].http = h;
		buf_init(&h->calls[i].response, conf->response_max + 1);
		buf_init(&h->calls[i].small, SMALL_BODY + 1);
		if (!(h->calls[i].easy = curl_easy_init()))
			goto fail;
	}
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	rc = h->epoll < 0 ? -errno : loop_fd(l, h->epoll, on_sockets, h);
	if (rc)
		goto fail;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)conf->calls);
	*out = h;
	return 0;
fail:
	http_free(&h);
	return rc;
}

void http_free(struct http **hp)
{
	struct http *h = *hp;
	if (!h)
		return;
	for (size_t i = 0; h->calls && i < h->conf.calls; i++) {
		struct call *c = &h->calls[i];
		if (c->busy)
			curl_multi_remove_handle(h->multi, c->easy);
		curl_easy_cleanup(c->easy);
		curl_slist_free_all(c->headers);
		buf_fini(&c->response);
		buf_fini(&c->small);
	}
	curl_multi_cleanup(h->multi);
	if (h->epoll >= 0) {
		loop_forget_fd(h->loop, h->epoll);
		close(h->epoll);
	}
	loop_at(h->loop, UINT64_MAX, on_timer, h);
	free(h->calls);
	free(h);
	*hp = NULL;
}

static int add_header(struct call *c, const char *line)
{
	struct curl_slist *more = curl_slist_append(c->headers, line);
	if (!more)
		return -ENOMEM;
	c->headers = more;
	return 0;
}

static int set_headers(struct call *c, const struct http_request *r)
{
	int rc = 0;
	for (size_t i = 0; !rc && r->headers[i]; i++)
		rc = i == HTTP_HEADERS_MAX ? -E2BIG : add_header(c, r->headers[i]);
	return rc;
}

/* libcurl signs all headers of the list; the payload's hash has to be one of them. */
static int sign(struct call *c, const struct http_request *r)
{
	char line[CREDS_TOKEN_MAX + 32], sum[65];
	uint8_t digest[32];
	const char *sha256 = r->sha256;
	if (!sha256) {
		if (EVP_Digest(r->body.p ? r->body.p : (const uint8_t *)"", r->body.n, digest, NULL,
			       EVP_sha256(), NULL) != 1)
			return -ENOMEM;
		for (size_t i = 0; i < sizeof digest; i++)
			sprintf(sum + 2 * i, "%02x", digest[i]);
		sha256 = sum;
	}
	snprintf(line, sizeof line, "x-amz-content-sha256: %s", sha256);
	int rc = add_header(c, line);
	if (!rc && r->creds->token[0]) {
		snprintf(line, sizeof line, "x-amz-security-token: %s", r->creds->token);
		rc = add_header(c, line);
	}
	snprintf(line, sizeof line, "aws:amz:%s:%s", r->region, r->service);
	curl_easy_setopt(c->easy, CURLOPT_AWS_SIGV4, line);
	curl_easy_setopt(c->easy, CURLOPT_USERNAME, r->creds->key_id);
	curl_easy_setopt(c->easy, CURLOPT_PASSWORD, r->creds->secret);
	return rc;
}

/* libcurl sends fields together with the head; a body from a callback only after the server's "100
 * Continue". */
static void set_fields(struct call *c, struct bytes body)
{
	curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
	/* In place: libcurl's signing looks at the fields; ours gives it the hash. */
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body.n ? (const char *)body.p : "");
}

static int read_small(struct call *c)
{
	uint8_t *p = buf_room(&c->small, c->size + 1);
	while (p && c->small.n < c->size) {
		ssize_t n = pread(c->fd, p + c->small.n, c->size - c->small.n, (off_t)c->small.n);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		c->small.n += (size_t)n;
	}
	return p ? 0 : -ENOMEM;
}

static int set_body(struct call *c, const struct http_request *r)
{
	c->body = r->body;
	c->fd = r->fd;
	c->from_fd = r->from_fd;
	c->into = r->into;
	c->into_fd = r->into_fd;
	c->into_max = r->into_max;
	c->into_n = 0;
	c->cut = false;
	if (r->into)
		curl_easy_setopt(c->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->into_max);
	c->at = 0;
	c->size = r->from_fd ? r->fd_bytes : r->body.n;
	buf_reset(&c->small);
	if (strcmp(r->method, "GET") == 0)
		return 0;
	if (strcmp(r->method, "POST") == 0) {
		set_fields(c, r->body);
		return 0;
	}
	curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method);
	if (r->from_fd && c->size <= SMALL_BODY) {
		int rc = read_small(c);
		set_fields(c, buf_bytes(&c->small));
		return rc;
	}
	curl_easy_setopt(c->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->size);
	curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, seek_body);
	curl_easy_setopt(c->easy, CURLOPT_SEEKDATA, c);
	return 0;
}

static void set_common(struct call *c, const struct http_request *r)
{
	const struct http_conf *conf = &c->http->conf;
	CURL *e = c->easy;
	curl_easy_reset(e);
	c->error[0] = '\0';
	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "lurker/" LURKER_VERSION);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	if (conf->ca_file && *conf->ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, conf->ca_file);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)conf->connect_ms);
	if (r->patience_s >= 0) {
		curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
		curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)(conf->stall_s + r->patience_s));
	}
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	if (r->once)
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	if (r->direct)
		curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	if (r->direct && !r->patience_s) {
		curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, DIRECT_CONNECT_MS);
		curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, DIRECT_TOTAL_MS);
	}
}

int http_send(struct http *h, const struct http_request *r)
{
	struct call *c = NULL;
	for (size_t i = 0; !c && i < h->conf.calls; i++)
		if (!h->calls[i].busy)
			c = &h->calls[i];
	if (!c)
		return -EBUSY;
	set_common(c, r);
	c->done = r->done;
	c->arg = r->arg;
	int rc = set_body(c, r);
	if (!rc)
		rc = set_headers(c, r);
	if (!rc && r->creds)
		rc = sign(c, r);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	if (!rc && curl_multi_add_handle(h->multi, c->easy) != CURLM_OK)
		rc = -ENOMEM;
	if (rc) {
		curl_slist_free_all(c->headers);
		c->headers = NULL;
		return rc;
	}
	c->busy = true;
	return 0;
}

void http_cancel(struct http *h, http_fn done, const void *arg)
{
	for (size_t i = 0; i < h->conf.calls; i++) {
		struct call *c = &h->calls[i];
		if (!c->busy || c->done != done || c->arg != arg)
			continue;
		curl_multi_remove_handle(h->multi, c->easy);
		curl_slist_free_all(c->headers);
		c->headers = NULL;
		buf_fini(&c->response);
		buf_init(&c->response, h->conf.response_max + 1);
		c->busy = false;
	}
}

static bool under_way(const struct http *h)
{
	for (size_t i = 0; i < h->conf.calls; i++)
		if (h->calls[i].busy)
			return true;
	return false;
}

void http_drain(struct http *h, int ms)
{
	uint64_t end = clock_mono_ns() + (uint64_t)ms * 1000000u, now;
	while (under_way(h) && (now = clock_mono_ns()) < end) {
		struct epoll_event e;
		uint64_t next = h->due_ns < end ? h->due_ns : end;
		int wait = next > now ? (int)((next - now) / 1000000u) + 1 : 0;
		epoll_wait(h->epoll, &e, 1, wait);
		on_sockets(h);
		if (h->due_ns <= clock_mono_ns())
			on_timer(h);
	}
}
