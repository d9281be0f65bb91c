/*
 * ssh: the identification string (RFC 4253 4.2), KEXINIT (7.1), and HASSH over it
 * (salesforce/hassh, BSD 3-Clause): the MD5 of the client's key exchange, encryption, MAC and
 * compression lists, joined by semicolons.
 */
#include "app/recognisers.h"

#include <openssl/evp.h>
#include <string.h>

enum { MSG_KEXINIT = 20 };
enum { KEX, HOST_KEY, CIPHER_C2S, CIPHER_S2C, MAC_C2S, MAC_S2C, COMP_C2S, COMP_S2C, LISTS };

#define MAX_KEXINIT (16u << 10)

static void hassh(struct cur *c, struct msg_arena *a, struct msg_ssh *s)
{
	struct bytes list[LISTS];
	uint32_t packet = cur_u32(c);
	struct cur body;

	if (packet < 8 || packet > MAX_KEXINIT)
		return;
	body = cur_sub(c, packet);
	uint8_t padding = cur_u8(&body);
	if (body.bad || padding >= packet || cur_u8(&body) != MSG_KEXINIT)
		return;
	cur_skip(&body, 16); /* cookie */
	for (int i = 0; i < LISTS; i++)
		list[i] = cur_take(&body, cur_u32(&body));
	if (body.bad)
		return;

	static const int parts[] = {KEX, CIPHER_C2S, MAC_C2S, COMP_C2S};
	size_t n = 3;
	for (int i = 0; i < 4; i++)
		n += list[parts[i]].n;
	uint8_t *text = arena_take(a, n);
	if (!text)
		return;
	n = 0;
	for (int i = 0; i < 4; i++) {
		if (i)
			text[n++] = ';';
		if (list[parts[i]].n)
			memcpy(text + n, list[parts[i]].p, list[parts[i]].n);
		n += list[parts[i]].n;
	}
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (!EVP_Digest(text, n, sum, &len, EVP_md5(), NULL) || len != 16)
		return; /* MD5 is switched off in this OpenSSL */
	s->hassh_algorithms = (struct bytes){text, n};
	s->hassh = arena_hex(a, bytes_of(sum, len));
}

bool app_ssh(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct bytes line;
	bool whole;

	if (!text_starts(in->init, "SSH-") || !is_digit(cur_peek(&c, 4)))
		return false;
	(void)text_line(&c, &line, &whole);
	struct msg_ssh *s = app_part(a, ssh);
	if (!s)
		return true;
	s->banner = text_upto(line, 255); /* RFC 4253 4.2 */
	/* Some senders end the line with CR alone or put NUL behind it. */
	const uint8_t *end = memchr(s->banner.p, '\r', s->banner.n);
	if (end)
		s->banner.n = (size_t)(end - s->banner.p);
	if (whole)
		hassh(&c, a, s);
	rec->ssh = s;
	return true;
}
