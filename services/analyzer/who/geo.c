#include "who/geo.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One file and what it was when it was opened. */
struct source {
	char *path;
	bool open;
	struct stat st;
	MMDB_s db;
};

enum { PLACE, ASN, SOURCES };

struct who_geo {
	struct source source[SOURCES];
};

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* 1: (re)opened; 0: nothing new; -EBADMSG: there is a new file and it is none. */
static int refresh(struct source *s)
{
	struct stat st;
	MMDB_s db;

	if (!s->path || stat(s->path, &st) != 0 || same(&st, &s->st))
		return 0;
	s->st = st; /* a bad file is complained about once */
	if (MMDB_open(s->path, MMDB_MODE_MMAP, &db) != MMDB_SUCCESS)
		return -EBADMSG;
	if (s->open)
		MMDB_close(&s->db);
	s->db = db;
	s->open = true;
	return 1;
}

int who_geo_check(const char *path)
{
	struct stat st;
	MMDB_s db;
	int rc = 0;

	if (stat(path, &st) != 0 || access(path, R_OK) != 0)
		return -errno;
	if (MMDB_open(path, MMDB_MODE_MMAP, &db) != MMDB_SUCCESS)
		rc = -EBADMSG;
	else
		MMDB_close(&db);
	return rc;
}

int who_geo_new(const char *place_path, const char *asn_path, struct who_geo **out)
{
	struct who_geo *g = calloc(1, sizeof *g);
	const char *paths[SOURCES] = {place_path, asn_path};
	int r = 0;

	*out = NULL;
	if (!g)
		return -ENOMEM;
	for (int i = 0; i < SOURCES && r >= 0; i++) {
		if (!paths[i])
			continue;
		g->source[i].path = strdup(paths[i]);
		r = g->source[i].path ? refresh(&g->source[i]) : -ENOMEM;
	}
	if (r < 0) {
		who_geo_free(&g);
		return r;
	}
	*out = g;
	return 0;
}

void who_geo_free(struct who_geo **g)
{
	if (!*g)
		return;
	for (int i = 0; i < SOURCES; i++) {
		if ((*g)->source[i].open)
			MMDB_close(&(*g)->source[i].db);
		free((*g)->source[i].path);
	}
	free(*g);
	*g = NULL;
}

int who_geo_refresh(struct who_geo *g, const char **bad)
{
	int result = 0;

	for (int i = 0; i < SOURCES; i++) {
		int r = refresh(&g->source[i]);
		if (r < 0) {
			result = r;
			*bad = g->source[i].path;
		} else if (r > 0 && result == 0) {
			result = 1;
		}
	}
	return result;
}

static bool look(struct source *s, const struct addr *a, MMDB_entry_s *entry)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	int error = 0;

	if (!s->open)
		return false;
	memcpy(&in4.sin_addr, a->b, sizeof in4.sin_addr);
	memcpy(&in6.sin6_addr, a->b, sizeof in6.sin6_addr);
	const struct sockaddr *sa =
		a->family == 4 ? (const struct sockaddr *)&in4 : (const struct sockaddr *)&in6;
	MMDB_lookup_result_s hit = MMDB_lookup_sockaddr(&s->db, sa, &error);
	*entry = hit.entry;
	return error == MMDB_SUCCESS && hit.found_entry;
}

static struct bytes text(MMDB_entry_s *e, const char *const *path)
{
	MMDB_entry_data_s d;
	if (MMDB_aget_value(e, &d, path) != MMDB_SUCCESS || !d.has_data ||
	    d.type != MMDB_DATA_TYPE_UTF8_STRING)
		return (struct bytes){NULL, 0};
	return bytes_of(d.utf8_string, d.data_size);
}

static double real(MMDB_entry_s *e, const char *const *path)
{
	MMDB_entry_data_s d;
	if (MMDB_aget_value(e, &d, path) != MMDB_SUCCESS || !d.has_data ||
	    d.type != MMDB_DATA_TYPE_DOUBLE)
		return 0;
	return d.double_value;
}

static uint64_t number(MMDB_entry_s *e, const char *const *path)
{
	MMDB_entry_data_s d;
	if (MMDB_aget_value(e, &d, path) != MMDB_SUCCESS || !d.has_data)
		return 0;
	return d.type == MMDB_DATA_TYPE_UINT32   ? d.uint32
	       : d.type == MMDB_DATA_TYPE_UINT16 ? d.uint16
						 : 0;
}

bool who_geo_look(struct who_geo *g, const struct addr *a, struct msg_geo *out)
{
	MMDB_entry_s e;
	bool any = false;

	*out = (struct msg_geo){0};
	if (a->family == 0)
		return false;
	if (look(&g->source[PLACE], a, &e)) {
		any = true;
		out->country = text(&e, (const char *const[]){"country", "iso_code", NULL});
		out->city = text(&e, (const char *const[]){"city", "names", "en", NULL});
		out->latitude = real(&e, (const char *const[]){"location", "latitude", NULL});
		out->longitude = real(&e, (const char *const[]){"location", "longitude", NULL});
	}
	if (look(&g->source[ASN], a, &e)) {
		any = true;
		out->asn = number(&e, (const char *const[]){"autonomous_system_number", NULL});
		out->as_org =
			text(&e, (const char *const[]){"autonomous_system_organization", NULL});
	}
	return any;
}
