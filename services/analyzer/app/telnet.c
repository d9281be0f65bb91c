/*
 * telnet: option negotiation (RFC 854, RFC 855) and the lines typed. Bots that try logins send
 * lines without any negotiation: those are claimed on Telnet's ports, or when they drive a shell as
 * such bots do.
 */
#include "app/recognisers.h"

#include <string.h>

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240 };

#define MAX_TEXT (16u << 10) /* typed bytes looked at */

static const char *const option_names[] = {
	"binary",      "echo",   "reconnect", "sga",         "approx",        "status",
	"timing-mark", "rcte",   "naol",      "naop",        "naocrd",        "naohts",
	"naohtd",      "naoffd", "naovts",    "naovtd",      "naolfd",        "xascii",
	"logout",      "bm",     "det",       "supdup",      "supdup-output", "send-location",
	"ttype",       "eor",    "tuid",      "outmrk",      "ttyloc",        "3270-regime",
	"x3-pad",      "naws",   "tspeed",    "lflow",       "linemode",      "xdisploc",
	"old-environ", "auth",   "encrypt",   "new-environ",
};
#define NOPTIONS (sizeof option_names / sizeof *option_names)

static const char *const shell_starts[] = {"enable",     "system",  "shell", "sh",
					   "linuxshell", "busybox", NULL};

static void add_option(struct strs *list, uint8_t verb, uint8_t option)
{
	static const char *const verbs[] = {"will", "wont", "do", "dont"};
	if (option < NOPTIONS)
		strs_add(list,
			 arena_printf(list->a, "%s %s", verbs[verb - WILL], option_names[option]));
	else
		strs_add(list, arena_printf(list->a, "%s %u", verbs[verb - WILL], option));
}

/* Takes the commands out of the stream; what is left is what was typed. Returns how many commands
 * at its beginning were well-formed. */
static size_t negotiate(struct cur *c, struct strs *options, uint8_t *text, size_t *n)
{
	size_t leading = 0;

	while (cur_left(c) && *n < MAX_TEXT) {
		uint8_t b = cur_u8(c);
		if (b != IAC) {
			text[(*n)++] = b;
			continue;
		}
		uint8_t verb = cur_u8(c);
		if (verb >= WILL && verb <= DONT && cur_left(c)) {
			uint8_t option = cur_u8(c);
			if (options->n < options->max)
				add_option(options, verb, option);
			leading += *n == 0 && (option < NOPTIONS || option == 255);
		} else if (verb == SB) {
			while (cur_left(c) && !(cur_peek(c, 0) == IAC && cur_peek(c, 1) == SE))
				cur_skip(c, 1);
			leading += *n == 0 && cur_left(c) >= 2;
			if (cur_left(c))
				cur_skip(c, 2);
		} else if (verb == IAC) {
			text[(*n)++] = IAC;
		}
	}
	return leading;
}

static bool typed(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < 0x20 || p[i] >= 0x7f) && !memchr("\r\n\t\b\0\x03\x04\x1b\x7f", p[i], 9))
			return false;
	return true;
}

/* CR LF, CR NUL and LF end a line (RFC 854). */
static void split_lines(struct bytes text, struct strs *lines)
{
	while (text.n) {
		size_t n = 0;
		while (n < text.n && text.p[n] != '\r' && text.p[n] != '\n')
			n++;
		if (n)
			strs_add(lines, text_upto(text_upto(text, n), APP_MAX_LINE));
		text = text_from(text, n);
		while (text.n && memchr("\r\n", text.p[0], 3))
			text = text_from(text, 1);
	}
}

static bool claims_text(const struct app_in *in, struct bytes text)
{
	struct cur c = cur_of(text);
	struct bytes line;
	bool whole;

	if (!text_line(&c, &line, &whole) || !whole || !typed(text.p, text.n))
		return false;
	if (in->dst_port == 23 || in->dst_port == 2323)
		return text_trim(text).n > 0;
	if (text_find(text, "/bin/busybox ") < text.n)
		return true;
	return text_among(text_trim(line), shell_starts, false) && cur_left(&c) > 0;
}

bool app_telnet(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	uint8_t text[MAX_TEXT];
	size_t n = 0;
	struct strs options = strs_in(a, APP_MAX_LINES), lines = strs_in(a, APP_MAX_LINES);
	struct cur c = cur_of(in->init);

	if (in->init.p[0] == IAC) {
		size_t commands = negotiate(&c, &options, text, &n);
		if (commands == 0 || (commands == 1 && !typed(text, n)))
			return false;
		if (commands == 1 && in->init.n != 3 &&
		    n == 0) /* one command and then nothing sensible */
			return false;
	} else {
		struct bytes head = text_upto(in->init, MAX_TEXT);
		if (!claims_text(in, head))
			return false;
		negotiate(&c, &options, text, &n);
	}
	struct msg_telnet *t = app_part(a, telnet);
	if (!t)
		return true;
	split_lines(arena_copy(a, bytes_of(text, n)), &lines);
	*t = (struct msg_telnet){.options = strs_done(&options), .lines = strs_done(&lines)};
	if (lines.n >= 2 && !memchr(lines.v[0].p, ' ', lines.v[0].n) && lines.v[0].n <= 64 &&
	    lines.v[1].n <= 64 && !text_among(lines.v[0], shell_starts, false))
		app_login(a, rec, lines.v[0], lines.v[1], "login");
	rec->telnet = t;
	return true;
}
