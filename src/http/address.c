/*
 * One table of address ranges that are not the public Internet. Addresses are judged after name
 * resolution, on the very address that is connected to.
 */
#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "slipway/field.h"

struct prefix {
	int family;
	const char *network;
	unsigned bits;
	unsigned v4_at; /* the byte at which an IPv4 address stands, which then decides; 0: refused
			   as a whole */
};

/* The first row that fits decides; what none fits is public. See the special-purpose registries of
 * IANA. */
static const struct prefix prefixes[] = {
	{ AF_INET, "0.0.0.0", 8, 0 },  /* this network */
	{ AF_INET, "10.0.0.0", 8, 0 }, /* private */
	{ AF_INET, "100.64.0.0", 10,
		0 }, /* carrier-grade NAT; 100.100.100.200 is Alibaba's metadata */
	{ AF_INET, "127.0.0.0", 8, 0 }, /* loopback */
	{ AF_INET, "168.63.129.16", 32,
		0 }, /* Azure's metadata: a public address that is not public */
	{ AF_INET, "169.254.0.0", 16,
		0 }, /* link-local; 169.254.169.254 is the metadata of most clouds */
	{ AF_INET, "172.16.0.0", 12, 0 },   /* private */
	{ AF_INET, "192.0.0.0", 24, 0 },    /* IETF protocols; 192.0.0.192 is Oracle's metadata */
	{ AF_INET, "192.0.2.0", 24, 0 },    /* documentation */
	{ AF_INET, "192.88.99.0", 24, 0 },  /* relays of 6to4 */
	{ AF_INET, "192.168.0.0", 16, 0 },  /* private */
	{ AF_INET, "198.18.0.0", 15, 0 },   /* benchmarks */
	{ AF_INET, "198.51.100.0", 24, 0 }, /* documentation */
	{ AF_INET, "203.0.113.0", 24, 0 },  /* documentation */
	{ AF_INET, "224.0.0.0", 3, 0 },     /* multicast, reserved, broadcast */
	{ AF_INET6, "::ffff:0:0", 96, 12 }, /* IPv4 as IPv6 */
	{ AF_INET6, "64:ff9b::", 96, 12 },  /* IPv4 behind NAT64 */
	{ AF_INET6, "::", 3,
		0 }, /* unspecified, ::1, IPv4-compatible, NAT64 of one's own, discard */
	{ AF_INET6, "2001::", 23, 0 },     /* IETF protocols, Teredo among them */
	{ AF_INET6, "2001:db8::", 32, 0 }, /* documentation */
	{ AF_INET6, "2002::", 16, 0 },     /* 6to4 */
	{ AF_INET6, "3fff::", 20, 0 },     /* documentation */
	{ AF_INET6, "4000::", 2, 0 },      /* given to nobody */
	{ AF_INET6, "8000::", 1,
		0 }, /* fc00::/7 with fd00:ec2::254, fe80::/10, fec0::/10, multicast, the rest */
};

/* The first bits of both are the same. */
static bool has_prefix(const unsigned char *bytes, const unsigned char *network, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(bytes, network, whole) != 0)
		return false;
	return rest == 0 || ((bytes[whole] ^ network[whole]) >> (8 - rest)) == 0;
}

static const struct prefix *find_prefix(int family, const unsigned char *bytes)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		unsigned char network[sizeof(struct in6_addr)];
		if (prefixes[i].family == family &&
			inet_pton(family, prefixes[i].network, network) == 1 &&
			has_prefix(bytes, network, prefixes[i].bits))
			return &prefixes[i];
	}
	return NULL;
}

/* The bytes of an IPv4 or IPv6 address; false for any other kind. */
static bool address_bytes(
	const struct sockaddr *address, unsigned char bytes[sizeof(struct in6_addr)])
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, address, sizeof(v4));
		memcpy(bytes, &v4.sin_addr, sizeof(v4.sin_addr));
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, address, sizeof(v6));
		memcpy(bytes, &v6.sin6_addr, sizeof(v6.sin6_addr));
	} else {
		return false;
	}

	return true;
}

bool address_is_public(const struct sockaddr *address)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	if (!address_bytes(address, bytes))
		return false;
	const struct prefix *found = find_prefix(address->sa_family, bytes);
	if (found != NULL && found->v4_at != 0)
		found = find_prefix(AF_INET, bytes + found->v4_at);
	return found == NULL;
}

bool address_is_loopback(const struct sockaddr *address)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	if (!address_bytes(address, bytes))
		return false;
	if (address->sa_family == AF_INET)
		return bytes[0] == 127;
	return memcmp(bytes, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}
