/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The probes of a program that is recorded. The first byte of an input says whether the rest is
 * an ELF file or the arguments of a probe. What is registered is written to the kernel as root:
 * no input may make it more than the words that it should be.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "fuzz/fuzz.h"

#include "probes/sdt_notes.h"
#include "probes/uprobe_arguments.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT "abcdefghijklmnopqrstuvwxyz0123456789=%:+-()\\"

/* "arg1=FETCH:TYPE arg2=FETCH", of the letters that these are made of. */
static void check_arguments(const char *sdt)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *uprobe = uprobe_arguments(sdt, &error);
	g_auto(GStrv) words = NULL;

	g_assert_true((uprobe == NULL) == (error != NULL));
	if (!uprobe || !*uprobe)
		return;
	words = g_strsplit(uprobe, " ", -1);
	for (guint i = 0; words[i]; i++) {
		g_autofree char *name = g_strdup_printf("arg%u=", i + 1);

		g_assert_true(g_str_has_prefix(words[i], name));
		g_assert_cmpuint(strspn(words[i], TEXT), ==, strlen(words[i]));
		g_assert_nonnull(strpbrk(words[i] + strlen(name), "%\\"));
	}
}

static bool wants_any(const char *name G_GNUC_UNUSED, void *data G_GNUC_UNUSED)
{
	return true;
}

static void check_notes(const uint8_t *data, size_t size)
{
	int fd = memfd_create("notes", MFD_CLOEXEC);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) sites = NULL;

	g_assert_cmpint(write(fd, data, size), ==, (gssize)size);
	sites = sdt_notes_read(fd, "notes", "qemu", wants_any, NULL, &error);
	close(fd);
	g_assert_true((sites == NULL) == (error != NULL));
	for (guint i = 0; sites && i < sites->len; i++) {
		const struct sdt_site *site = g_ptr_array_index(sites, i);

		g_assert_nonnull(site->name);
		check_arguments(site->arguments);
	}
	g_assert_cmpuint(sites ? sites->len : 0, <=, SDT_NOTES_MAX_SITES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = NULL;

	if (!size)
		return 0;
	if (data[0] != 'a') {
		check_notes(data + 1, size - 1);
		return 0;
	}
	text = g_strndup((const char *)data + 1, size - 1);
	check_arguments(text);
	return 0;
}
