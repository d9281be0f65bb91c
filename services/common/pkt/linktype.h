/*
 * linktype: the LINKTYPE_ numbers that capture files bring
 * (https://www.tcpdump.org/linktypes.html), of the types we decode.
 */
#ifndef PKT_LINKTYPE_H
#define PKT_LINKTYPE_H

enum {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_BSD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_PPP_HDLC = 50,
	LINK_PPP_ETHER = 51,
	LINK_RAW = 101,
	LINK_C_HDLC = 104,
	LINK_LOOP = 108,
	LINK_ENC = 109,
	LINK_SLL = 113,
	LINK_PPP_PPPD = 166,
	LINK_IP4 = 228,
	LINK_IP6 = 229,
	LINK_SLL2 = 276,
};

/* libpcap's DLT_ number for a LINKTYPE_ number, and back. On Linux the two differ for raw IP only:
 * its DLT_ is the number that BSD files bring. */
static inline int linktype_dlt(int linktype)
{
	return linktype == LINK_RAW || linktype == LINK_RAW_OPENBSD ? LINK_RAW_BSD : linktype;
}

static inline int linktype_of_dlt(int dlt)
{
	return dlt == LINK_RAW_BSD ? LINK_RAW : dlt;
}

#endif
