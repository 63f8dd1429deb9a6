/*
 * Which addresses a URL of a client's own may lead to: those of the public Internet, and no other.
 */
#ifndef SLIPWAY_HTTP_ADDRESS_H
#define SLIPWAY_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Whether it is a public address: no one of this machine, of a private network, or of what a cloud gives its machines.
 */
bool address_is_public(const struct sockaddr *address);

/* Whether it is one of this machine: 127.0.0.0/8, ::1. */
bool address_is_loopback(const struct sockaddr *address);

#endif
