// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The disk load of the test guest: writes block after block, past the page cache, at a chosen rate,
 * with content that is different each time, and from the start again at the end of the disk. It
 * measures nothing.
 *
 * usage: dirty-disk DEVICE MIB-PER-SECOND
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_SIZE (64 * 1024)
#define MIB	   (1024 * 1024)
#define NS_PER_S   1000000000

static void fail(const char *what, const char *device)
{
	printf("colo-perf guest: %s %s: %s\n", what, device, strerror(errno));
	fflush(stdout);
	exit(1);
}

int main(int argc, char **argv)
{
	uint64_t rate_mib_s, written = 0;
	struct timespec pause = {0};
	off_t size, at = 0;
	uint64_t *block;
	int fd;

	if (argc != 3)
		return 2;
	rate_mib_s = strtoull(argv[2], NULL, 10);
	if (rate_mib_s == 0)
		return 0;
	fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0)
		fail("cannot open", argv[1]);
	size = lseek(fd, 0, SEEK_END);
	block = aligned_alloc(4096, BLOCK_SIZE);
	if (size < BLOCK_SIZE || !block)
		fail("cannot use", argv[1]);
	memset(block, 0, BLOCK_SIZE);
	pause.tv_nsec = (long)((uint64_t)NS_PER_S * BLOCK_SIZE / (rate_mib_s * MIB));
	for (;;) {
		size_t word;

		/* A word in each sector: no sector is what it was before. */
		for (word = 0; word < BLOCK_SIZE / sizeof(*block); word += 512 / sizeof(*block))
			block[word] = ++written;
		if (pwrite(fd, block, BLOCK_SIZE, at) != BLOCK_SIZE)
			fail("cannot write to", argv[1]);
		at = at + 2 * BLOCK_SIZE <= size ? at + BLOCK_SIZE : 0;
		/* What the write itself takes comes on top: the rate is a limit. */
		nanosleep(&pause, NULL);
	}
}
