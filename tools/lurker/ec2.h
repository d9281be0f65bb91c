/*
 * ec2: the requests and responses of EC2's Query API (2016-11-15) that address rotation needs.
 * Pure.
 */
#ifndef LURKER_EC2_H
#define LURKER_EC2_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/buf.h"

/* More addresses in one response are an error: a sensor has one or two. */
#define EC2_ADDRESSES_MAX 64

/* The two tags of every address that lurker allocated. An address without both is not lurker's. */
#define EC2_TAG_SENSOR  "lurker:sensor"
#define EC2_TAG_MADE_BY "lurker:made-by"
#define EC2_MADE_BY     "rotate-address"

/* An Elastic IP address. An absent field is an empty string. */
struct ec2_address {
	char allocation[40];   /* eipalloc-… */
	char association[40];  /* eipassoc-…; empty: not associated */
	char interface[40];    /* eni-…, the associated interface */
	char address[16];      /* public */
	char private_addr[16]; /* the associated private address */
	char sensor[260];      /* value of EC2_TAG_SENSOR */
	bool made_by_us;       /* EC2_TAG_MADE_BY is EC2_MADE_BY */
};

/* Each appends the body of a request to out. 0 or what buf_add returns. */
int ec2_describe_made(struct buf *out, const char *sensor); /* addresses with the sensor's tags */
int ec2_describe_interface(struct buf *out, const char *interface); /* addresses of an interface */
int ec2_allocate(struct buf *out, const char *sensor);
int ec2_associate(struct buf *out, const char *allocation, const char *interface,
		  const char *private_addr);
int ec2_adopt(struct buf *out, const char *allocation, const char *sensor);
int ec2_release(struct buf *out, const char *allocation);

/* ec2_addresses: parses the response to DescribeAddresses into out and *n. 0; -EINVAL: not such a
 * response, cut off, or an address without a valid allocation id; -E2BIG: more than max. */
int ec2_addresses(struct bytes xml, struct ec2_address *out, size_t max, size_t *n);

/* ec2_allocated: parses the response to AllocateAddress: allocation and address of out. 0 or
 * -EINVAL. */
int ec2_allocated(struct bytes xml, struct ec2_address *out);

/* ec2_id: whether text is an id of the given kind; "eni" means eni- and hexadecimal digits. */
bool ec2_id(const char *text, const char *kind);

#endif
