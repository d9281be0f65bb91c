/*
 * http2: the client connection preface (RFC 9113 3.4) and the frames behind it.
 */
#include "app/recognisers.h"

#include <stdio.h>
#include <string.h>

enum { FRAME_HEADERS = 1, FRAME_SETTINGS = 4, FRAME_WINDOW_UPDATE = 8 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static struct bytes settings_text(struct msg_arena *a, struct cur c)
{
	char text[512];
	size_t n = 0;

	while (cur_left(&c) >= 6 && n < sizeof text - 24) {
		unsigned id = cur_u16(&c), value = cur_u32(&c);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%u=%u", n ? "," : "", id,
				      value);
	}
	return n ? arena_copy(a, bytes_of(text, n)) : (struct bytes){NULL, 0};
}

bool app_http2(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	if (!text_starts(in->init, preface) && !text_is(in->init, "PRI * HTTP/2.0\r\n\r\n"))
		return false;
	struct cur c = cur_of(text_from(in->init, sizeof preface - 1));
	struct msg_http2 *h = app_part(a, http2);
	if (!h)
		return true;
	while (cur_left(&c) >= 9) {
		size_t len = cur_u24(&c);
		uint8_t type = cur_u8(&c), flags = cur_u8(&c);
		uint32_t stream = cur_u32(&c) & 0x7fffffff;
		struct cur frame = cur_sub(&c, len);
		if (frame.bad)
			break;
		h->frames++;
		if (type == FRAME_SETTINGS && !(flags & 1) && !h->settings.p)
			h->settings = settings_text(a, frame);
		else if (type == FRAME_WINDOW_UPDATE && stream == 0 && len == 4 &&
			 !h->window_update)
			h->window_update = cur_u32(&frame) & 0x7fffffff;
		else if (type == FRAME_HEADERS)
			h->requests++;
	}
	rec->http2 = h;
	return true;
}
