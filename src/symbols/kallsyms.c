/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parses kallsyms. A line is "ADDRESS TYPE NAME", with "\t[MODULE]" behind it for
 * a symbol of a module; the kernel's come first.
 */
#include "symbols/kallsyms.h"

#include "base/hash.h"
#include "base/rights.h"
#include "symbols/dso.h"
#include "symbols/dso_error.h"
#include "symbols/regular_file.h"

#include <string.h>

#define MAX_SIZE (256 << 20) /* bytes; usual are 5 to 20 MiB */

/* A module is loaded in pages; nothing tells how far its last function goes. */
#define PAGE_BYTES 4096

struct line {
	uint64_t address;
	const char *name;   /* Weak */
	const char *module; /* Weak; NULL for the kernel itself */
	char type;
};

struct kallsyms {
	char *text;    /* Owned by this; what the names are in */
	GArray *lines; /* struct line, in the order of the file */

	/* Both NULL until a module is asked for: there may be as many as lines. */
	GArray *addresses;   /* Owned by this: uint64_t, of symbols of any kind, ascending */
	GHashTable *modules; /* Owned by this: name (weak) to GArray (owned) of guint, of lines */
};

/* Not strtoull(): this is called for each of 200,000 lines. */
static const char *parse_hex(const char *p, uint64_t *value)
{
	int digit;

	*value = 0;
	while ((digit = g_ascii_xdigit_value(*p)) >= 0) {
		if (*value >> 60)
			return NULL;
		*value = *value << 4 | (uint64_t)digit;
		p++;
	}
	return p;
}

/* Takes a line apart in place. False when it is none of kallsyms. */
static bool parse_line(char *text, struct line *line)
{
	const char *p = parse_hex(text, &line->address);
	char *name, *tab;

	if (!p || p == text || p[0] != ' ' || !g_ascii_isalpha(p[1]) || p[2] != ' ' || !p[3])
		return false;
	line->type = p[1];
	name = text + (p + 3 - text);
	line->name = name;
	line->module = NULL;
	tab = strchr(name, '\t');
	if (tab) {
		size_t len = strlen(tab);

		*tab = 0;
		if (len < 4 || tab[1] != '[' || tab[len - 1] != ']')
			return false;
		tab[len - 1] = 0;
		line->module = tab + 2;
	}
	return line->name[0];
}

/* A copy was made by somebody, somewhere: what may be seen here does not matter. */
static void set_hidden(const char *path, GError **error)
{
	const struct rights_kallsyms rights = {
		.kptr_restrict = rights_sysctl("kptr_restrict", 0),
		.perf_event_paranoid = rights_sysctl("perf_event_paranoid", 0),
		.syslog = rights_have(CAP_SYSLOG),
	};
	g_autofree char *advice = rights_advice(CAP_SYSLOG, "CAP_SYSLOG");
	g_autofree char *reason =
		strcmp(path, PROC_KALLSYMS)
			? g_strdup("who copied it might not see them: copy " PROC_KALLSYMS
				   " as root")
			: rights_hidden_kallsyms(&rights, advice);

	g_set_error(error, DSO_ERROR, DSO_NO_SYMBOLS, "%s hides all addresses; %s", path, reason);
}

static bool parse_lines(struct kallsyms *kallsyms, const char *path, GError **error)
{
	bool hidden = true;
	char *next;

	for (char *text = kallsyms->text; *text; text = next) {
		struct line line;
		char *end = strchr(text, '\n');

		next = end ? end + 1 : text + strlen(text);
		if (end)
			*end = 0;
		if (!parse_line(text, &line))
			continue;
		if (line.address)
			hidden = false;
		g_array_append_val(kallsyms->lines, line);
	}
	if (!kallsyms->lines->len) {
		g_set_error(error, DSO_ERROR, DSO_UNREADABLE, "%s has no line of kallsyms", path);
		return false;
	}
	if (hidden) {
		set_hidden(path, error);
		return false;
	}
	return true;
}

struct kallsyms *kallsyms_read(const char *path, GError **error)
{
	struct kallsyms *kallsyms;
	size_t size;
	char *text = regular_file_read(path, MAX_SIZE, &size, error);

	if (!text)
		return NULL;
	kallsyms = g_new0(struct kallsyms, 1);
	kallsyms->text = text;
	kallsyms->lines = g_array_new(FALSE, FALSE, sizeof(struct line));
	if (!parse_lines(kallsyms, path, error)) {
		kallsyms_free(kallsyms);
		return NULL;
	}
	return kallsyms;
}

void kallsyms_free(struct kallsyms *kallsyms)
{
	if (!kallsyms)
		return;
	g_array_free(kallsyms->lines, TRUE);
	g_clear_pointer(&kallsyms->addresses, g_array_unref);
	g_clear_pointer(&kallsyms->modules, g_hash_table_unref);
	g_free(kallsyms->text);
	g_free(kallsyms);
}

bool kallsyms_address_of(const struct kallsyms *kallsyms, const char *name, uint64_t *address)
{
	for (guint i = 0; i < kallsyms->lines->len; i++) {
		const struct line *line = &g_array_index(kallsyms->lines, struct line, i);

		if (!line->module && !strcmp(line->name, name)) {
			*address = line->address;
			return true;
		}
	}
	return false;
}

/* Functions only; $-symbols mark where data lie among the code of ARM. */
static bool is_function(const struct line *line)
{
	return strchr("TtWw", line->type) && line->name[0] != '$';
}

static void add_line(struct symbol_table *table, const struct line *line, uint64_t delta,
		     uint64_t limit)
{
	const struct symbol symbol = {.start = line->address + delta,
				      .end = line->address + delta,
				      .name = line->name,
				      .binding = strchr("Ww", line->type)      ? SYMBOL_WEAK
						 : g_ascii_isupper(line->type) ? SYMBOL_GLOBAL
									       : SYMBOL_LOCAL};

	symbol_table_add(table, &symbol, limit);
}

/* The first of the symbols that there is. */
static bool address_of_any(const struct kallsyms *kallsyms, const char *const *names,
			   uint64_t *address)
{
	for (; *names; names++) {
		if (kallsyms_address_of(kallsyms, *names, address))
			return true;
	}
	return false;
}

struct symbol_table *kallsyms_kernel(const struct kallsyms *kallsyms, uint64_t delta)
{
	static const char *const begin_names[] = {"_stext", "_text", NULL};
	static const char *const end_names[] = {"_etext", "__etext", "_end", NULL};
	struct symbol_table *table = symbol_table_new();
	uint64_t begin = 0, end = UINT64_MAX, limit = UINT64_MAX;

	address_of_any(kallsyms, begin_names, &begin);
	if (address_of_any(kallsyms, end_names, &end))
		limit = end + delta;
	for (guint i = 0; i < kallsyms->lines->len; i++) {
		const struct line *line = &g_array_index(kallsyms->lines, struct line, i);

		if (!line->module && is_function(line) && line->address >= begin)
			add_line(table, line, delta, limit);
	}
	symbol_table_settle(table);
	return table;
}

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The addresses of all symbols, of any kind and in any order that modules were loaded in. */
static GArray *sorted_addresses(const struct kallsyms *kallsyms)
{
	GArray *addresses = g_array_new(FALSE, FALSE, sizeof(uint64_t));

	for (guint i = 0; i < kallsyms->lines->len; i++)
		g_array_append_val(addresses,
				   g_array_index(kallsyms->lines, struct line, i).address);
	g_array_sort(addresses, compare_addresses);
	return addresses;
}

/* Where the next symbol is, of whatever it is; the end of the page when there is none. */
static uint64_t next_address(const GArray *addresses, uint64_t address)
{
	guint low = 0, high = addresses->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (g_array_index(addresses, uint64_t, middle) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < addresses->len ? g_array_index(addresses, uint64_t, low)
				    : (address | (PAGE_BYTES - 1)) + 1;
}

/* The functions of each module, in the order of the file. */
static GHashTable *lines_by_module(const struct kallsyms *kallsyms)
{
	GHashTable *modules = g_hash_table_new_full(hash_string, g_str_equal, NULL,
						    (GDestroyNotify)g_array_unref);

	for (guint i = 0; i < kallsyms->lines->len; i++) {
		const struct line *line = &g_array_index(kallsyms->lines, struct line, i);
		GArray *lines;

		if (!line->module || !is_function(line))
			continue;
		lines = g_hash_table_lookup(modules, line->module);
		if (!lines) {
			lines = g_array_new(FALSE, FALSE, sizeof(guint));
			g_hash_table_insert(modules, (gpointer)line->module, lines);
		}
		g_array_append_val(lines, i);
	}
	return modules;
}

struct symbol_table *kallsyms_module(struct kallsyms *kallsyms, const char *module)
{
	struct symbol_table *table = symbol_table_new();
	const GArray *lines;

	if (!kallsyms->modules) {
		kallsyms->addresses = sorted_addresses(kallsyms);
		kallsyms->modules = lines_by_module(kallsyms);
	}
	lines = g_hash_table_lookup(kallsyms->modules, module);
	for (guint i = 0; lines && i < lines->len; i++) {
		const struct line *line = &g_array_index(kallsyms->lines, struct line,
							 g_array_index(lines, guint, i));

		add_line(table, line, 0, next_address(kallsyms->addresses, line->address));
	}
	symbol_table_settle(table);
	return table;
}
