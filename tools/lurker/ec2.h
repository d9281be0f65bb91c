/*
 * ec2: the few requests and answers of EC2's Query API (2016-11-15) that addresses need. Pure.
 */
#ifndef LURKER_EC2_H
#define LURKER_EC2_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/buf.h"

/* More in one answer are an error: a sensor has one or two. */
#define EC2_ADDRESSES_MAX 64

/* The two tags of every address that lurker made; an address without both is never taken for
 * one. */
#define EC2_TAG_SENSOR  "lurker:sensor"
#define EC2_TAG_MADE_BY "lurker:made-by"
#define EC2_MADE_BY     "rotate-address"

/* An Elastic IP address. Absent texts are empty. */
struct ec2_address {
	char allocation[40];   /* eipalloc-… */
	char association[40];  /* eipassoc-…; empty: with nobody */
	char interface[40];    /* eni-… it is associated with */
	char address[16];      /* public */
	char private_addr[16]; /* what it leads to */
	char sensor[260];      /* value of EC2_TAG_SENSOR */
	bool made_by_us;       /* EC2_TAG_MADE_BY is EC2_MADE_BY */
};

/* Bodies of requests, appended to out; 0 or what buf returns. */
int ec2_describe_made(struct buf *out,
		      const char *sensor); /* those that lurker made for a sensor */
int ec2_describe_interface(struct buf *out, const char *interface); /* those of an interface */
int ec2_allocate(struct buf *out, const char *sensor);
int ec2_associate(struct buf *out, const char *allocation, const char *interface,
		  const char *private_addr);
int ec2_adopt(struct buf *out, const char *allocation, const char *sensor);
int ec2_release(struct buf *out, const char *allocation);

/* ec2_addresses: a DescribeAddresses answer. Fills out and n. 0; -EINVAL: not one, cut off, or an
 * entry without an allocation id or with one that is none; -E2BIG: more than max. */
int ec2_addresses(struct bytes xml, struct ec2_address *out, size_t max, size_t *n);

/* ec2_allocated: an AllocateAddress answer: allocation and address of out. 0 or -EINVAL. */
int ec2_allocated(struct bytes xml, struct ec2_address *out);

/* ec2_id: whether text is an id such as eni-0123abcd, of the given kind ("eni"). */
bool ec2_id(const char *text, const char *kind);

#endif
