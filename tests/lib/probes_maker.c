/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The notes as sys/sdt.h writes them.
 */
#include "lib/probes_maker.h"

#include "lib/elf_maker.h"

static void add_probe(GString *text, guint i, const struct made_probe *probe, guint moved)
{
	g_autofree char *counter =
		probe->counter ? g_strdup_printf("counter%u - %u", i, moved) : g_strdup("0");

	if (probe->counter)
		g_string_append_printf(text,
				       ".section .probes,\"aw\"\n"
				       "counter%u: .byte 0x5a, 0xa5\n",
				       i);
	g_string_append_printf(text,
			       ".text\n"
			       "probe%u: .byte 0x90, 0xcc, 0x0f, 0x0b\n"
			       ".section .note.stapsdt,\"\",\"note\"\n"
			       ".balign 4\n"
			       ".4byte 8, 2f - 1f, 3\n"
			       ".asciz \"stapsdt\"\n"
			       "1: .8byte probe%u - %u, base - %u, %s\n"
			       ".asciz \"%s\"\n.asciz \"%s\"\n.asciz \"%s\"\n"
			       "2: .balign 4\n",
			       i, i, moved, moved, counter, probe->provider, probe->name,
			       probe->arguments);
}

void probes_maker_compile(const char *dir, const char *name, const struct made_probe *probes,
			  const char *options, guint moved)
{
	g_autoptr(GString) text = g_string_new(".globl _start\n.text\n_start: nop\n"
					       ".section .stapsdt.base,\"a\"\nbase: .space 1\n");
	g_autofree char *source = g_strdup_printf("%s.s", name);
	g_autofree char *command =
		g_strdup_printf("gcc -nostdlib %s -o %s %s", options, name, source);

	for (guint i = 0; probes[i].provider; i++)
		add_probe(text, i, &probes[i], moved);
	elf_maker_write(dir, source, text->str);
	g_free(elf_maker_run(dir, command));
}
