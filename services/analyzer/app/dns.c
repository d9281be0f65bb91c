/*
 * dns: DNS messages (RFC 1035), over UDP or with TCP's length in front. Claimed only when every
 * record of the message parses to its end.
 */
#include "app/recognisers.h"

#include <string.h>

#define MAX_RECORDS 64
#define MAX_NAME    255

static const struct {
	uint16_t code;
	const char *name;
} types[] = {
	{1, "A"},       {2, "NS"},     {5, "CNAME"},  {6, "SOA"},    {12, "PTR"},
	{13, "HINFO"},  {15, "MX"},    {16, "TXT"},   {28, "AAAA"},  {33, "SRV"},
	{35, "NAPTR"},  {41, "OPT"},   {43, "DS"},    {46, "RRSIG"}, {47, "NSEC"},
	{48, "DNSKEY"}, {64, "SVCB"},  {65, "HTTPS"}, {99, "SPF"},   {249, "TKEY"},
	{250, "TSIG"},  {251, "IXFR"}, {252, "AXFR"}, {255, "ANY"},  {257, "CAA"},
};

static struct bytes type_name(struct msg_arena *a, const struct app_in *in, uint16_t type)
{
	if (in->dst_port == 137 && (type == 32 || type == 33)) /* RFC 1002 4.2.1.3 */
		return bytes_str(type == 32 ? "NB" : "NBSTAT");
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].code == type)
			return bytes_str(types[i].name);
	return arena_printf(a, "TYPE%u", type);
}

/* Reads a name; its labels, joined by dots, go to text (may be NULL). Pointers are checked to point
 * back, not followed. */
static bool name(struct cur *c, uint8_t *text, size_t *n)
{
	size_t len = 0;

	for (;;) {
		size_t at = c->at;
		uint8_t l = cur_u8(c);
		if (c->bad)
			return false;
		if (l == 0)
			break;
		if (l >= 0xc0) {
			size_t to = (size_t)(l & 0x3f) << 8 | cur_u8(c);
			if (c->bad || to >= at)
				return false;
			break;
		}
		struct bytes label = cur_take(c, l);
		if (l > 63 || !label.p || len + l + 1 > MAX_NAME)
			return false;
		if (text) {
			if (len)
				text[len - 1] = '.';
			memcpy(text + len, label.p, l);
		}
		len += l + 1u;
	}
	if (n)
		*n = len ? len - 1 : 0;
	return true;
}

static bool known_class(uint16_t class)
{
	class &= 0x7fff; /* mDNS's top bit (RFC 6762 5.4) */
	return (class >= 1 && class <= 4) || class == 254 || class == 255;
}

/* One whole message. */
static bool message(const struct app_in *in, struct cur c, struct msg_arena *a, struct msg_dns *d)
{
	uint8_t text[MAX_NAME];
	size_t len;

	cur_skip(&c, 2); /* ID */
	uint16_t flags = cur_u16(&c);
	size_t questions = cur_u16(&c), records = 0;
	for (int i = 0; i < 3; i++)
		records += cur_u16(&c);
	d->opcode = flags >> 11 & 15;
	d->response = flags >> 15;
	d->recursion = flags >> 8 & 1;
	d->questions = questions;
	if (c.bad || (flags & 0x40) || d->opcode == 3 || d->opcode > 6 ||
	    questions + records > MAX_RECORDS)
		return false;
	if (questions + records == 0) /* a server status request, as scanners send it */
		return d->opcode == 2 && cur_left(&c) == 0;
	for (size_t i = 0; i < questions; i++) {
		bool ok = name(&c, text, &len);
		uint16_t type = cur_u16(&c), class = cur_u16(&c);
		if (!ok || c.bad || !known_class(class) || type == 0)
			return false;
		if (i > 0)
			continue;
		d->name = len ? arena_copy(a, bytes_of(text, len)) : bytes_str(".");
		d->type = type_name(a, in, type);
		class &= 0x7fff;
		if (class != 1)
			d->class = class == 3     ? bytes_str("CH")
				   : class == 4   ? bytes_str("HS")
				   : class == 255 ? bytes_str("ANY")
						  : arena_printf(a, "CLASS%u", class);
	}
	for (size_t i = 0; i < records; i++) {
		bool ok = name(&c, NULL, NULL);
		uint16_t type = cur_u16(&c), class = cur_u16(&c);
		cur_skip(&c, 4);
		cur_skip(&c, cur_u16(&c));
		if (!ok || c.bad)
			return false;
		if (type == 41)
			d->edns_bytes = class;
		else if (!known_class(class))
			return false;
	}
	return cur_left(&c) == 0;
}

bool app_dns(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct msg_dns *d = app_part(a, dns);

	if (in->proto == APP_TCP)
		c = cur_sub(&c, cur_u16(&c));
	if (!d || c.bad || cur_left(&c) < 12 || !message(in, c, a, d))
		return false;
	rec->dns = d;
	return true;
}
