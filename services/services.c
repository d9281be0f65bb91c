#include "services/services.h"

#include <string.h>

const struct service_row service_rows[] = {
#define SERVICE(name, summary, start, input, network, ...) \
	{#name, summary, SERVICE_##start, SERVICE_##input, SERVICE_##network, __VA_ARGS__},
#define COMMAND(name)
#include "services/services.def"
#undef SERVICE
#undef COMMAND
	{0},
};

const char *const service_sections[] = {
#define SERVICE(name, ...) #name,
#define COMMAND(name)      #name,
#include "services/services.def"
#undef SERVICE
#undef COMMAND
	NULL,
};

const struct service_row *service_row(const char *name)
{
	for (const struct service_row *r = service_rows; r->name; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

bool service_patient(const struct service_row *row)
{
	return row->input == SERVICE_QUEUE || row->input == SERVICE_RECORDS;
}
