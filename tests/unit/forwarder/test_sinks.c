#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "forwarder/forwarder.h"

TestSuite(sinks);

Test(sinks, each_has_every_counter_under_its_name)
{
	static struct forwarder f;
	forwarder_init(&f);
	for (size_t i = 0; i < FORWARDER_METRICS; i++) {
		const struct sink_row *sink = &sinks[i / FORWARDER_COUNTS];
		cr_assert_eq(strncmp(f.metrics[i].name, sink->name, strlen(sink->name)), 0);
		cr_assert_eq(strncmp(f.metrics[i].help, sink->title, strlen(sink->title)), 0);
	}
	const size_t at = SINKS_slack * FORWARDER_COUNTS + FORWARDER_LEFT;
	cr_assert_str_eq(f.metrics[at].name, "slack_left");
	cr_assert_eq(f.metrics[at].kind, METRIC_DROP);
}

Test(sinks, rows_name_their_class_and_options)
{
	char text[] = "given";
	for (size_t i = 0; i < SINKS; i++) {
		const struct opt *o = conf_opts;
		struct conf c = {0};
		cr_assert_str_eq(sinks[i].name, sinks[i].class->name);
		while (o->name && strcmp(o->name, sinks[i].on) != 0)
			o++;
		cr_assert(o->name && o->type == OPT_STR, "%s", sinks[i].on);
		cr_assert_not(sinks_wanted(&sinks[i], &c));
		memcpy((char *)&c + o->offset, &(char *){text}, sizeof(char *));
		cr_assert(sinks_wanted(&sinks[i], &c));
		sinks_filter(&sinks[i], &c);
	}
}
