/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Holds the addresses of hits against the places of uprobes.
 */
#include "perfdata/uprobe_sites.h"

#include "base/hash.h"
#include "base/string_table.h"

#include <glib.h>
#include <string.h>

#define UPROBE_EVENTS "uprobe_events"
#define MOST_SEEN     65536 /* probes of processes that are looked at: a QEMU has some 40 */
#define PAGE_MASK     UINT64_C(0xfff) /* programs are mapped in pages, of 4 KiB or more */

/* A place in a file: of a uprobe; or, for its start, in the memory of a process. */
struct site {
	const char *file; /* Weak: equal names are the same pointer */
	uint64_t offset;  /* bytes */
};

struct uprobe_sites {
	struct string_table *files; /* Owned by this: what the sites are in */
	GHashTable *by_event; /* Owned by this: name (owned) to GArray (owned) of struct site */
	GHashTable *starts; /* Owned by this: pid to GArray (owned) of struct site that are left */
	GHashTable *seen;   /* Owned by this: "pid event" (owned) of hits that were looked at */
};

static GArray *sites_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(struct site));
}

static const struct site *site_at(const GArray *sites, guint index)
{
	return &g_array_index(sites, struct site, index);
}

/* "p:SYSTEM/EVENT FILE:0xOFFSET ..." */
static void read_line(struct uprobe_sites *sites, const char *line, const char *prefix)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	const char *event =
		words[0] && g_str_has_prefix(words[0], prefix) ? words[0] + strlen(prefix) : NULL;
	char *colon = event && words[1] ? strrchr(words[1], ':') : NULL;
	struct site site;
	GArray *of_event;

	if (!colon)
		return;
	*colon = '\0';
	site.file = string_table_add(sites->files, words[1]);
	site.offset = g_ascii_strtoull(colon + 1, NULL, 0);
	of_event = g_hash_table_lookup(sites->by_event, event);
	if (!of_event) {
		of_event = sites_new();
		g_hash_table_insert(sites->by_event, g_strdup(event), of_event);
	}
	g_array_append_val(of_event, site);
}

struct uprobe_sites *uprobe_sites_read(const char *directory, const char *system)
{
	g_autofree char *path = g_build_filename(directory, UPROBE_EVENTS, NULL);
	g_autofree char *prefix = g_strdup_printf("p:%s/", system);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct uprobe_sites *sites;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return NULL;
	sites = g_new0(struct uprobe_sites, 1);
	sites->files = string_table_new();
	sites->by_event = g_hash_table_new_full(hash_string, g_str_equal, g_free,
						(GDestroyNotify)g_array_unref);
	sites->starts =
		g_hash_table_new_full(hash_pointer, NULL, NULL, (GDestroyNotify)g_array_unref);
	sites->seen = g_hash_table_new_full(hash_string, g_str_equal, g_free, NULL);
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		read_line(sites, *line, prefix);
	return sites;
}

void uprobe_sites_free(struct uprobe_sites *sites)
{
	if (!sites)
		return;
	string_table_free(sites->files);
	g_hash_table_unref(sites->by_event);
	g_hash_table_unref(sites->starts);
	g_hash_table_unref(sites->seen);
	g_free(sites);
}

/* Where the program would have been mapped for the hit to be of one of the sites. */
static GArray *starts_of(const GArray *of_event, uint64_t address)
{
	GArray *starts = sites_new();

	for (guint i = 0; of_event && i < of_event->len; i++) {
		struct site start = *site_at(of_event, i);

		start.offset = address - start.offset;
		if (!(start.offset & PAGE_MASK))
			g_array_append_val(starts, start);
	}
	return starts;
}

static bool has(const GArray *starts, const struct site *start)
{
	for (guint i = 0; i < starts->len; i++)
		if (site_at(starts, i)->file == start->file &&
		    site_at(starts, i)->offset == start->offset)
			return true;
	return false;
}

static void keep_common(GArray *starts, const GArray *others)
{
	for (guint i = starts->len; i-- > 0;)
		if (!has(others, site_at(starts, i)))
			g_array_remove_index(starts, i);
}

void uprobe_sites_hit(struct uprobe_sites *sites, const char *event, uint32_t pid, uint64_t address)
{
	g_autofree char *key = g_strdup_printf("%u %s", pid, event);
	g_autoptr(GArray) starts = NULL;
	GArray *left;

	if (g_hash_table_size(sites->seen) >= MOST_SEEN ||
	    !g_hash_table_add(sites->seen, g_steal_pointer(&key)))
		return;
	starts = starts_of(g_hash_table_lookup(sites->by_event, event), address);
	left = g_hash_table_lookup(sites->starts, GUINT_TO_POINTER(pid));
	if (left)
		keep_common(left, starts);
	else
		g_hash_table_insert(sites->starts, GUINT_TO_POINTER(pid), g_steal_pointer(&starts));
}

bool uprobe_sites_agree(const struct uprobe_sites *sites)
{
	GHashTableIter iter;
	gpointer left;

	g_hash_table_iter_init(&iter, sites->starts);
	while (g_hash_table_iter_next(&iter, NULL, &left))
		if (!((GArray *)left)->len)
			return false;
	return true;
}
