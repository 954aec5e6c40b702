/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From notes to lines of uprobe_events.
 */
#include "probes/program_probes.h"

#include "base/error.h"
#include "colo/probe.h"
#include "probes/sdt_notes.h"
#include "probes/tracefs.h"
#include "probes/uprobe_arguments.h"

#include <string.h>

#define PROVIDER "qemu"
/* QEMU's own probes, of its trace backend dtrace, are of the same provider. */
#define PREFIX "colo_"

static void probe_free(gpointer data)
{
	struct program_probe *probe = data;

	g_free(probe->name);
	g_ptr_array_unref(probe->sites);
	g_free(probe);
}

static struct program_probe *find_probe(GPtrArray *probes, const char *name)
{
	struct program_probe *probe;

	for (guint i = 0; i < probes->len; i++) {
		probe = g_ptr_array_index(probes, i);
		if (!strcmp(probe->name, name))
			return probe;
	}
	probe = g_new0(struct program_probe, 1);
	probe->name = g_strdup(name);
	probe->sites = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(probes, probe);
	return probe;
}

bool program_probe_has_site(const struct program_probe *probe, const char *site)
{
	return g_ptr_array_find_with_equal_func(probe->sites, site, g_str_equal, NULL);
}

static bool fail(const char *path, const struct sdt_site *site, const char *what, GError **error)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED, "%s: the probe %s %s",
		    path, site->name, what);
	return false;
}

static bool add_site(GPtrArray *probes, const struct sdt_site *site, const char *path,
		     GError **error)
{
	g_autofree char *arguments = NULL, *text = NULL;
	struct program_probe *probe;

	/* The kernel would count it up and down, at an offset that the file chooses. */
	if (site->has_semaphore)
		return fail(path, site, "has a semaphore, and those of sdt-probes.patch have none",
			    error);
	arguments = uprobe_arguments(site->arguments, error);
	if (!arguments) {
		g_prefix_error(error, "%s: probe %s: ", path, site->name);
		return false;
	}
	probe = find_probe(probes, site->name);
	text = uprobe_site(site->offset, arguments);
	/* The kernel refuses the same place twice. */
	if (program_probe_has_site(probe, text))
		return true;
	if (probe->sites->len >= PROGRAM_PROBES_MAX_SITES)
		return fail(path, site,
			    "is in more than " G_STRINGIFY(PROGRAM_PROBES_MAX_SITES) " places",
			    error);
	g_ptr_array_add(probe->sites, g_steal_pointer(&text));
	return true;
}

/* `data` is a bool: there are others. */
static bool is_wanted(const char *name, void *data)
{
	bool *has_others = data;

	if (colo_probe_is_name(name))
		return true;
	*has_others = *has_others || g_str_has_prefix(name, PREFIX);
	return false;
}

GPtrArray *program_probes_read(const struct program *program, bool *has_others, GError **error)
{
	bool others = false;
	g_autoptr(GPtrArray) sites =
		sdt_notes_read(program->fd, program->path, PROVIDER, is_wanted, &others, error);
	g_autoptr(GPtrArray) probes = g_ptr_array_new_with_free_func(probe_free);

	if (!sites)
		return NULL;
	for (guint i = 0; i < sites->len; i++)
		if (!add_site(probes, g_ptr_array_index(sites, i), program->path, error))
			return NULL;
	if (has_others)
		*has_others = others;
	if (probes->len)
		return g_steal_pointer(&probes);
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NO_PROBES,
		    "%s has no COLO probes: build QEMU with qemu-patch/sdt-probes.patch and "
		    "systemtap-sdt-dev, as scripts/build-qemu.sh does",
		    program->path);
	return NULL;
}

static bool probe_is_equal(const struct program_probe *one, const struct program_probe *two)
{
	if (strcmp(one->name, two->name) || one->sites->len != two->sites->len)
		return false;
	for (guint i = 0; i < one->sites->len; i++)
		if (strcmp(one->sites->pdata[i], two->sites->pdata[i]))
			return false;
	return true;
}

bool program_probes_are_equal(const GPtrArray *one, const GPtrArray *two)
{
	if (one->len != two->len)
		return false;
	for (guint i = 0; i < one->len; i++)
		if (!probe_is_equal(one->pdata[i], two->pdata[i]))
			return false;
	return true;
}

bool program_has_probes(const struct program *program, GError **error)
{
	g_autoptr(GPtrArray) probes = program_probes_read(program, NULL, error);

	return probes != NULL;
}
