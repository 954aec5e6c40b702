/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A path is walked one name at a time, each directory held by a descriptor, so that what was
 * looked at is what is used:
 *
 *     /tmp/out/perf.data      "/" -> "tmp" -> "out" -> nothing or a file "perf.data" there
 *                                             `-> a link of somebody else: refused
 *
 * fs.protected_symlinks, fs.protected_regular and fs.protected_fifos of the kernel do not suffice:
 * they look at the last name only, and at open(), while a file is replaced by rename().
 */
#define _GNU_SOURCE /* O_PATH, renameat2() */
#include "output_place.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MOST_LINKS 40  /* as many as the kernel follows */
#define MOST_TRIES 100 /* for a name that is not taken */

struct output_place {
	char *path; /* Owned by this: as the user wrote it */
	enum output_kind kind;
	int directory;	 /* Owned by this: O_PATH; -1 unless it is a file */
	char *name;	 /* Owned by this: of the file, in the directory */
	int special;	 /* Owned by this: O_PATH; -1 unless it is special */
	int part_fd;	 /* Owned by this; -1: there is no part */
	char *part;	 /* Owned by this: its name in the directory, or NULL */
	char *part_path; /* Owned by this: its path, or NULL */
};

static bool fail(const struct output_place *place, const char *why, GError **error)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot write %s: %s", place->path,
		    why);
	return false;
}

static bool fail_errno(const struct output_place *place, GError **error)
{
	g_autofree char *why =
		g_strdup_printf("%s: choose another file with -o", g_strerror(errno));

	return fail(place, why, error);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- The way there --- */

struct walk {
	struct output_place *place; /* Weak */
	int at;			    /* Owned by this: the directory that was reached, O_PATH */
	GString *rest;		    /* Owned by this: the path from there on */
	guint n_links;
};

enum step {
	STEP_ON,
	STEP_ARRIVED,
	STEP_FAILED
};

static bool go_to(struct walk *walk, int fd, GError **error)
{
	close_fd(&walk->at);
	walk->at = fd;
	return fd >= 0 || fail_errno(walk->place, error);
}

/* Puts a path in front of the rest. An absolute one begins at the root. */
static bool prepend(struct walk *walk, const char *path, GError **error)
{
	if (walk->rest->len)
		g_string_prepend_c(walk->rest, '/');
	g_string_prepend(walk->rest, path);
	return *path != '/' || go_to(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), error);
}

/* The first name of the rest, which loses it; the caller frees it. */
static char *take_name(struct walk *walk)
{
	const char *rest = walk->rest->str, *begin = rest + strspn(rest, "/");
	const size_t len = strcspn(begin, "/");
	const char *end = begin + len;
	char *name = g_strndup(begin, len);

	g_string_erase(walk->rest, 0, end + strspn(end, "/") - rest);
	return name;
}

/* The user's own and root's: everybody else could point to a file that the user may not lose. */
static bool may_follow(const struct stat *link)
{
	return link->st_uid == geteuid() || link->st_uid == 0;
}

static bool follow(struct walk *walk, int link, const struct stat *st, GError **error)
{
	char target[PATH_MAX];
	ssize_t len;

	if (!may_follow(st)) {
		g_autofree char *why =
			g_strdup_printf("it leads through a link of uid %u: name the file that it "
					"points to, or another one, with -o",
					st->st_uid);

		return fail(walk->place, why, error);
	}
	if (++walk->n_links > MOST_LINKS) {
		errno = ELOOP;
		return fail_errno(walk->place, error);
	}
	len = readlinkat(link, "", target, sizeof(target) - 1);
	if (len < 0)
		return fail_errno(walk->place, error);
	target[len] = '\0';
	return prepend(walk, target, error);
}

/*
 * Where everybody may write, but remove only what is theirs, others can have put a file or a FIFO
 * there to read or to keep what comes.
 */
static bool may_use(const struct walk *walk, const struct stat *st, GError **error)
{
	g_autofree char *why = NULL;
	struct stat directory;

	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
		return true;
	if (fstat(walk->at, &directory))
		return fail_errno(walk->place, error);
	if (!(directory.st_mode & S_ISVTX) || !(directory.st_mode & (S_IWOTH | S_IWGRP)) ||
	    st->st_uid == geteuid() || st->st_uid == directory.st_uid)
		return true;
	why = g_strdup_printf("it belongs to uid %u, in a directory where others may write: remove "
			      "it, or name another file with -o",
			      st->st_uid);
	return fail(walk->place, why, error);
}

static enum step arrive_at_file(struct walk *walk, char **name)
{
	walk->place->kind = OUTPUT_FILE;
	walk->place->directory = walk->at;
	walk->at = -1;
	walk->place->name = g_steal_pointer(name);
	return STEP_ARRIVED;
}

/* `*fd` is taken when it is kept. */
static enum step arrive(struct walk *walk, char **name, int *fd, const struct stat *st,
			GError **error)
{
	if (!may_use(walk, st, error))
		return STEP_FAILED;
	if (S_ISREG(st->st_mode))
		return arrive_at_file(walk, name);
	walk->place->kind = S_ISDIR(st->st_mode) ? OUTPUT_DIRECTORY : OUTPUT_SPECIAL;
	walk->place->special = *fd;
	*fd = -1;
	return STEP_ARRIVED;
}

/* Links of /proc are no text, and nobody can plant them: only the kernel can follow them. */
static bool is_of_proc(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* What such a link points to is written to, also when it is a file: standard output is one. */
static enum step follow_proc_link(struct walk *walk, const char *name, bool is_last, GError **error)
{
	int fd = openat(walk->at, name, O_PATH | O_CLOEXEC);
	struct stat st;

	if (!is_last)
		return go_to(walk, fd, error) ? STEP_ON : STEP_FAILED;
	if (fd < 0 || fstat(fd, &st)) {
		fail_errno(walk->place, error);
		close_fd(&fd);
		return STEP_FAILED;
	}
	walk->place->kind = S_ISDIR(st.st_mode) ? OUTPUT_DIRECTORY : OUTPUT_SPECIAL;
	walk->place->special = fd;
	return STEP_ARRIVED;
}

/* `*fd` is what has the name; it is taken when it is kept. */
static enum step take_step(struct walk *walk, char **name, int *fd, GError **error)
{
	const bool is_last = !walk->rest->len;
	struct stat st;

	if (fstat(*fd, &st)) {
		fail_errno(walk->place, error);
		return STEP_FAILED;
	}
	if (S_ISLNK(st.st_mode) && is_of_proc(*fd))
		return follow_proc_link(walk, *name, is_last, error);
	if (S_ISLNK(st.st_mode))
		return follow(walk, *fd, &st, error) ? STEP_ON : STEP_FAILED;
	if (is_last)
		return arrive(walk, name, fd, &st, error);
	/* Of what is no directory the next step says so. */
	go_to(walk, *fd, error);
	*fd = -1;
	return STEP_ON;
}

/* A name in the directory that was reached, as it is, also when it is a link. */
static int open_name(const struct walk *walk, const char *name)
{
	const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
	/* Without O_DIRECTORY nothing is mounted by an automounter. */
	const int fd = walk->rest->len ? openat(walk->at, name, flags | O_DIRECTORY) : -1;

	return fd >= 0 ? fd : openat(walk->at, name, flags);
}

static enum step step(struct walk *walk, GError **error)
{
	g_autofree char *name = take_name(walk);
	int fd = open_name(walk, name);
	enum step result;

	if (fd >= 0) {
		result = take_step(walk, &name, &fd, error);
		close_fd(&fd);
		return result;
	}
	if (errno == ENOENT && *name && !walk->rest->len)
		return arrive_at_file(walk, &name);
	fail_errno(walk->place, error);
	return STEP_FAILED;
}

static bool find(struct output_place *place, GError **error)
{
	struct walk walk = {.place = place, .at = -1, .rest = g_string_new(NULL)};
	enum step result = STEP_FAILED;

	if (go_to(&walk, open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), error) &&
	    prepend(&walk, place->path, error)) {
		/* So that "a/" is a directory. */
		if (g_str_has_suffix(place->path, "/"))
			g_string_append_c(walk.rest, '.');
		do
			result = step(&walk, error);
		while (result == STEP_ON);
	}
	close_fd(&walk.at);
	g_string_free(walk.rest, TRUE);
	return result == STEP_ARRIVED;
}

struct output_place *output_place_find(const char *path, GError **error)
{
	struct output_place *place = g_new0(struct output_place, 1);

	place->path = g_strdup(path);
	place->directory = place->special = place->part_fd = -1;
	if (find(place, error))
		return place;
	output_place_free(place);
	return NULL;
}

enum output_kind output_place_kind(const struct output_place *place)
{
	return place->kind;
}

int output_place_open_special(const struct output_place *place, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", place->special);
	const int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		fail_errno(place, error);
	return fd;
}

/* --- The part --- */

static char *new_part_name(const struct output_place *place)
{
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = g_random_int();
	return g_strdup_printf("%s.part.%08x", place->name, number);
}

static char *path_of_part(const struct output_place *place)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", place->directory);
	g_autofree char *directory = g_file_read_link(link, NULL);

	return directory ? g_build_filename(directory, place->part, NULL) : g_strdup(place->part);
}

int output_place_begin(struct output_place *place, mode_t mode, GError **error)
{
	for (int i = 0; i < MOST_TRIES; i++) {
		g_autofree char *name = new_part_name(place);

		place->part_fd = openat(place->directory, name,
					O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (place->part_fd >= 0) {
			place->part = g_steal_pointer(&name);
			place->part_path = path_of_part(place);
			return place->part_fd;
		}
		if (errno != EEXIST)
			break;
	}
	fail_errno(place, error);
	return -1;
}

const char *output_place_part(const struct output_place *place)
{
	return place->part_path;
}

void output_place_leave_part(struct output_place *place)
{
	g_clear_pointer(&place->part, g_free);
	g_clear_pointer(&place->part_path, g_free);
	close_fd(&place->part_fd);
}

/* A second name fails where there is a file, on any file system that knows second names. */
static bool add_name(const struct output_place *place)
{
	if (linkat(place->directory, place->part, place->directory, place->name, 0))
		return false;
	unlinkat(place->directory, place->part, 0);
	return true;
}

static bool give_name(const struct output_place *place, bool replaces)
{
	const unsigned int flags = replaces ? 0 : RENAME_NOREPLACE;

	if (!renameat2(place->directory, place->part, place->directory, place->name, flags))
		return true;
	/* Some file systems do not know the flag. */
	return !replaces && errno == EINVAL && add_name(place);
}

bool output_place_finish(struct output_place *place, bool replaces, GError **error)
{
	if (!give_name(place, replaces))
		return !replaces && errno == EEXIST ? false : fail_errno(place, error);
	output_place_leave_part(place);
	return true;
}

void output_place_free(struct output_place *place)
{
	if (!place)
		return;
	if (place->part)
		unlinkat(place->directory, place->part, 0);
	output_place_leave_part(place);
	close_fd(&place->directory);
	close_fd(&place->special);
	g_free(place->name);
	g_free(place->path);
	g_free(place);
}
