/*
 * services: the rows of services.def, for programs that deal with every service alike. Data only:
 * it depends on nothing, so that the runtime may link it as well.
 */
#ifndef SERVICES_SERVICES_H
#define SERVICES_SERVICES_H

#include <stdbool.h>
#include <stddef.h>

enum {
#define SERVICE(name, ...) SERVICE_##name,
#define COMMAND(name)
#include "services/services.def"
#undef SERVICE
#undef COMMAND
	NSERVICES
};

enum service_start { SERVICE_DEFAULT, SERVICE_REQUEST };
enum service_input { SERVICE_WIRE, SERVICE_JOURNAL, SERVICE_QUEUE, SERVICE_RECORDS };
enum service_network { SERVICE_LOCAL, SERVICE_LINK, SERVICE_REMOTE };

/* The columns are explained in services.def. */
struct service_row {
	const char *name, *summary;
	enum service_start start;
	enum service_input input;
	enum service_network network;
	const char *privileges, *after;
	unsigned memory_mib, tasks;
	const char *advances; /* "": nothing */
};

/* In the order in which a packet passes: NSERVICES rows and one without a name. */
extern const struct service_row service_rows[];

/* The sections that a configuration file may have besides its top level, NULL-terminated. */
extern const char *const service_sections[];

/* The row of that name; NULL: there is no such service. */
const struct service_row *service_row(const char *name);

/* Whether its input waits on disk, so that it may be slow. */
bool service_patient(const struct service_row *row);

#endif
