// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network load of the test guest: answers requests over TCP. A request is a line "same NUMBER"
 * or "differ NUMBER", the answer a line "NUMBER WORDS". Those to `same` follow from the number, so
 * that both sides of a COLO pair give the same one; those to `differ` hold the time-stamp counter,
 * in which no two machines agree. scripts/ask-guest.py asks.
 *
 * usage: answer PORT
 */

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

/* With 17 characters each an answer fits into one packet, whose content is compared at once. */
#define WORDS 32

static void fail(const char *what)
{
	printf("colo-perf guest: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

static uint64_t next_word(uint64_t word)
{
	return word * 6364136223846793005u + 1442695040888963407u;
}

static uint64_t differing_word(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return __rdtsc() ^ ((uint64_t)ts.tv_nsec << 32);
}

/* False if the request is none, or the client is gone. */
static int answer(FILE *client, const char *request)
{
	uint64_t number, word;
	char kind[8];
	int i;

	if (sscanf(request, "%7s %" SCNu64, kind, &number) != 2)
		return 0;
	if (strcmp(kind, "same") == 0)
		word = next_word(number);
	else if (strcmp(kind, "differ") == 0)
		word = differing_word();
	else
		return 0;
	fprintf(client, "%" PRIu64, number);
	for (i = 0; i < WORDS; i++) {
		fprintf(client, " %016" PRIx64, word);
		word = next_word(word);
	}
	fputc('\n', client);
	return fflush(client) == 0;
}

static void serve(int fd)
{
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	const int on = 1;
	char request[64];

	if (!in || !out)
		fail("a connection");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (fgets(request, sizeof(request), in) && answer(out, request))
		;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	const int on = 1;
	int listener;

	if (argc != 2)
		return 2;
	address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	signal(SIGCHLD, SIG_IGN);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0)
		fail("a socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 16))
		fail("listening");
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client < 0)
			continue;
		/* A process for each: a connection whose client is gone without a word blocks no
		 * other. */
		if (fork() == 0) {
			close(listener);
			serve(client);
			_exit(0);
		}
		close(client);
	}
}
