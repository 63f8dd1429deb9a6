/*
 * The single request of a program that a web server has started for it.
 */
#ifndef SLIPWAY_API_CGI_H
#define SLIPWAY_API_CGI_H

#include "api/incoming.h"

/* Serves the single request of a CGI program: reads the environment and standard input, writes
 * standard output. */
enum error_class cgi_serve(
	request_handler *handler, void *context, struct error *error) SLIPWAY_MUST_CHECK;

#endif
