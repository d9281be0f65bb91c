/*
 * smb: SMB 1 (MS-CIFS 2.2.3.1) and SMB 2/3 (MS-SMB2 2.2.1) behind the direct TCP or NetBIOS session
 * header.
 */
#include "app/recognisers.h"

#include <string.h>

enum { SMB1_NEGOTIATE = 0x72, SMB2_NEGOTIATE = 0 };

static const struct {
	uint8_t code;
	const char *name;
} smb1_commands[] = {
	{0x72, "negotiate"},   {0x73, "session_setup"}, {0x75, "tree_connect"},
	{0x25, "transaction"}, {0x32, "transaction2"},  {0xa0, "nt_transact"},
	{0xa2, "nt_create"},   {0x2b, "echo"},          {0x71, "tree_disconnect"},
};
static const char *const smb2_commands[] = {
	"negotiate", "session_setup", "logoff", "tree_connect", "tree_disconnect",
	"create",    "close",         "flush",  "read",         "write",
	"lock",      "ioctl",         "cancel", "echo"};

static void smb1_dialects(struct cur *c, struct strs *out)
{
	cur_skip(c, (size_t)cur_u8(c) * 2); /* parameter words */
	struct cur list = cur_sub(c, cur_u16le(c));
	while (cur_left(&list) && cur_u8(&list) == 2) {
		const uint8_t *from = list.p + list.at;
		const uint8_t *nul = cur_left(&list) ? memchr(from, 0, cur_left(&list)) : NULL;
		if (!nul)
			break;
		strs_add(out, cur_take(&list, (size_t)(nul - from)));
		cur_skip(&list, 1);
	}
}

static struct bytes dialect_name(struct msg_arena *a, uint16_t d)
{
	switch (d) {
	case 0x0202:
		return bytes_str("2.0.2");
	case 0x0210:
		return bytes_str("2.1");
	case 0x02ff:
		return bytes_str("2.???");
	case 0x0300:
		return bytes_str("3.0");
	case 0x0302:
		return bytes_str("3.0.2");
	case 0x0311:
		return bytes_str("3.1.1");
	default:
		return arena_printf(a, "0x%04x", d);
	}
}

static bool smb1(struct cur *c, struct msg_arena *a, struct msg_smb *s)
{
	struct strs dialects = strs_in(a, APP_MAX_LINES);
	uint8_t command = cur_u8(c);
	cur_skip(c, 27); /* status, flags, PID, signature, TID, UID, MID */
	if (c->bad)
		return false;
	s->version = bytes_str("1");
	for (size_t i = 0; i < sizeof smb1_commands / sizeof *smb1_commands; i++)
		if (smb1_commands[i].code == command)
			s->command = bytes_str(smb1_commands[i].name);
	if (!s->command.p)
		s->command = arena_printf(a, "0x%02x", command);
	if (command == SMB1_NEGOTIATE)
		smb1_dialects(c, &dialects);
	for (size_t i = 0; i < dialects.n;
	     i++) /* the multi-protocol negotiation of MS-SMB2 3.2.4.2.2.1 */
		if (text_starts(dialects.v[i], "SMB 2."))
			s->version = bytes_str("2");
	s->dialects = strs_done(&dialects);
	return true;
}

static bool smb2(struct cur *c, struct msg_arena *a, struct msg_smb *s)
{
	struct strs dialects = strs_in(a, APP_MAX_LINES);
	if (cur_u16le(c) != 64) /* StructureSize */
		return false;
	cur_skip(c, 6);
	uint16_t command = cur_u16le(c);
	cur_skip(c, 50);
	if (c->bad)
		return false;
	s->version = bytes_str("2");
	s->command = command < sizeof smb2_commands / sizeof *smb2_commands
			     ? bytes_str(smb2_commands[command])
			     : arena_printf(a, "0x%02x", command);
	if (command == SMB2_NEGOTIATE && cur_u16le(c) == 36) {
		uint16_t count = cur_u16le(c);
		cur_skip(c, 32);
		while (count-- > 0 && cur_left(c) >= 2) {
			uint16_t d = cur_u16le(c);
			if (d >= 0x300 && d < 0x400)
				s->version = bytes_str("3");
			strs_add(&dialects, dialect_name(a, d));
		}
	}
	s->dialects = strs_done(&dialects);
	return true;
}

bool app_smb(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);

	if (cur_peek(&c, 0) == 0x81 &&
	    cur_peek(&c, 1) == 0) { /* NetBIOS session request (RFC 1002 4.3.2) */
		cur_skip(&c, 2);
		cur_skip(&c, cur_u16(&c));
	}
	if (cur_u8(&c) != 0) /* session message */
		return false;
	size_t len = cur_u24(&c);
	if (len < 32 || len > 1u << 20)
		return false;
	uint32_t magic = cur_u32(&c);
	if (c.bad || (magic != 0xff534d42 && magic != 0xfe534d42)) /* \xffSMB, \xfeSMB */
		return false;
	struct msg_smb *s = app_part(a, smb);
	if (!s || !(magic >> 24 == 0xff ? smb1(&c, a, s) : smb2(&c, a, s)))
		return false;
	rec->smb = s;
	return true;
}
