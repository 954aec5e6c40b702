/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Cuts recordings and changes single bytes of them, and runs the whole report on each: it must
 * neither crash nor hang, end with a status that it may end with, and say in one line why it
 * refuses a file. Of a cut recording each complete checkpoint must have the numbers of the whole
 * one.
 *
 * The report runs in this process, in a worker that is forked: what ends a worker is a finding, and
 * the next one goes on behind it. Prints TAP; --help tells the options.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "colo_perf.h"
#include "damage/checkpoints.h"
#include "fuzz/memory_file.h"
#include "lib/dice.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

int colo_perf_main(int argc, char **argv); /* main() of src/colo_perf.c */

#define DEFAULT_CASES  120
#define DEFAULT_SEED   1
#define N_NEAR	       (64u << 10) /* with --all: cuts at each of the first bytes, */
#define N_CUTS	       2000u	   /* at so many others, */
#define N_FLIPS	       20000u	   /* and so many changed bytes */
#define LONGEST_S      2	   /* of CPU, which a busy machine does not lengthen */
#define SHOWN_FINDINGS 10

enum damage_kind {
	DAMAGE_CUT_NEAR, /* within the first N_NEAR bytes */
	DAMAGE_CUT,
	DAMAGE_FLIP,
	DAMAGE_N_KINDS,
};

static const char *const kind_names[] = {
	[DAMAGE_CUT_NEAR] = "cut in the first 64 KiB",
	[DAMAGE_CUT] = "cut anywhere",
	[DAMAGE_FLIP] = "one byte changed",
};

struct damage {
	enum damage_kind kind;
	guint at;	/* bytes from the start */
	guint8 changed; /* DAMAGE_FLIP: xor, not 0 */
};

/* What the workers tell the parent: memory that they share. */
struct progress {
	guint next; /* the case under way */
	guint n_findings[DAMAGE_N_KINDS];
	guint n_statuses[4]; /* how often the report ended so */
	guint n_complete;    /* checkpoints that were compared */
};

struct recording {
	const char *path;
	char *bytes; /* Owned by this */
	gsize size;
	struct checkpoints *checkpoints; /* Owned by this: of the whole one */
};

/* Where the report writes, in place of the standard streams. */
static struct {
	char *dir; /* without any file */
	char *no_kallsyms;
	const char *formats; /* for recordings whose own are cut off: the whole one */
	int out, err;	     /* descriptors of files in memory */
	FILE *results;	     /* what was standard output */
} streams;

static struct progress *progress;

static void G_GNUC_PRINTF(1, 2) say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(streams.results, format, args);
	va_end(args);
	fflush(streams.results);
}

static int memory_fd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static char *read_fd(int fd)
{
	const off_t size = lseek(fd, 0, SEEK_END);
	char *text = g_malloc0((gsize)size + 1);

	g_assert_cmpint(pread(fd, text, (gsize)size, 0), ==, size);
	return text;
}

/* The report must not depend on what is on this machine. */
static void open_streams(void)
{
	g_autoptr(GError) error = NULL;

	streams.results = fdopen(dup(STDOUT_FILENO), "w");
	g_assert_nonnull(streams.results);
	streams.out = memory_fd("stdout");
	streams.err = memory_fd("stderr");
	streams.dir = g_dir_make_tmp("colo-perf-damage-XXXXXX", &error);
	g_assert_no_error(error);
	streams.no_kallsyms = g_build_filename(streams.dir, "kallsyms", NULL);
	g_assert_true(g_file_set_contents(streams.no_kallsyms, "", 0, NULL));
	g_setenv("HOME", streams.dir, TRUE);
}

static void close_streams(void)
{
	g_unlink(streams.no_kallsyms);
	g_rmdir(streams.dir);
	g_free(streams.no_kallsyms);
	g_free(streams.dir);
}

static void rewind_fd(int fd)
{
	g_assert_cmpint(ftruncate(fd, 0), ==, 0);
	g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
}

/* What one run of the report left; the caller frees the texts. */
struct outcome {
	int status;
	char *out, *err;
};

static void outcome_clear(struct outcome *outcome)
{
	g_free(outcome->out);
	g_free(outcome->err);
}

/* `view`: an option more, or NULL for the text. */
static struct outcome run_report(const char *path, const char *view)
{
	const char *argv[] = {"colo-perf",  "report",
			      "--symfs",    streams.dir,
			      "--kallsyms", streams.no_kallsyms,
			      "--formats",  streams.formats,
			      path,	    view,
			      NULL};
	struct outcome outcome;

	rewind_fd(streams.out);
	rewind_fd(streams.err);
	clearerr(stdout);
	outcome.status = colo_perf_main((int)g_strv_length((char **)argv), (char **)argv);
	fflush(stdout);
	outcome.out = read_fd(streams.out);
	outcome.err = read_fd(streams.err);
	return outcome;
}

static bool is_one_line(const char *text)
{
	const char *newline = strchr(text, '\n');

	return newline && newline != text && !newline[1];
}

/* NULL, or what is wrong with it. */
static const char *judge(const struct outcome *outcome, const char *path)
{
	switch (outcome->status) {
	case COLO_PERF_DONE:
		if (*outcome->err)
			return "status 0, and something on stderr";
		return *outcome->out ? NULL : "status 0, and nothing on stdout";
	case COLO_PERF_FAILED:
	case COLO_PERF_NO_DATA:
		if (!is_one_line(outcome->err))
			return "not one line on stderr";
		return strstr(outcome->err, path) ? NULL : "an error that does not name the file";
	default:
		return "a status that it must not end with";
	}
}

static void describe(const struct damage *damage, char *text, gsize size)
{
	if (damage->kind == DAMAGE_FLIP)
		g_snprintf(text, size, "flip:%u:%u", damage->at, damage->changed);
	else
		g_snprintf(text, size, "cut:%u", damage->at);
}

static void add_finding(const struct recording *recording, const struct damage *damage,
			const char *what, const char *text)
{
	const guint n = progress->n_findings[damage->kind]++;
	g_auto(GStrv) lines = g_strsplit(text, "\n", 8);
	char name[64];

	if (n >= SHOWN_FINDINGS)
		return;
	describe(damage, name, sizeof(name));
	say("# %s, --case %s: %s\n", recording->path, name, what);
	for (guint i = 0; lines[i] && i < 7; i++)
		say("#     %s\n", lines[i]);
}

/* The bytes as they are damaged; the caller frees them. */
static uint8_t *damaged(const struct recording *recording, const struct damage *damage, gsize *size)
{
	uint8_t *bytes = g_memdup2(recording->bytes, recording->size);

	*size = recording->size;
	if (damage->kind == DAMAGE_FLIP)
		bytes[damage->at] ^= damage->changed;
	else
		*size = damage->at;
	return bytes;
}

static void compare(const struct recording *recording, const struct damage *damage,
		    const char *path, int status)
{
	struct outcome csv = run_report(path, "--csv");
	g_autofree char *wrong = NULL;

	if (csv.status != status)
		add_finding(recording, damage, "--csv ends with another status", csv.err);
	else if (!status)
		wrong = checkpoints_compare(recording->checkpoints, csv.out, &progress->n_complete);
	if (wrong)
		add_finding(recording, damage, "a complete checkpoint with other numbers", wrong);
	outcome_clear(&csv);
}

static void run_case(const struct recording *recording, const struct damage *damage)
{
	const struct itimerval longest = {.it_value.tv_sec = LONGEST_S};
	g_autofree uint8_t *bytes = NULL;
	struct outcome outcome;
	const char *path, *wrong;
	gsize size;

	bytes = damaged(recording, damage, &size);
	path = memory_file_path(bytes, size);
	setitimer(ITIMER_PROF, &longest, NULL);
	/* Half of what was changed is shown in the other of the two views that show all. */
	outcome = run_report(path,
			     damage->kind == DAMAGE_FLIP && damage->changed % 2 ? "--json" : NULL);
	wrong = judge(&outcome, path);
	if (wrong)
		add_finding(recording, damage, wrong, outcome.err);
	else
		progress->n_statuses[outcome.status]++;
	if (!wrong && damage->kind != DAMAGE_FLIP)
		compare(recording, damage, path, outcome.status);
	outcome_clear(&outcome);
}

static void G_GNUC_NORETURN work(const struct recording *recording, const GArray *damages)
{
	dup2(streams.out, STDOUT_FILENO);
	dup2(streams.err, STDERR_FILENO);
	for (; progress->next < damages->len; progress->next++)
		run_case(recording, &g_array_index(damages, struct damage, progress->next));
	/* Here LeakSanitizer looks at all of them together. */
	exit(0);
}

/* How a worker ended that should not have; NULL when it is done. */
static const char *finding_of(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGPROF ? "more than 2 s of CPU" : "a signal";
	return WEXITSTATUS(status) ? "a sanitizer's finding, or exit()" : NULL;
}

static void run_all(const struct recording *recording, const GArray *damages)
{
	for (progress->next = 0; progress->next < damages->len; progress->next++) {
		const pid_t pid = fork();
		const char *what;
		int status;

		g_assert_cmpint(pid, >=, 0);
		if (!pid)
			work(recording, damages);
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		what = finding_of(status);
		if (what) {
			const guint last = MIN(progress->next, damages->len - 1);
			g_autofree char *err = read_fd(streams.err);

			add_finding(recording, &g_array_index(damages, struct damage, last), what,
				    err);
		}
	}
}

/* Of the whole recording, by a worker of its own: this process stays as it is. */
static void load_whole(struct recording *recording)
{
	const pid_t pid = fork();
	g_autofree char *csv = NULL;
	int status;

	if (!pid) {
		struct outcome outcome;

		dup2(streams.out, STDOUT_FILENO);
		outcome = run_report(recording->path, "--csv");
		outcome_clear(&outcome);
		exit(outcome.status);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == COLO_PERF_DONE);
	csv = read_fd(streams.out);
	recording->checkpoints = checkpoints_new(csv);
	g_assert_cmpuint(checkpoints_count(recording->checkpoints), >, 0);
}

/* --- Which damages --- */

struct options {
	int cases, seed;
	gboolean all;
	char *one;    /* Owned by this: --case */
	char *keep;   /* Owned by this: where to write that one */
	char **paths; /* Owned by this */
};

static void add_random(GArray *damages, enum damage_kind kind, guint n, gsize size,
		       struct dice *dice)
{
	const gsize end = kind == DAMAGE_CUT_NEAR ? MIN(size, N_NEAR) : size;

	for (guint i = 0; i < n; i++) {
		const struct damage damage = {.kind = kind,
					      .at = dice_range(dice, 0, (guint)end),
					      .changed = (guint8)dice_range(dice, 1, 256)};

		g_array_append_val(damages, damage);
	}
}

static GArray *choose(const struct options *options, gsize size)
{
	GArray *damages = g_array_new(FALSE, FALSE, sizeof(struct damage));
	struct dice dice = dice_of((guint64)options->seed);
	const guint third = (guint)options->cases / 3;

	if (options->all) {
		for (guint at = 0; at < MIN(size, N_NEAR); at++) {
			const struct damage damage = {.kind = DAMAGE_CUT_NEAR, .at = at};

			g_array_append_val(damages, damage);
		}
	} else {
		add_random(damages, DAMAGE_CUT_NEAR, third, size, &dice);
	}
	add_random(damages, DAMAGE_CUT, options->all ? N_CUTS : third, size, &dice);
	add_random(damages, DAMAGE_FLIP, options->all ? N_FLIPS : third, size, &dice);
	return damages;
}

/* "cut:AT" or "flip:AT:XOR", as findings are named. */
static GArray *choose_one(const char *text, gsize size)
{
	GArray *damages = g_array_new(FALSE, FALSE, sizeof(struct damage));
	struct damage damage = {.kind = DAMAGE_CUT};
	guint changed = 0;

	if (sscanf(text, "flip:%u:%u", &damage.at, &changed) == 2)
		damage.kind = DAMAGE_FLIP;
	else if (sscanf(text, "cut:%u", &damage.at) != 1)
		g_error("--case %s: expected cut:AT or flip:AT:XOR", text);
	damage.changed = (guint8)changed;
	g_assert_cmpuint(damage.at, <, size);
	g_array_append_val(damages, damage);
	return damages;
}

static void keep(const struct recording *recording, const struct damage *damage, const char *path)
{
	gsize size;
	g_autofree uint8_t *bytes = damaged(recording, damage, &size);
	g_autoptr(GError) error = NULL;

	if (!g_file_set_contents(path, (const char *)bytes, (gssize)size, &error))
		g_error("%s", error->message);
}

static guint test_recording(const char *path, const struct options *options, guint n_tests)
{
	struct recording recording = {.path = path};
	g_autofree char *name = g_path_get_basename(path);
	g_autoptr(GArray) damages = NULL;
	g_autoptr(GError) error = NULL;
	guint n_failed = 0;

	if (!g_file_get_contents(path, &recording.bytes, &recording.size, &error))
		g_error("%s", error->message);
	streams.formats = path;
	load_whole(&recording);
	damages = options->one ? choose_one(options->one, recording.size)
			       : choose(options, recording.size);
	if (options->keep)
		keep(&recording, &g_array_index(damages, struct damage, 0), options->keep);
	memset(progress, 0, sizeof(*progress));
	run_all(&recording, damages);
	for (guint kind = 0; kind < DAMAGE_N_KINDS; kind++) {
		const guint n = progress->n_findings[kind];

		say("%s %u - %s: %s\n", n ? "not ok" : "ok", n_tests + kind + 1, name,
		    kind_names[kind]);
		n_failed += n;
	}
	say("# %u cases, seed %d: status 0 %u times, 1 %u times, 3 %u times; %u checkpoints "
	    "compared, "
	    "%u findings\n",
	    damages->len, options->seed, progress->n_statuses[0], progress->n_statuses[1],
	    progress->n_statuses[3], progress->n_complete, n_failed);
	checkpoints_free(recording.checkpoints);
	g_free(recording.bytes);
	return n_failed;
}

static bool parse(struct options *options, int *argc, char ***argv)
{
	const GOptionEntry entries[] = {
		{"all", 0, 0, G_OPTION_ARG_NONE, &options->all,
		 "every cut of the first 64 KiB, 2,000 others, 20,000 changed bytes", NULL},
		{"cases", 0, 0, G_OPTION_ARG_INT, &options->cases, "so many, a third of each kind",
		 "N"},
		{"seed", 0, 0, G_OPTION_ARG_INT, &options->seed, "other ones", "S"},
		{"case", 0, 0, G_OPTION_ARG_STRING, &options->one, "this one alone",
		 "cut:AT|flip:AT:XOR"},
		{"keep", 0, 0, G_OPTION_ARG_FILENAME, &options->keep, "write that one to FILE",
		 "FILE"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->paths, NULL,
		 NULL},
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("RECORDING...");
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	if (g_option_context_parse(context, argc, argv, &error) && options->paths)
		return true;
	g_printerr("damage: %s\n", error ? error->message : "which recordings?");
	return false;
}

int main(int argc, char **argv)
{
	struct options options = {.cases = DEFAULT_CASES, .seed = DEFAULT_SEED};
	guint n_failed = 0, n_tests = 0;

	if (!parse(&options, &argc, &argv))
		return 2;
	open_streams();
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	g_assert_true(progress != MAP_FAILED);
	say("1..%u\n", g_strv_length(options.paths) * DAMAGE_N_KINDS);
	for (char **path = options.paths; *path; path++, n_tests += DAMAGE_N_KINDS)
		n_failed += test_recording(*path, &options, n_tests);
	close_streams();
	fclose(streams.results);
	g_strfreev(options.paths);
	g_free(options.one);
	g_free(options.keep);
	return n_failed > 0;
}
