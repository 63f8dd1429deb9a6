/*
 * Which addresses a URL from a client may reach: only those of the public Internet.
 */
#ifndef SLIPWAY_HTTP_ADDRESS_H
#define SLIPWAY_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Whether it is a public address: not of this machine, of a private network, or of a cloud's
 * metadata service. */
bool address_is_public(const struct sockaddr *address);

/* Whether it is a loopback address: 127.0.0.0/8, ::1. */
bool address_is_loopback(const struct sockaddr *address);

#endif
