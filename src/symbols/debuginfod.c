/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * libdebuginfod is loaded when it is first needed, as libdwfl does it: few have a server, and it
 * brings libcurl with it. Its own limits hold for each server, each build-id and each of three
 * attempts; here its progress function ends a question when all of them have waited for too long.
 */
#include "symbols/debuginfod.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY		"libdebuginfod.so.1"
#define DEFAULT_LIMIT_S 10
#define LONGEST_LIMIT_S 86400
#define SAY_AFTER_S	1

/* /usr/include/elfutils/debuginfod.h, of libdebuginfod-dev, which is not needed to build. */
typedef struct debuginfod_client debuginfod_client;
typedef int (*progress_function)(debuginfod_client *client, long done, long total);

static struct library {
	bool looked;			   /* the rest is known */
	debuginfod_client *(*begin)(void); /* NULL: the library is not there */
	void (*end)(debuginfod_client *client);
	void (*set_progress)(debuginfod_client *client, progress_function function);
	void (*set_user_data)(debuginfod_client *client, void *data);
	void *(*get_user_data)(debuginfod_client *client);
	int (*find_debuginfo)(debuginfod_client *client, const unsigned char *id, int size,
			      char **path);
} library;

struct debuginfod {
	debuginfod_waits waits; /* NULL: nobody is told */
	void *data;		/* Weak */
	char *urls;		/* Owned by this */
	double limit_s;
	debuginfod_client *client; /* Owned by this; NULL until the first question */
	GArray *misses;		   /* Owned by this: struct build_id */
	char *problem;		   /* Owned by this; not NULL: nothing is asked any more */

	/* Seconds in which nothing came, in all questions before this one. */
	double waited_s;
	gint64 since_us; /* monotonic: when this question began, or when something came last */
	long done;	 /* bytes that have come */
	bool said;
};

static double limit_of_environment(void)
{
	const char *text = getenv("DEBUGINFOD_TIMEOUT");
	const double limit = text ? g_ascii_strtod(text, NULL) : 0;

	return limit > 0 && limit < LONGEST_LIMIT_S ? limit : DEFAULT_LIMIT_S;
}

struct debuginfod *debuginfod_new(debuginfod_waits waits, void *data)
{
	struct debuginfod *debuginfod = g_new0(struct debuginfod, 1);

	debuginfod->waits = waits;
	debuginfod->data = data;
	debuginfod->urls = g_strdup(getenv("DEBUGINFOD_URLS"));
	debuginfod->limit_s = limit_of_environment();
	debuginfod->misses = g_array_new(FALSE, FALSE, sizeof(struct build_id));
	return debuginfod;
}

void debuginfod_free(struct debuginfod *debuginfod)
{
	if (!debuginfod)
		return;
	if (debuginfod->client)
		library.end(debuginfod->client);
	g_array_unref(debuginfod->misses);
	g_free(debuginfod->problem);
	g_free(debuginfod->urls);
	g_free(debuginfod);
}

/* Seconds in which nothing came, in this question and in those before it. */
static double waited_s(const struct debuginfod *debuginfod)
{
	const gint64 silent_us = g_get_monotonic_time() - debuginfod->since_us;

	return debuginfod->waited_s + (double)silent_us / G_USEC_PER_SEC;
}

/*
 * Called by libdebuginfod again and again. Anything but 0 ends the question. Without a `total`
 * there is no file yet, and `done` counts the calls.
 */
static int on_progress(debuginfod_client *client, long done, long total)
{
	struct debuginfod *debuginfod = library.get_user_data(client);

	if (total > 0 && done > debuginfod->done) {
		debuginfod->done = done;
		debuginfod->since_us = g_get_monotonic_time();
	}
	if (waited_s(debuginfod) >= SAY_AFTER_S && !debuginfod->said) {
		debuginfod->said = true;
		if (debuginfod->waits)
			debuginfod->waits(debuginfod->urls, debuginfod->limit_s, debuginfod->data);
	}
	return waited_s(debuginfod) >= debuginfod->limit_s;
}

/* Once for all: it stays loaded, as libcurl wants it. */
static bool load(void)
{
	const struct {
		const char *name;
		void *function;
	} rows[] = {
		{"debuginfod_begin", &library.begin},
		{"debuginfod_end", &library.end},
		{"debuginfod_set_progressfn", &library.set_progress},
		{"debuginfod_set_user_data", &library.set_user_data},
		{"debuginfod_get_user_data", &library.get_user_data},
		{"debuginfod_find_debuginfo", &library.find_debuginfo},
	};
	void *handle = library.looked ? NULL : dlopen(LIBRARY, RTLD_LAZY);

	library.looked = true;
	for (size_t i = 0; handle && i < G_N_ELEMENTS(rows); i++) {
		void *function = dlsym(handle, rows[i].name);

		if (!function) {
			library.begin = NULL;
			break;
		}
		memcpy(rows[i].function, &function, sizeof(function));
	}
	return library.begin != NULL;
}

/* False when nobody can be asked. */
static bool begin(struct debuginfod *debuginfod)
{
	if (!debuginfod->urls || !*debuginfod->urls || debuginfod->problem)
		return false;
	if (debuginfod->client)
		return true;
	debuginfod->client = load() ? library.begin() : NULL;
	if (!debuginfod->client) {
		debuginfod->problem =
			g_strdup("DEBUGINFOD_URLS is set, but " LIBRARY " cannot be used");
		return false;
	}
	library.set_user_data(debuginfod->client, debuginfod);
	library.set_progress(debuginfod->client, on_progress);
	return true;
}

static int ask(struct debuginfod *debuginfod, const struct build_id *id)
{
	int fd;

	debuginfod->since_us = g_get_monotonic_time();
	debuginfod->done = 0;
	fd = library.find_debuginfo(debuginfod->client, id->bytes, (int)id->size, NULL);
	debuginfod->waited_s = waited_s(debuginfod);
	if (debuginfod->waited_s >= debuginfod->limit_s && fd < 0)
		debuginfod->problem = g_strdup_printf(
			"DEBUGINFOD_URLS (%s) did not answer within %g s, after which it was not "
			"asked again (--no-debuginfod does not ask, DEBUGINFOD_TIMEOUT=S waits for "
			"longer)",
			debuginfod->urls, debuginfod->limit_s);
	return MAX(fd, -1);
}

static bool was_missed(const struct debuginfod *debuginfod, const struct build_id *id)
{
	for (guint i = 0; i < debuginfod->misses->len; i++) {
		if (build_id_equal(&g_array_index(debuginfod->misses, struct build_id, i), id))
			return true;
	}
	return false;
}

int debuginfod_find(struct debuginfod *debuginfod, const struct build_id *id)
{
	int fd;

	if (!begin(debuginfod) || was_missed(debuginfod, id))
		return -1;
	fd = ask(debuginfod, id);
	if (fd < 0)
		g_array_append_val(debuginfod->misses, *id);
	return fd;
}

const char *debuginfod_problem(const struct debuginfod *debuginfod)
{
	return debuginfod->problem;
}
