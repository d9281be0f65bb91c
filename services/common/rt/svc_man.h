/*
 * svc_man: a service's manual page, from the same rows as its code and --help.
 */
#ifndef RT_SVC_MAN_H
#define RT_SVC_MAN_H

#include <stdio.h>

#include "rt/svc.h"

/* svc_man: writes the page (section 8, man(7) macros). sections: the common one, then the
 * service's. */
void svc_man(const struct svc_desc *d, const struct opt_section *sections, FILE *out);

#endif
