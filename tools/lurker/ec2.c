#include "ec2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cloud/creds_parse.h"
#include "cloud/http_client.h"

static void begin(struct buf *out, const char *action)
{
	buf_adds(out, action);
	buf_adds(out, "&Version=2016-11-15");
}

static int add(struct buf *out, const char *name, const char *value)
{
	buf_addc(out, '&');
	buf_adds(out, name);
	buf_addc(out, '=');
	return http_escape(out, value, false);
}

int ec2_describe_made(struct buf *out, const char *sensor)
{
	begin(out, "Action=DescribeAddresses");
	add(out, "Filter.1.Name", "tag:" EC2_TAG_MADE_BY);
	add(out, "Filter.1.Value.1", EC2_MADE_BY);
	add(out, "Filter.2.Name", "tag:" EC2_TAG_SENSOR);
	return add(out, "Filter.2.Value.1", sensor);
}

int ec2_describe_interface(struct buf *out, const char *interface)
{
	begin(out, "Action=DescribeAddresses");
	add(out, "Filter.1.Name", "network-interface-id");
	return add(out, "Filter.1.Value.1", interface);
}

int ec2_allocate(struct buf *out, const char *sensor)
{
	begin(out, "Action=AllocateAddress");
	add(out, "Domain", "vpc");
	/* In the same call: there is no moment in which the address exists without its tags. */
	add(out, "TagSpecification.1.ResourceType", "elastic-ip");
	add(out, "TagSpecification.1.Tag.1.Key", EC2_TAG_SENSOR);
	add(out, "TagSpecification.1.Tag.1.Value", sensor);
	add(out, "TagSpecification.1.Tag.2.Key", EC2_TAG_MADE_BY);
	return add(out, "TagSpecification.1.Tag.2.Value", EC2_MADE_BY);
}

int ec2_associate(struct buf *out, const char *allocation, const char *interface,
		  const char *private_addr)
{
	begin(out, "Action=AssociateAddress");
	add(out, "AllocationId", allocation);
	add(out, "AllowReassociation", "true");
	add(out, "NetworkInterfaceId", interface);
	return add(out, "PrivateIpAddress", private_addr);
}

int ec2_adopt(struct buf *out, const char *allocation, const char *sensor)
{
	begin(out, "Action=CreateTags");
	add(out, "ResourceId.1", allocation);
	add(out, "Tag.1.Key", EC2_TAG_SENSOR);
	add(out, "Tag.1.Value", sensor);
	add(out, "Tag.2.Key", EC2_TAG_MADE_BY);
	return add(out, "Tag.2.Value", EC2_MADE_BY);
}

int ec2_release(struct buf *out, const char *allocation)
{
	begin(out, "Action=ReleaseAddress");
	return add(out, "AllocationId", allocation);
}

bool ec2_id(const char *text, const char *kind)
{
	size_t n = strlen(kind);
	if (strncmp(text, kind, n) != 0 || text[n] != '-')
		return false;
	text += n + 1;
	return *text && strspn(text, "0123456789abcdef") == strlen(text);
}

static const uint8_t *find(struct bytes in, const char *what)
{
	return in.n ? memmem(in.p, in.n, what, strlen(what)) : NULL;
}

static struct bytes from(struct bytes in, const uint8_t *p)
{
	return bytes_of(p, in.n - (size_t)(p - in.p));
}

/* The inside of the next <name> element, which may hold others of its name, and in `in` what
 * follows it. 1; 0: there is none; -EINVAL: it does not end. */
static int element(struct bytes *in, const char *name, struct bytes *inside)
{
	char open[40], close[40];
	size_t nopen = (size_t)snprintf(open, sizeof open, "<%.32s>", name);
	size_t nclose = (size_t)snprintf(close, sizeof close, "</%.32s>", name);
	const uint8_t *p = find(*in, open);
	if (!p)
		return 0;
	struct bytes rest = from(*in, p + nopen);
	const uint8_t *begin = rest.p;
	for (unsigned depth = 1;;) {
		const uint8_t *end = find(rest, close);
		if (!end)
			return -EINVAL;
		const uint8_t *more = find(bytes_of(rest.p, (size_t)(end - rest.p)), open);
		if (more) {
			depth++;
			rest = from(rest, more + nopen);
		} else {
			rest = from(rest, end + nclose);
			if (--depth == 0) {
				*inside = bytes_of(begin, (size_t)(end - begin));
				*in = rest;
				return 1;
			}
		}
	}
}

/* The text of a field that may be absent: then it is empty. */
static int field(struct bytes xml, const char *name, char *out, size_t n)
{
	int rc = xml_text(xml, name, out, n);
	if (rc == -ENOENT)
		out[0] = '\0';
	return rc == -ENOENT ? 0 : rc;
}

/* Tags that do not fit are others': theirs are bounded. */
static int tags(struct bytes item, struct ec2_address *out)
{
	struct bytes set, tag;
	char key[40], value[sizeof out->sensor];
	int rc = element(&item, "tagSet", &set);
	while (rc > 0 && (rc = element(&set, "item", &tag)) > 0) {
		if (xml_text(tag, "key", key, sizeof key) != 0 ||
		    xml_text(tag, "value", value, sizeof value) != 0)
			continue;
		if (strcmp(key, EC2_TAG_SENSOR) == 0)
			snprintf(out->sensor, sizeof out->sensor, "%s", value);
		else if (strcmp(key, EC2_TAG_MADE_BY) == 0)
			out->made_by_us = strcmp(value, EC2_MADE_BY) == 0;
	}
	return rc;
}

static bool ipv4(const char *text)
{
	struct in_addr a;
	return inet_pton(AF_INET, text, &a) == 1;
}

static int address_of(struct bytes item, struct ec2_address *out)
{
	*out = (struct ec2_address){0};
	if (field(item, "allocationId", out->allocation, sizeof out->allocation) != 0 ||
	    field(item, "associationId", out->association, sizeof out->association) != 0 ||
	    field(item, "networkInterfaceId", out->interface, sizeof out->interface) != 0 ||
	    field(item, "publicIp", out->address, sizeof out->address) != 0 ||
	    field(item, "privateIpAddress", out->private_addr, sizeof out->private_addr) != 0 ||
	    tags(item, out) != 0)
		return -EINVAL;
	bool good = ec2_id(out->allocation, "eipalloc") && ipv4(out->address) &&
		    (!out->association[0] || ec2_id(out->association, "eipassoc")) &&
		    (!out->interface[0] || ec2_id(out->interface, "eni")) &&
		    (!out->private_addr[0] || ipv4(out->private_addr));
	return good ? 0 : -EINVAL;
}

int ec2_addresses(struct bytes xml, struct ec2_address *out, size_t max, size_t *n)
{
	struct bytes set, item;
	*n = 0;
	if (!find(xml, "<DescribeAddressesResponse") || !find(xml, "</DescribeAddressesResponse>"))
		return -EINVAL;
	int rc = element(&xml, "addressesSet", &set);
	if (rc <= 0) /* nothing is written as an empty element */
		return rc == 0 && find(xml, "<addressesSet/>") ? 0 : -EINVAL;
	while ((rc = element(&set, "item", &item)) > 0) {
		if (*n == max)
			return -E2BIG;
		rc = address_of(item, &out[*n]);
		if (rc)
			return rc;
		(*n)++;
	}
	return rc;
}

int ec2_allocated(struct bytes xml, struct ec2_address *out)
{
	if (!find(xml, "<AllocateAddressResponse"))
		return -EINVAL;
	return address_of(xml, out);
}
