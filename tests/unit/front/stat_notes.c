#include "stat_notes.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>

void stat_note(struct stat_history *t, uint64_t ts, uint64_t epoch, const char *mark,
	       unsigned received, unsigned packets, unsigned next)
{
	char text[400];
	snprintf(
		text, sizeof text,
		"{\"mark\":\"%s\",\"ts_ns\":%llu,\"start_ns\":%llu,\"counters\":{\"received\":%u,\"packets\":%u},\"gauges\":{\"next_number\":%u},\"drops\":{\"dropped_size\":%u}}",
		mark, (unsigned long long)ts, (unsigned long long)epoch, received, packets, next,
		received - packets);
	cr_assert_eq(stat_history_add(t, "capture", json_tokener_parse(text)), 0);
}

void stat_three_runs(struct stat_history *t)
{
	stat_note(t, 100, 1, "start", 0, 0, 1);
	stat_note(t, 200, 1, "time", 50, 50, 51);
	stat_note(t, 300, 1, "stop", 100, 98, 99);
	stat_note(t, 400, 2, "start", 0, 0, 99);
	stat_note(t, 500, 2, "lost", 20, 20, 119);
	stat_note(t, 600, 3, "start", 0, 0, 126);
	stat_note(t, 700, 3, "time", 5, 5, 131);
}

void stat_note_of(struct stat_history *t, const char *service, uint64_t epoch, const char *counters)
{
	char text[400];
	snprintf(text, sizeof text,
		 "{\"mark\":null,\"ts_ns\":%llu,\"start_ns\":%llu,\"counters\":{%s}}",
		 (unsigned long long)epoch, (unsigned long long)epoch, counters);
	cr_assert_eq(stat_history_add(t, service, json_tokener_parse(text)), 0);
}
