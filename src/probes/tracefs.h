/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kernel's uprobe_events: reads, writes and removes its lines. Who may do so, and when, is
 * decided elsewhere.
 */
#ifndef COLO_PERF_PROBES_TRACEFS_H
#define COLO_PERF_PROBES_TRACEFS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define TRACEFS_PATH  "/sys/kernel/tracing"
#define UPROBE_EVENTS "uprobe_events"

/*
 * "p:GROUP/EVENT PATH:0xOFFSET(0xCOUNTER) ARGUMENTS": one place of an event. We never ask for a
 * counter, which the kernel would count up and down in the data of the processes.
 */
struct uprobe_line {
	char *text;  /* Owned by this: all of it, as the kernel shows it */
	char *event; /* Owned by this */
	char *path;  /* Owned by this */
	char *site;  /* Owned by this: what follows "PATH:" */
};

/* The line that registers a place, in the very form in which the kernel shows it again. */
struct uprobe_line *uprobe_line_new(const char *group, const char *event, const char *path,
				    const char *site);
/* NULL when `text` is none of `group`. */
struct uprobe_line *uprobe_line_parse(const char *text, const char *group);
void uprobe_line_free(struct uprobe_line *line);

/* "0xOFFSET ARGUMENTS"; the caller frees it. */
char *uprobe_site(uint64_t offset, const char *arguments);

/*
 * A path that stands in a line as it is: absolute, and with nothing in it that ends a word or a
 * line there.
 */
bool uprobe_path_is_plain(const char *path);

/* A tracefs is mounted at `path`. */
bool tracefs_is_mounted(const char *path);

/* All lines of `group`, in a new array that owns them. NULL with `error`. */
GPtrArray *tracefs_lines(const char *tracefs, const char *group, GError **error);

/* False with `error`. */
bool tracefs_add(const char *tracefs, const struct uprobe_line *line, GError **error);
/* Removes this place of the event alone. 0, or an errno: EBUSY while somebody records it. */
int tracefs_remove(const char *tracefs, const struct uprobe_line *line);

/* The number of an event, for perf_event_attr.config. False with `error`. */
bool tracefs_event_id(const char *tracefs, const char *group, const char *event, uint64_t *id,
		      GError **error);

#endif
