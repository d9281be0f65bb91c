#include "ec2.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define HEAD                                                                      \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeAddressesResponse " \
	"xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>"
#define TAIL      "</DescribeAddressesResponse>"
#define TAG(k, v) "<item><key>" k "</key><value>" v "</value></item>"

static const char both[] = HEAD
	"<addressesSet>\n  <item>\n    <publicIp>203.0.113.9</publicIp>\n    "
	"<allocationId>eipalloc-0a1</allocationId>\n"
	"    <domain>vpc</domain><instanceId>i-1</instanceId><associationId>eipassoc-0b2</"
	"associationId>\n"
	"    "
	"<networkInterfaceId>eni-0c3</networkInterfaceId><privateIpAddress>10.0.0.5</privateIpAddress>\n"
	"    <tagSet>" TAG("Name", "a &amp; b") TAG("lurker:sensor", "trap-1") TAG(
		"lurker:made-by",
		"rotate-address") "</tagSet></item><item><publicIp>203.0.113.10</publicIp><allocationId>eipalloc-0a2</allocationId><domain>vpc</domain></item></addressesSet>" TAIL;

static int parse(const char *xml, struct ec2_address *out, size_t *n)
{
	return ec2_addresses(bytes_str(xml), out, 4, n);
}

Test(ec2, addresses)
{
	struct ec2_address a[4];
	size_t n;
	cr_assert_eq(parse(both, a, &n), 0);
	cr_assert_eq(n, 2);
	cr_assert_str_eq(a[0].allocation, "eipalloc-0a1");
	cr_assert_str_eq(a[0].association, "eipassoc-0b2");
	cr_assert_str_eq(a[0].interface, "eni-0c3");
	cr_assert_str_eq(a[0].address, "203.0.113.9");
	cr_assert_str_eq(a[0].private_addr, "10.0.0.5");
	cr_assert_str_eq(a[0].sensor, "trap-1");
	cr_assert(a[0].made_by_us);
	cr_assert_str_eq(a[1].address, "203.0.113.10");
	cr_assert_str_empty(a[1].association);
	cr_assert_str_empty(a[1].sensor);
	cr_assert_not(a[1].made_by_us);
}

Test(ec2, none)
{
	struct ec2_address a[4];
	size_t n = 7;
	cr_assert_eq(parse(HEAD "<addressesSet/>" TAIL, a, &n), 0);
	cr_assert_eq(n, 0);
	cr_assert_eq(parse(HEAD "<addressesSet></addressesSet>" TAIL, a, &n), 0);
	cr_assert_eq(n, 0);
}

Test(ec2, every_truncation_is_refused)
{
	struct ec2_address a[4];
	size_t n;
	for (size_t i = 0; i < sizeof both - 1; i++)
		cr_assert_eq(ec2_addresses(bytes_of(both, i), a, 4, &n), -EINVAL, "%zu", i);
}

Test(ec2, what_is_no_address)
{
	static const char *const bad[] = {
		"",
		"<html></html>",
		HEAD TAIL,
		HEAD
		"<addressesSet><item><publicIp>203.0.113.9</publicIp></item></addressesSet>" TAIL,
		HEAD
		"<addressesSet><item><allocationId>eipalloc-1</allocationId></item></addressesSet>" TAIL,
		HEAD
		"<addressesSet><item><allocationId>eipalloc-1&amp;x=y</allocationId><publicIp>1.2.3.4</publicIp></item></addressesSet>" TAIL,
		HEAD
		"<addressesSet><item><allocationId>eipalloc-1</allocationId><publicIp>1.2.3.400</publicIp></item></addressesSet>" TAIL,
		HEAD
		"<addressesSet><item><allocationId>eipalloc-1</allocationId><publicIp>1.2.3.4</publicIp><networkInterfaceId>i-1</networkInterfaceId></item></addressesSet>" TAIL,
		HEAD
		"<addressesSet><item><allocationId>eipalloc-1</allocationId><publicIp>1.2.3.4</publicIp><tagSet></item></addressesSet>" TAIL,
	};
	struct ec2_address a[4];
	size_t n;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_eq(parse(bad[i], a, &n), -EINVAL, "%zu", i);
}

/* A tag's value may be whatever a person wrote: it cannot look like another field or another
 * address. */
Test(ec2, tags_are_only_tags)
{
	struct ec2_address a[4];
	size_t n;
	cr_assert_eq(
		parse(HEAD
		      "<addressesSet><item><publicIp>1.2.3.4</publicIp><allocationId>eipalloc-1</allocationId><tagSet>" TAG(
			      "x",
			      "&lt;/item&gt;&lt;associationId&gt;eipassoc-1&lt;/associationId&gt;")
			      TAG("lurker:made-by", "rotate-addresses")
				      TAG("lurker:sensor",
					  "trap-1 ") "</tagSet></item></addressesSet>" TAIL,
		      a, &n),
		0);
	cr_assert_eq(n, 1);
	cr_assert_str_empty(a[0].association);
	cr_assert_not(a[0].made_by_us);
	cr_assert_str_eq(a[0].sensor, "trap-1 ");
}

Test(ec2, more_than_fit)
{
	struct ec2_address a[1];
	size_t n;
	cr_assert_eq(ec2_addresses(bytes_str(both), a, 1, &n), -E2BIG);
}

Test(ec2, allocated)
{
	struct ec2_address a;
	cr_assert_eq(
		ec2_allocated(
			bytes_str(
				"<AllocateAddressResponse "
				"xmlns=\"x\"><publicIp>203.0.113.9</publicIp><domain>vpc</domain><allocationId>eipalloc-0d</allocationId></AllocateAddressResponse>"),
			&a),
		0);
	cr_assert_str_eq(a.allocation, "eipalloc-0d");
	cr_assert_str_eq(a.address, "203.0.113.9");
	cr_assert_eq(
		ec2_allocated(
			bytes_str("<AllocateAddressResponse><publicIp>203.0.113.9</publicIp>"), &a),
		-EINVAL);
	cr_assert_eq(ec2_allocated(bytes_str(both), &a), -EINVAL);
}

Test(ec2, ids)
{
	cr_assert(ec2_id("eni-0123abcd", "eni"));
	cr_assert_not(ec2_id("eni-", "eni"));
	cr_assert_not(ec2_id("eni-0x", "eni"));
	cr_assert_not(ec2_id("eipalloc-1", "eni"));
	cr_assert_not(ec2_id("enix", "eni"));
}

static bool says(int (*fn)(struct buf *, const char *), const char *arg, const char *wanted)
{
	struct buf b;
	buf_init(&b, 4096);
	bool good = fn(&b, arg) == 0 && bytes_eq(buf_bytes(&b), bytes_str(wanted));
	buf_fini(&b);
	return good;
}

Test(ec2, requests)
{
	struct buf b;
	cr_assert(says(ec2_release, "eipalloc-1",
		       "Action=ReleaseAddress&Version=2016-11-15&AllocationId=eipalloc-1"));
	cr_assert(says(
		ec2_allocate, "a&b=ü",
		"Action=AllocateAddress&Version=2016-11-15&Domain=vpc&TagSpecification.1.ResourceType=elastic-ip&TagSpecification.1.Tag.1.Key=lurker%3Asensor&TagSpecification.1.Tag.1.Value=a%26b%3D%C3%BC&TagSpecification.1.Tag.2.Key=lurker%3Amade-by&TagSpecification.1.Tag.2.Value=rotate-address"));
	cr_assert(says(
		ec2_describe_interface, "eni-1",
		"Action=DescribeAddresses&Version=2016-11-15&Filter.1.Name=network-interface-id&Filter.1.Value.1=eni-1"));
	buf_init(&b, 64);
	cr_assert_neq(ec2_describe_made(&b, "trap-1"), 0, "a buffer that is too small");
	buf_fini(&b);
}
