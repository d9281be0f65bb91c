#include "scrape_request.h"

#include <stdbool.h>
#include <string.h>

/* The head ends with an empty line; bare LF is accepted (RFC 9112, 2.2). */
static bool scrape_request_complete(struct bytes in)
{
	for (size_t i = 0; i + 1 < in.n; i++) {
		if (in.p[i] != '\n')
			continue;
		if (in.p[i + 1] == '\n' ||
		    (in.p[i + 1] == '\r' && i + 2 < in.n && in.p[i + 2] == '\n'))
			return true;
	}
	return false;
}

/* Takes the bytes up to c out of *line; no bytes when there is no c. */
static struct bytes scrape_request_word(struct bytes *line, char c)
{
	const uint8_t *end = line->n ? memchr(line->p, c, line->n) : NULL;
	if (!end)
		return (struct bytes){0};
	struct bytes w = bytes_of(line->p, (size_t)(end - line->p));
	*line = bytes_of(end + 1, line->n - w.n - 1);
	return w;
}

int scrape_request_status(struct bytes in)
{
	if (!scrape_request_complete(in))
		return in.n >= SCRAPE_REQUEST_MAX ? 431 : 0;
	struct bytes line = scrape_request_word(&in, '\n');
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	struct bytes method = scrape_request_word(&line, ' '),
		     target = scrape_request_word(&line, ' ');
	if (!method.n || !target.n ||
	    (!bytes_eq(line, bytes_str("HTTP/1.1")) && !bytes_eq(line, bytes_str("HTTP/1.0"))))
		return 400;
	if (!bytes_eq(method, bytes_str("GET")))
		return 405;
	struct bytes rest = target, path = scrape_request_word(&rest, '?');
	return bytes_eq(path.p ? path : target, bytes_str("/metrics")) ? 200 : 404;
}

int scrape_response_head(int status, size_t body_n, struct buf *out)
{
	static const struct {
		int status;
		const char *text;
	} known[] = {
		{200, "OK"},
		{404, "Not Found"},
		{405, "Method Not Allowed\r\nAllow: GET"},
		{431, "Request Header Fields Too Large"},
		{503, "Service Unavailable"},
	};
	const char *text = "Bad Request";
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].status == status)
			text = known[i].text;
	return buf_addf(
		out,
		"HTTP/1.1 %d %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n",
		status, text, body_n);
}
