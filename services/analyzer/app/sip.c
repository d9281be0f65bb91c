/*
 * sip: SIP requests and responses (RFC 3261), RTSP (RFC 2326, RFC 7826) and SSDP (UPnP Device
 * Architecture 1.1): text in the manner of HTTP, told apart by its first line.
 */
#include "app/recognisers.h"

#include <string.h>

static bool is_token(struct bytes b)
{
	if (b.n == 0 || b.n > 24)
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (!is_upper(b.p[i]) && b.p[i] != '-' && b.p[i] != '_')
			return false;
	return true;
}

/* A first line "METHOD target VERSION…", or "METHOD VERSION…" as sloppy scanners write it. */
static bool first_line(struct cur *c, const char *version, struct bytes *method,
		       struct bytes *target)
{
	struct bytes line;

	while (cur_peek(c, 0) == '\r' || cur_peek(c, 0) == '\n')
		cur_skip(c, 1);
	if (!is_upper(cur_peek(c, 0)) || !text_line(c, &line, NULL))
		return false;
	line = text_trim(line);
	const uint8_t *blank = line.n ? memrchr(line.p, ' ', line.n) : NULL;
	if (!blank || !text_starts(text_from(line, (size_t)(blank + 1 - line.p)), version))
		return false;
	line = text_upto(line, (size_t)(blank - line.p));
	*method = text_word(&line);
	*target = text_word(&line);
	return is_token(*method) && target->n && line.n == 0;
}

bool app_sip(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct bytes method, uri = {NULL, 0}, line;
	struct fields f;

	if (text_starts(in->init, "SIP/2.0 ")) {
		(void)text_line(&c, &line, NULL);
		line = text_from(line, 8);
		method = text_word(&line);
		size_t digits;
		(void)text_number(method, &digits);
		if (digits != 3 || method.n != 3)
			return false;
	} else if (!first_line(&c, "SIP/2.0", &method, &uri)) {
		return false;
	}
	struct msg_sip *s = app_part(a, sip);
	if (!s)
		return true;
	fields_read(&c, a, &f);
	struct bytes from = fields_get(&f, "From"), to = fields_get(&f, "To"),
		     id = fields_get(&f, "Call-ID");
	*s = (struct msg_sip){
		.method = method,
		.uri = uri,
		.from = from.p ? from : fields_get(&f, "f"), /* compact forms: RFC 3261 7.3.3 */
		.to = to.p ? to : fields_get(&f, "t"),
		.call_id = id.p ? id : fields_get(&f, "i"),
		.user_agent = fields_get(&f, "User-Agent"),
	};
	rec->sip = s;
	return true;
}

bool app_rtsp(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct bytes method, uri;
	struct fields f;

	if (!first_line(&c, "RTSP/", &method, &uri))
		return false;
	struct msg_request *r = app_part(a, request);
	if (!r)
		return true;
	fields_read(&c, a, &f);
	*r = (struct msg_request){
		.method = method,
		.uri = uri,
		.user_agent = fields_get(&f, "User-Agent"),
		.headers = {f.v, f.n},
	};
	rec->rtsp = r;
	return true;
}

bool app_ssdp(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct bytes method, target;
	struct fields f;
	size_t digits;

	if (!text_starts(in->init, "M-SEARCH *") && !text_starts(in->init, "NOTIFY *"))
		return false;
	if (!first_line(&c, "HTTP/", &method, &target))
		return false;
	struct msg_ssdp *s = app_part(a, ssdp);
	if (!s)
		return true;
	fields_read(&c, a, &f);
	struct bytes st = fields_get(&f, "ST");
	*s = (struct msg_ssdp){
		.method = method,
		.st = st.p ? st : fields_get(&f, "NT"),
		.man = fields_get(&f, "MAN"),
		.mx_s = text_number(fields_get(&f, "MX"), &digits),
		.user_agent = fields_get(&f, "User-Agent"),
	};
	rec->ssdp = s;
	return true;
}
