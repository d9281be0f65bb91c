#include "sinks.h"

#define SINK(sink, text, option)                 \
	{.class = &sink_##sink,                  \
	 .name = #sink,                          \
	 .title = text,                          \
	 .on = #option,                          \
	 .on_at = offsetof(struct conf, option), \
	 .filter_at = offsetof(struct conf, sink##_filter)},
const struct sink_row sinks[SINKS] = {
#include "forwarder/sinks.def"
};

bool sinks_wanted(const struct sink_row *row, const struct conf *c)
{
	const char *text = *(const char *const *)(const void *)((const char *)c + row->on_at);
	return text && *text;
}

const struct opt_list *sinks_filter(const struct sink_row *row, const struct conf *c)
{
	return (const void *)((const char *)c + row->filter_at);
}
