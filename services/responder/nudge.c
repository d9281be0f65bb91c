#include "responder/nudge.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What a plain server of that kind says first; MySQL's greeting is protocol 10 with an empty salt.
 */
static const char *const defaults[] = {
	"21=220 FTP server ready.\\r\\n",
	"22=SSH-2.0-OpenSSH_9.2p1\\r\\n",
	"23=\\r\\nlogin: ",
	"25=220 mail ESMTP\\r\\n",
	"110=+OK POP3 ready\\r\\n",
	"143=* OK IMAP4rev1 ready\\r\\n",
	"587=220 mail ESMTP\\r\\n",
	"2222=SSH-2.0-OpenSSH_9.2p1\\r\\n",
	"2323=\\r\\nlogin: ",
	"3306=\\x4a\\0\\0\\0\\x0a8.0.36\\0\\x08\\0\\0\\0abcdefgh\\0\\xff\\xf7\\xff\\x02\\0\\xff\\x8f\\x15\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0ijklmnopqrst\\0mysql_native_password\\0",
	"5900=RFB 003.008\\n",
};

void nudge_defaults(struct nudge *n)
{
	memset(n, 0, sizeof *n);
	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
		int rc = nudge_add(n, defaults[i]);

		assert(rc == 0);
		(void)rc;
	}
}

static int nudge_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of text at *p, which moves past it; -1 where an escape is broken. */
static int nudge_byte(const char **p)
{
	const char *s = *p;
	int hi, lo;

	*p = s + 1;
	if (*s != '\\')
		return (unsigned char)*s;
	*p = s + 2;
	switch (s[1]) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '0':
		return 0;
	case '\\':
		return '\\';
	case 'x':
		hi = nudge_hex(s[2]);
		lo = hi < 0 ? -1 : nudge_hex(s[3]);
		*p = s + 4;
		return lo < 0 ? -1 : hi << 4 | lo;
	default:
		return -1;
	}
}

static void nudge_row_remove(struct nudge *n, uint16_t port)
{
	for (size_t i = 0; i < n->rows; i++)
		if (n->row[i].port == port) {
			n->row[i] = n->row[--n->rows];
			return;
		}
}

int nudge_add(struct nudge *n, const char *text)
{
	struct nudge_row r = {0};
	uint32_t port = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && port <= 65535; p++)
		port = port * 10 + (uint32_t)(*p - '0');
	if (p == text || port > 65535 || *p != '=')
		return -EINVAL;
	r.port = (uint16_t)port;
	for (p++; *p;) {
		int c = nudge_byte(&p);

		if (c < 0)
			return -EINVAL;
		if (r.len == NUDGE_MAX)
			return -EFBIG;
		r.banner[r.len++] = (uint8_t)c;
	}
	nudge_row_remove(n, r.port);
	if (!r.len)
		return 0;
	if (n->rows == NUDGE_ROWS)
		return -ENOSPC;
	n->row[n->rows++] = r;
	return 0;
}

const struct nudge_row *nudge_find(const struct nudge *n, uint16_t port)
{
	for (size_t i = 0; i < n->rows; i++)
		if (n->row[i].port == port)
			return &n->row[i];
	return NULL;
}
