/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * main(): the table of the subcommands, nothing else. Called as
 * colo-perf-COMMAND the program is that subcommand.
 */
#define _GNU_SOURCE /* O_PATH */
#include "colo_perf.h"

#include "base/error.h"
#include "base/printable.h"
#include "flamegraph.h"
#include "live.h"
#include "record.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"record", record_main, "records the checkpoints of running QEMUs with perf"},
	{"report", report_main, "statistics of the checkpoints in a recording"},
	{"flamegraph", flamegraph_main, "where the CPU time of a phase went, as a picture"},
	{"live", live_main, "the statistics of a pair while it runs"},
};

static void print_usage(FILE *out)
{
	fputs("usage: colo-perf COMMAND [OPTION...] [FILE...]\n\ncommands:\n", out);
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
	fputs("\n`colo-perf COMMAND --help` tells more; see also colo-perf(1).\n", out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

int colo_perf_fail(const char *command, enum colo_perf_status status, const char *format, ...)
{
	g_autofree char *message = NULL, *line = NULL;
	va_list args;

	va_start(args, format);
	message = g_strdup_vprintf(format, args);
	va_end(args);
	line = printable(message);
	fprintf(stderr, "colo-perf%s%s: %s\n", command ? " " : "", command ? command : "", line);
	return status;
}

int colo_perf_flush(const char *command, int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	return colo_perf_fail(command, COLO_PERF_FAILED, "cannot write to standard output: %s",
			      error_reason(errno));
}

/*
 * A file that we open must not become a standard stream, into which messages go. What is closed
 * stays as if it was: reading from it and writing to it is EBADF.
 */
static void fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/", O_PATH | O_DIRECTORY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	static const char prefix[] = "colo-perf-";
	g_autofree char *self = g_path_get_basename(argc ? argv[0] : "colo-perf");
	const struct command *command;

	fill_standard_streams();
	/* A file that becomes too large is an error with a line (EFBIG), not a silent death. */
	signal(SIGXFSZ, SIG_IGN);
	if (g_str_has_prefix(self, prefix)) {
		command = find_command(self + strlen(prefix));
		if (command)
			return command->run(argc, argv);
	}
	if (argc < 2) {
		print_usage(stderr);
		return COLO_PERF_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return colo_perf_flush(NULL, COLO_PERF_DONE);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("colo-perf " COLO_PERF_VERSION);
		return colo_perf_flush(NULL, COLO_PERF_DONE);
	}
	command = find_command(argv[1]);
	if (!command)
		return colo_perf_fail(NULL, COLO_PERF_USAGE,
				      "there is no command \"%s\"; see colo-perf --help", argv[1]);
	return command->run(argc - 1, argv + 1);
}
