#include "ec2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cloud/creds_parse.h"
#include "cloud/http_client.h"

static void ec2_begin(struct buf *out, const char *action)
{
	buf_adds(out, action);
	buf_adds(out, "&Version=2016-11-15");
}

static int ec2_add(struct buf *out, const char *name, const char *value)
{
	buf_addc(out, '&');
	buf_adds(out, name);
	buf_addc(out, '=');
	return http_escape(out, value, false);
}

int ec2_describe_made(struct buf *out, const char *sensor)
{
	ec2_begin(out, "Action=DescribeAddresses");
	ec2_add(out, "Filter.1.Name", "tag:" EC2_TAG_MADE_BY);
	ec2_add(out, "Filter.1.Value.1", EC2_MADE_BY);
	ec2_add(out, "Filter.2.Name", "tag:" EC2_TAG_SENSOR);
	return ec2_add(out, "Filter.2.Value.1", sensor);
}

int ec2_describe_interface(struct buf *out, const char *interface)
{
	ec2_begin(out, "Action=DescribeAddresses");
	ec2_add(out, "Filter.1.Name", "network-interface-id");
	return ec2_add(out, "Filter.1.Value.1", interface);
}

int ec2_allocate(struct buf *out, const char *sensor)
{
	ec2_begin(out, "Action=AllocateAddress");
	ec2_add(out, "Domain", "vpc");
	/* Tagged in the same call: the address never exists without its tags. */
	ec2_add(out, "TagSpecification.1.ResourceType", "elastic-ip");
	ec2_add(out, "TagSpecification.1.Tag.1.Key", EC2_TAG_SENSOR);
	ec2_add(out, "TagSpecification.1.Tag.1.Value", sensor);
	ec2_add(out, "TagSpecification.1.Tag.2.Key", EC2_TAG_MADE_BY);
	return ec2_add(out, "TagSpecification.1.Tag.2.Value", EC2_MADE_BY);
}

int ec2_associate(struct buf *out, const char *allocation, const char *interface,
		  const char *private_addr)
{
	ec2_begin(out, "Action=AssociateAddress");
	ec2_add(out, "AllocationId", allocation);
	ec2_add(out, "AllowReassociation", "true");
	ec2_add(out, "NetworkInterfaceId", interface);
	return ec2_add(out, "PrivateIpAddress", private_addr);
}

int ec2_adopt(struct buf *out, const char *allocation, const char *sensor)
{
	ec2_begin(out, "Action=CreateTags");
	ec2_add(out, "ResourceId.1", allocation);
	ec2_add(out, "Tag.1.Key", EC2_TAG_SENSOR);
	ec2_add(out, "Tag.1.Value", sensor);
	ec2_add(out, "Tag.2.Key", EC2_TAG_MADE_BY);
	return ec2_add(out, "Tag.2.Value", EC2_MADE_BY);
}

int ec2_release(struct buf *out, const char *allocation)
{
	ec2_begin(out, "Action=ReleaseAddress");
	return ec2_add(out, "AllocationId", allocation);
}

bool ec2_id(const char *text, const char *kind)
{
	size_t n = strlen(kind);
	if (strncmp(text, kind, n) != 0 || text[n] != '-')
		return false;
	text += n + 1;
	return *text && strspn(text, "0123456789abcdef") == strlen(text);
}

static const uint8_t *ec2_find(struct bytes in, const char *what)
{
	return in.n ? memmem(in.p, in.n, what, strlen(what)) : NULL;
}

static struct bytes ec2_from(struct bytes in, const uint8_t *p)
{
	return bytes_of(p, in.n - (size_t)(p - in.p));
}

/* Finds the next <name> element, which may contain elements of the same name: its content goes to
 * *inside, and *in becomes what follows it. 1; 0: there is none; -EINVAL: it has no end. */
static int ec2_element(struct bytes *in, const char *name, struct bytes *inside)
{
	char open[40], close[40];
	size_t nopen = (size_t)snprintf(open, sizeof open, "<%.32s>", name);
	size_t nclose = (size_t)snprintf(close, sizeof close, "</%.32s>", name);
	const uint8_t *p = ec2_find(*in, open);
	if (!p)
		return 0;
	struct bytes rest = ec2_from(*in, p + nopen);
	const uint8_t *begin = rest.p;
	for (unsigned depth = 1;;) {
		const uint8_t *end = ec2_find(rest, close);
		if (!end)
			return -EINVAL;
		const uint8_t *more = ec2_find(bytes_of(rest.p, (size_t)(end - rest.p)), open);
		if (more) {
			depth++;
			rest = ec2_from(rest, more + nopen);
		} else {
			rest = ec2_from(rest, end + nclose);
			if (--depth == 0) {
				*inside = bytes_of(begin, (size_t)(end - begin));
				*in = rest;
				return 1;
			}
		}
	}
}

/* The text of a field; empty where the field is absent. */
static int ec2_field(struct bytes xml, const char *name, char *out, size_t n)
{
	int rc = xml_text(xml, name, out, n);
	if (rc == -ENOENT)
		out[0] = '\0';
	return rc == -ENOENT ? 0 : rc;
}

/* A tag that does not fit is not lurker's. */
static int ec2_tags(struct bytes item, struct ec2_address *out)
{
	struct bytes set, tag;
	char key[40], value[sizeof out->sensor];
	int rc = ec2_element(&item, "tagSet", &set);
	while (rc > 0 && (rc = ec2_element(&set, "item", &tag)) > 0) {
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

static bool ec2_is_ipv4(const char *text)
{
	struct in_addr a;
	return inet_pton(AF_INET, text, &a) == 1;
}

static int ec2_parse_address(struct bytes item, struct ec2_address *out)
{
	*out = (struct ec2_address){0};
	if (ec2_field(item, "allocationId", out->allocation, sizeof out->allocation) != 0 ||
	    ec2_field(item, "associationId", out->association, sizeof out->association) != 0 ||
	    ec2_field(item, "networkInterfaceId", out->interface, sizeof out->interface) != 0 ||
	    ec2_field(item, "publicIp", out->address, sizeof out->address) != 0 ||
	    ec2_field(item, "privateIpAddress", out->private_addr, sizeof out->private_addr) != 0 ||
	    ec2_tags(item, out) != 0)
		return -EINVAL;
	bool good = ec2_id(out->allocation, "eipalloc") && ec2_is_ipv4(out->address) &&
		    (!out->association[0] || ec2_id(out->association, "eipassoc")) &&
		    (!out->interface[0] || ec2_id(out->interface, "eni")) &&
		    (!out->private_addr[0] || ec2_is_ipv4(out->private_addr));
	return good ? 0 : -EINVAL;
}

int ec2_addresses(struct bytes xml, struct ec2_address *out, size_t max, size_t *n)
{
	struct bytes set, item;
	*n = 0;
	if (!ec2_find(xml, "<DescribeAddressesResponse") ||
	    !ec2_find(xml, "</DescribeAddressesResponse>"))
		return -EINVAL;
	int rc = ec2_element(&xml, "addressesSet", &set);
	if (rc <= 0) /* no address at all is written as an empty element */
		return rc == 0 && ec2_find(xml, "<addressesSet/>") ? 0 : -EINVAL;
	while ((rc = ec2_element(&set, "item", &item)) > 0) {
		if (*n == max)
			return -E2BIG;
		rc = ec2_parse_address(item, &out[*n]);
		if (rc)
			return rc;
		(*n)++;
	}
	return rc;
}

int ec2_allocated(struct bytes xml, struct ec2_address *out)
{
	if (!ec2_find(xml, "<AllocateAddressResponse"))
		return -EINVAL;
	return ec2_parse_address(xml, out);
}
