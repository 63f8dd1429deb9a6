/*
 * Addresses that a URL of a client's own may lead to.
 *
 * covers: src/http/address.c
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "harness/suite.h"
#include "http/address.h"
#include "slipway/field.h"

static void assert_public(const char *text, bool is_public)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_storage address;
	memset(&address, 0, sizeof(address));
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		memcpy(&address, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		memcpy(&address, &v6, sizeof(v6));
	else
		ck_abort_msg("%s is no address", text);
	ck_assert_msg(address_is_public((const struct sockaddr *)&address) == is_public,
		"%s is %spublic", text, is_public ? "not " : "");
}

/* The first and the last address of each range, and the addresses that are known by themselves. */
START_TEST(test_no_address_of_a_special_range_is_public)
{
	static const char *const refused[] = {
		"0.0.0.0",
		"0.255.255.255",
		"10.0.0.0",
		"10.255.255.255",
		"100.64.0.0",
		"100.127.255.255",
		"100.100.100.200",
		"127.0.0.1",
		"127.255.255.255",
		"168.63.129.16",
		"169.254.0.0",
		"169.254.169.254",
		"169.254.255.255",
		"172.16.0.0",
		"172.31.255.255",
		"192.0.0.0",
		"192.0.0.192",
		"192.0.0.255",
		"192.0.2.1",
		"192.88.99.1",
		"192.168.0.0",
		"192.168.255.255",
		"198.18.0.0",
		"198.19.255.255",
		"198.51.100.7",
		"203.0.113.9",
		"224.0.0.1",
		"239.255.255.255",
		"240.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"::127.0.0.1",
		"::8.8.8.8",
		"::ffff:127.0.0.1",
		"::ffff:10.1.2.3",
		"::ffff:169.254.169.254",
		"::ffff:0:8.8.8.8",
		"64:ff9b::127.0.0.1",
		"64:ff9b::10.0.0.1",
		"64:ff9b::169.254.169.254",
		"64:ff9b::198.18.0.1",
		"64:ff9b:1::",
		"64:ff9b:1::8.8.8.8",
		"64:ff9b:1:ffff::1",
		"100::1",
		"2001::",
		"2001::1",
		"2001:0:ffff::1",
		"2001:1ff:ffff::1",
		"2001:db8::1",
		"2002::",
		"2002:7f00:1::",
		"2002:808:808::1",
		"2002:ffff::1",
		"3fff::1",
		"4000::1",
		"5f00::1",
		"7fff::1",
		"fc00::1",
		"fd00:ec2::254",
		"fd20:ce::254",
		"fdff::1",
		"fe80::1",
		"febf::1",
		"fec0::1",
		"feff::1",
		"ff02::1",
		"ffff::1",
	};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_public(refused[i], false);
}
END_TEST

/* The neighbours of the ranges, from both sides. */
START_TEST(test_the_addresses_beside_the_special_ranges_are_public)
{
	static const char *const allowed[] = {
		"1.0.0.0",
		"9.255.255.255",
		"11.0.0.0",
		"100.63.255.255",
		"100.128.0.0",
		"126.255.255.255",
		"128.0.0.0",
		"168.63.129.15",
		"168.63.129.17",
		"169.253.255.255",
		"169.255.0.0",
		"172.15.255.255",
		"172.32.0.0",
		"191.255.255.255",
		"192.0.1.0",
		"192.0.3.0",
		"192.88.98.255",
		"192.88.100.0",
		"192.167.255.255",
		"192.169.0.0",
		"198.17.255.255",
		"198.20.0.0",
		"198.51.99.255",
		"198.51.101.0",
		"203.0.112.255",
		"203.0.114.0",
		"223.255.255.255",
		"8.8.8.8",
		"::ffff:8.8.8.8",
		"64:ff9b::8.8.8.8",
		"2000::1",
		"2001:200::1",
		"2001:db7:ffff::1",
		"2001:db9::1",
		"2003::1",
		"2606:4700::1111",
		"2a00:1450::1",
		"3ffe:ffff::1",
	};
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		assert_public(allowed[i], true);
}
END_TEST

START_TEST(test_what_is_no_internet_address_is_neither_public_nor_loopback)
{
	const struct sockaddr unix_socket = { .sa_family = AF_UNIX };
	ck_assert(!address_is_public(&unix_socket));
	ck_assert(!address_is_loopback(&unix_socket));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_no_address_of_a_special_range_is_public,
		test_the_addresses_beside_the_special_ranges_are_public,
		test_what_is_no_internet_address_is_neither_public_nor_loopback, NULL };
	return suite_main("address", tests, NULL, NULL);
}
