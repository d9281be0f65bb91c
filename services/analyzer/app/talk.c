/*
 * talk: what clients say in the line protocols of mail and files: SMTP (RFC 5321), IMAP (RFC 9051),
 * FTP (RFC 959) and POP3 (RFC 1939). Told by the first line; FTP and POP3 share theirs, so later
 * commands, the greeting and the port decide.
 */
#include "app/recognisers.h"

#include <string.h>

#define MAX_SCAN 4096 /* lines read at most */
#define MAX_FIRST \
	0x10000 /* longest first line: overflows are tried, floods are not read four times */

static const char *const smtp_first[] = {"HELO", "EHLO", "LHLO", NULL};
static const char *const smtp_other[] = {"RSET", "QUIT",     "NOOP", "HELP", "VRFY",
					 "EXPN", "STARTTLS", "RCPT", NULL};
static const char *const imap_first[] = {
	"CAPABILITY", "LOGIN",   "AUTHENTICATE", "STARTTLS", "LOGOUT", "NOOP",
	"SELECT",     "EXAMINE", "LIST",         "FETCH",    NULL};
static const char *const pop3_only[] = {"STAT", "UIDL", "CAPA", "TOP", "APOP", "LAST", NULL};
static const char *const ftp_only[] = {"SYST", "PWD",  "CWD",  "TYPE", "PASV", "PORT",
				       "EPSV", "EPRT", "STOR", "MKD",  "RMD",  "FEAT",
				       "OPTS", "SIZE", "MDTM", "SITE", NULL};

/* The first line, whole and printable, its first word and what follows. */
static bool first_line(const struct app_in *in, struct bytes *word, struct bytes *rest)
{
	struct cur c = cur_of(in->init);
	bool whole;

	if (!is_alnum(in->init.p[0]) || !text_line(&c, rest, &whole) || !whole ||
	    rest->n > MAX_FIRST || !text_printable(*rest))
		return false;
	*word = text_word(rest);
	*rest = text_trim(*rest);
	return word->n > 0;
}

static void credentials(struct cur *c, struct bytes line, struct msg_arena *a,
			struct msg_analysis *rec, struct bytes *user)
{
	struct bytes word = text_word(&line), arg = text_trim(line), next;

	if (text_is_nocase(word, "USER")) {
		*user = arg;
	} else if (text_is_nocase(word, "PASS")) {
		app_login(a, rec, *user, arg, "plain");
	} else if (text_is_nocase(word, "AUTH") && text_starts_nocase(arg, "PLAIN ")) {
		/* RFC 4616: authzid NUL authcid NUL passwd */
		struct bytes b = text_base64(a, text_trim(text_from(arg, 6)));
		const uint8_t *u = b.n ? memchr(b.p, 0, b.n) : NULL;
		if (!u)
			return;
		b = text_from(b, (size_t)(u - b.p) + 1);
		const uint8_t *p = b.n ? memchr(b.p, 0, b.n) : NULL;
		if (p)
			app_login(a, rec, text_upto(b, (size_t)(p - b.p)),
				  text_from(b, (size_t)(p - b.p) + 1), "plain");
	} else if (text_is_nocase(word, "AUTH") && text_starts_nocase(arg, "LOGIN")) {
		struct bytes u = text_trim(text_from(arg, 5)), p;
		struct cur ahead = *c;
		if (u.n == 0 && text_line(&ahead, &next, NULL))
			u = next;
		if (text_line(&ahead, &p, NULL))
			app_login(a, rec, text_base64(a, u), text_base64(a, p), "login");
	}
}

static const struct msg_commands *read_lines(const struct app_in *in, struct msg_arena *a,
					     struct msg_analysis *rec)
{
	struct cur c = cur_of(in->init);
	struct strs lines = strs_in(a, APP_MAX_LINES);
	struct bytes line, user = {NULL, 0};
	bool data = false;

	for (int i = 0; i < MAX_SCAN && text_line(&c, &line, NULL); i++) {
		if (data) { /* a mail's text is no command */
			data = !text_is(line, ".");
			continue;
		}
		if (line.n == 0)
			continue;
		strs_add(&lines, text_upto(line, APP_MAX_LINE));
		data = text_is_nocase(line, "DATA");
		credentials(&c, line, a, rec, &user);
	}
	if (user.p)
		app_login(a, rec, user, (struct bytes){NULL, 0}, "plain");
	struct msg_commands *part = app_part(a, commands);
	if (part)
		*part = (struct msg_commands){.lines = strs_done(&lines), .count = lines.total};
	return part;
}

/* Whether one of the first lines begins with one of the verbs. */
static bool has_verb(const struct app_in *in, const char *const *verbs)
{
	struct cur c = cur_of(in->init);
	struct bytes line;

	for (int i = 0; i < 32 && text_line(&c, &line, NULL); i++)
		if (text_among(text_word(&line), verbs, true))
			return true;
	return false;
}

bool app_smtp(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct bytes word, rest;
	if (!first_line(in, &word, &rest))
		return false;
	bool hello = text_among(word, smtp_first, true) &&
		     (rest.n > 0 || in->dst_port == 25 || text_is(word, "EHLO"));
	bool mail = text_is_nocase(word, "MAIL") && text_starts_nocase(rest, "FROM:");
	bool late = text_among(word, smtp_other, true) &&
		    (in->dst_port == 25 || in->dst_port == 587 || has_verb(in, smtp_first));
	if (!hello && !mail && !late)
		return false;
	rec->smtp = read_lines(in, a, rec);
	return true;
}

bool app_imap(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct bytes tag, rest, user, password;
	if (!first_line(in, &tag, &rest) || tag.n > 16)
		return false;
	struct bytes command = text_word(&rest);
	if (!text_among(command, imap_first, true) ||
	    (is_upper(tag.p[0]) && !is_digit(tag.p[tag.n - 1])))
		return false;
	user = text_word(&rest);
	password = text_trim(rest);
	if (text_is_nocase(command, "LOGIN") && user.n && password.n)
		app_login(a, rec, user, password, "login");
	rec->imap = read_lines(in, a, rec);
	return true;
}

/* Whether greeting or port say POP3. */
static bool pop3_server(const struct app_in *in)
{
	return in->dst_port == 110 || in->dst_port == 995 || text_starts(in->resp, "+OK");
}

bool app_ftp(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct bytes word, rest;
	if (!first_line(in, &word, &rest))
		return false;
	struct bytes after = rest;
	(void)text_word(&after);
	bool user = text_is_nocase(word, "USER") && rest.n > 0 &&
		    text_trim(after).n == 0; /* IRC's has four arguments */
	bool tls = text_is_nocase(word, "AUTH") &&
		   (text_is_nocase(rest, "TLS") || text_is_nocase(rest, "SSL"));
	bool own = text_among(word, ftp_only, false) &&
		   (text_starts(in->resp, "220") || in->dst_port == 21 ||
		    has_verb(in, (const char *const[]){"USER", "PASS", NULL}));
	if (!(user || tls || own) || (user && (pop3_server(in) || has_verb(in, pop3_only))))
		return false;
	rec->ftp = read_lines(in, a, rec);
	return true;
}

bool app_pop3(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec)
{
	struct bytes word, rest;
	if (!first_line(in, &word, &rest))
		return false;
	bool user = text_is_nocase(word, "USER") && rest.n > 0 &&
		    (pop3_server(in) || has_verb(in, pop3_only));
	bool own = text_is_nocase(word, "CAPA") || text_is_nocase(word, "APOP") ||
		   (text_among(word, pop3_only, true) && pop3_server(in));
	if (!user && !own)
		return false;
	rec->pop3 = read_lines(in, a, rec);
	return true;
}
