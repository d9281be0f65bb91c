/*
 * bitcoin: peer messages (Bitcoin developer reference, P2P network).
 */
#include "app/recognisers.h"

#include <string.h>

static const struct {
	uint32_t magic;
	const char *network;
} networks[] = {{0xf9beb4d9, "main"},
		{0x0b110907, "test"},
		{0x1c163f28, "test"},
		{0x0a03cf40, "signet"},
		{0xfabfb5da, "regtest"}};

bool app_bitcoin(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	uint32_t magic = cur_u32(&c);
	struct bytes command = cur_take(&c, 12);
	uint32_t len = cur_u32le(&c);
	const char *network = NULL;

	cur_skip(&c, 4); /* checksum */
	for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
		if (networks[i].magic == magic)
			network = networks[i].network;
	if (c.bad || !network)
		return false;
	const uint8_t *nul = memchr(command.p, 0, command.n);
	if (nul)
		command.n = (size_t)(nul - command.p);
	if (command.n == 0 || !text_printable(command))
		return false;
	struct msg_bitcoin *b = app_part(a, bitcoin);
	if (!b)
		return true;
	b->network = bytes_str(network);
	b->command = command;
	if (text_is(command, "version")) {
		struct cur body = cur_sub(&c, len < cur_left(&c) ? len : cur_left(&c));
		b->version = cur_u32le(&body);
		cur_skip(&body, 76); /* services, time, two addresses, nonce */
		struct bytes agent = cur_take(&body, cur_u8(&body));
		if (agent.p && text_printable(agent))
			b->user_agent = agent;
	}
	rec->bitcoin = b;
	return true;
}
