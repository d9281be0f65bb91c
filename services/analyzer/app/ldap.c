/*
 * ldap: LDAP requests (RFC 4511), over TCP or, connectionless, UDP.
 */
#include "app/ber.h"
#include "app/recognisers.h"

enum { SEQUENCE = 0x30, INTEGER = 2, OCTETS = 4, SIMPLE = 0x80 };

static const struct {
	int tag;
	const char *name;
} operations[] = {
	{0x60, "bind"},    {0x42, "unbind"},   {0x63, "search"},    {0x66, "modify"},
	{0x68, "add"},     {0x4a, "delete"},   {0x6c, "modify_dn"}, {0x6e, "compare"},
	{0x50, "abandon"}, {0x77, "extended"},
};

bool app_ldap(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init), message = {0}, op = {0}, field = {0};
	const char *name = NULL;
	bool cut;

	if (in->init.p[0] != SEQUENCE || ber_next(&c, &message, &cut) != SEQUENCE)
		return false;
	(void)ber_uint(&message, INTEGER); /* message ID */
	int tag = ber_next(&message, &op, &cut);
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (operations[i].tag == tag)
			name = operations[i].name;
	if (!name)
		return false;
	struct msg_ldap l = {.operation = bytes_str(name)};
	if (tag == 0x60) {
		l.version = ber_uint(&op, INTEGER);
		if (ber_next(&op, &field, NULL) != OCTETS || l.version < 1 || l.version > 9)
			return false;
		l.dn = cur_rest(&field);
		if (ber_next(&op, &field, NULL) == SIMPLE && l.dn.n)
			app_login(a, rec, l.dn, cur_rest(&field), "simple");
	} else if (tag == 0x63) {
		if (ber_next(&op, &field, NULL) != OCTETS)
			return false;
		l.dn = cur_rest(&field);
		if (ber_uint(&op, 10) > 3 || op.bad) /* scope */
			return false;
	} else if (tag == 0x77) {
		if (ber_next(&op, &field, NULL) != 0x80)
			return false;
		l.dn = cur_rest(&field);
	} else if (tag == 0x42) {
		if (op.n != 0 || cur_left(&message) != 0)
			return false;
	} else if ((tag & 0x20) &&
		   ber_next(&op, &field, NULL) != OCTETS) { /* all others begin with a name */
		return false;
	} else if (!(tag & 0x20) && (tag == 0x50 ? op.n == 0 || op.n > 5 : op.n < 3)) {
		return false;
	}
	struct msg_ldap *part = app_part(a, ldap);
	if (part)
		*part = l;
	rec->ldap = part;
	return true;
}
