/*
 * snmp: SNMP 1, 2c (RFC 1157, RFC 3416) and 3 (RFC 3412).
 */
#include "app/ber.h"
#include "app/recognisers.h"

#include <stdio.h>

enum { SEQUENCE = 0x30, INTEGER = 2, OCTETS = 4, OID = 6 };

static const char *const pdus[] = {"get",     "getnext", "response", "set",   "trap",
				   "getbulk", "inform",  "trap2",    "report"};

static struct bytes oid_text(struct msg_arena *a, struct cur c)
{
	char text[256];
	size_t n = 0;
	uint32_t arc = 0;
	bool first = true;

	while (cur_left(&c) && n < sizeof text - 24) {
		uint8_t b = cur_u8(&c);
		arc = arc << 7 | (b & 0x7f);
		if (b & 0x80)
			continue;
		if (first) { /* X.690 8.19.4 */
			uint32_t top = arc < 80 ? arc / 40 : 2;
			n += (size_t)snprintf(text + n, sizeof text - n, "%u.%u", top,
					      arc - top * 40);
		} else {
			n += (size_t)snprintf(text + n, sizeof text - n, ".%u", arc);
		}
		first = false;
		arc = 0;
	}
	return n ? arena_copy(a, bytes_of(text, n)) : (struct bytes){NULL, 0};
}

bool app_snmp(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init), message, field, pdu, list, bind;

	if (in->init.p[0] != SEQUENCE || ber_next(&c, &message, NULL) != SEQUENCE)
		return false;
	uint32_t version = ber_uint(&message, INTEGER);
	if (message.bad || !(version <= 1 || version == 3))
		return false;
	struct msg_snmp s = {.version = bytes_str(version == 3 ? "3" : version == 1 ? "2c" : "1")};
	int tag = ber_next(&message, &field, NULL);
	if (version == 3) {
		if (tag != SEQUENCE)
			return false;
		(void)ber_uint(&field, INTEGER); /* message ID */
		(void)ber_uint(&field, INTEGER); /* largest size */
		if (field.bad)
			return false;
	} else {
		if (tag != OCTETS)
			return false;
		s.community = cur_rest(&field);
		tag = ber_next(&message, &pdu, NULL);
		if (tag < 0xa0 || tag > 0xa8)
			return false;
		s.pdu = bytes_str(pdus[tag - 0xa0]);
		if (tag != 0xa4) { /* a version 1 trap is built differently */
			for (int i = 0; i < 3; i++)
				(void)ber_uint(&pdu, INTEGER);
			if (pdu.bad || ber_next(&pdu, &list, NULL) != SEQUENCE)
				return false;
			if (ber_next(&list, &bind, NULL) == SEQUENCE &&
			    ber_next(&bind, &field, NULL) == OID)
				s.oid = oid_text(a, field);
		}
	}
	struct msg_snmp *part = app_part(a, snmp);
	if (part)
		*part = s;
	rec->snmp = part;
	return true;
}
