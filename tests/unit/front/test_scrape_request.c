#include <criterion/criterion.h>
#include <string.h>

#include "scrape_request.h"

Test(scrape_request, one_request_is_served_and_every_other_has_its_answer)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{"", 0},
		{"\n", 0},
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n", 0},
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n\r", 0},
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		{"GET /metrics HTTP/1.0\n\n", 200},
		{"GET /metrics?name[]=a HTTP/1.1\r\n\r\n", 200},
		{"GET /metrics?name[]=a HTTP/2.0\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n\r\n", 404},
		{"GET /metricsx HTTP/1.1\r\n\r\n", 404},
		{"GET /metric HTTP/1.1\r\n\r\n", 404},
		{"HEAD /metrics HTTP/1.1\r\n\r\n", 405},
		{"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", 405},
		{"GET /metrics\r\n\r\n", 400},
		{"GET  /metrics HTTP/1.1\r\n\r\n", 400},
		{"\r\n\r\n", 400},
		{"\n\n", 400},
		{"\x16\x03\x01\n\n", 400},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(scrape_request_status(bytes_str(cases[i].text)), cases[i].status, "%s",
			     cases[i].text);
	char filled[SCRAPE_REQUEST_MAX];
	memset(filled, 'x', sizeof filled);
	cr_expect_eq(scrape_request_status(bytes_of(filled, sizeof filled - 1)), 0);
	cr_expect_eq(scrape_request_status(bytes_of(filled, sizeof filled)), 431);
}

Test(scrape_request, heads)
{
	struct buf b;
	buf_init(&b, 4096);
	cr_expect_eq(scrape_response_head(405, 12, &b), 0);
	buf_addc(&b, '\0');
	cr_expect(strstr((char *)b.p, "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n"));
	cr_expect(strstr((char *)b.p, "\r\nContent-Length: 12\r\nConnection: close\r\n\r\n"));
	buf_reset(&b);
	cr_expect_eq(scrape_response_head(499, 0, &b), 0);
	buf_addc(&b, '\0');
	cr_expect(strstr((char *)b.p, "499 Bad Request"));
	buf_fini(&b);
}
