/*
 * The host name by which a client addresses this server.
 */
#ifndef SLIPWAY_API_HOST_H
#define SLIPWAY_API_HOST_H

#include <stdbool.h>

/*
 * Whether a Host header names this machine's loopback: localhost, an address of 127.0.0.0/8 or
 * [::1], with or without a port.
 */
bool host_is_loopback(const char *host);

#endif
