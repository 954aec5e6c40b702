/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Recordings with copies of stacks (--call-graph dwarf) that nobody records and somebody may make
 * up, and the files that they name, whose unwinding tables are as bad. Each recording is a row of
 * the table at the end; its files lie below "symfs" beside it. See make_hostile.c.
 */
#include "lib/colo_story.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define START_NS     5000000000ULL
#define RAM_NS	     100000000000ULL /* how long the phase with the samples lasts */
#define STEP_NS	     1000
#define PAGE_BYTES   0x1000
#define CODE_START   0x10000000ULL
#define STACK_START  0x7ffc00000000ULL
#define N_REGS	     20
#define REGS_X86     ((1ULL << 24) - 1 - 0xf000) /* without DS, ES, FS, GS */
#define REG_BX	     1
#define REG_SP	     7
#define REG_IP	     8
#define MOST_WORDS   2000
#define LARGE_REG    400000 /* libdw clears 24 bytes for each up to it: 9.6 MB */
#define LONG_PROGRAM 3000000
#define N_OTHERS     20000 /* functions of a library of some size */

struct hostile {
	const char *symfs;
	struct perf_builder *builder; /* Owned by this */
	struct colo_story *story;     /* Owned by this */
	struct colo_story_side side;
	guint clock;
	guint64 ram_ns;
};

/* --- Files --- */

static void put(GByteArray *to, gconstpointer bytes, gsize size)
{
	g_byte_array_append(to, bytes, size);
}

static void put_byte(GByteArray *to, guint8 byte)
{
	put(to, &byte, 1);
}

static void put_u32(GByteArray *to, guint32 value)
{
	value = GUINT32_TO_LE(value);
	put(to, &value, sizeof(value));
}

static void put_uleb128(GByteArray *to, guint64 value)
{
	for (; value > 0x7f; value >>= 7)
		put_byte(to, value | 0x80);
	put_byte(to, value);
}

/* An entry of .eh_frame: its length, what it is, and the rest, filled up with DW_CFA_nop. */
static void put_entry(GByteArray *to, guint32 what, const GByteArray *rest)
{
	const guint32 padding = -(guint32)rest->len % 4;

	put_u32(to, 4 + rest->len + padding);
	put_u32(to, what);
	put(to, rest->data, rest->len);
	for (guint32 i = 0; i < padding; i++)
		put_byte(to, 0);
}

static void put_function(GByteArray *section, guint64 begin, const GByteArray *program)
{
	g_autoptr(GByteArray) rest = g_byte_array_new();
	const guint64 range[] = {GUINT64_TO_LE(begin), GUINT64_TO_LE(PAGE_BYTES)};

	put(rest, range, sizeof(range));
	put(rest, program->data, program->len);
	put_entry(section, section->len + 4, rest);
}

/*
 * Functions whose return address is on top, of a page each. The one that is called is at
 * PAGE_BYTES; the others stand before it in the table.
 */
static GByteArray *eh_frame_of(const GByteArray *program, guint n_others)
{
	static const guint8 cie[] = {1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1};
	g_autoptr(GByteArray) rest = g_byte_array_new(), empty = g_byte_array_new();
	GByteArray *section = g_byte_array_new();

	put(rest, cie, sizeof(cie));
	put_entry(section, 0, rest);
	for (guint i = 0; i < n_others; i++)
		put_function(section, PAGE_BYTES * (2 + (guint64)i), empty);
	put_function(section, PAGE_BYTES, program);
	put_u32(section, 0);
	return section;
}

/* Header, segment, code; then the table, names of sections, headers of sections. */
static gboolean write_file(const struct hostile *hostile, const char *name,
			   const GByteArray *program, guint n_others, GError **error)
{
	static const char names[] = "\0.eh_frame\0.shstrtab";
	g_autoptr(GByteArray) table = eh_frame_of(program, n_others), file = g_byte_array_new();
	g_autofree char *path = g_build_filename(hostile->symfs, name, NULL);
	const guint64 table_at = 2 * PAGE_BYTES, names_at = table_at + table->len;
	const Elf64_Shdr sections[] = {
		{0},
		{.sh_name = 1,
		 .sh_type = SHT_PROGBITS,
		 .sh_flags = SHF_ALLOC,
		 .sh_addr = table_at,
		 .sh_offset = table_at,
		 .sh_size = table->len},
		{.sh_name = 11,
		 .sh_type = SHT_STRTAB,
		 .sh_offset = names_at,
		 .sh_size = sizeof(names)},
	};
	const Elf64_Phdr segment = {.p_type = PT_LOAD,
				    .p_flags = PF_R | PF_X,
				    .p_filesz = names_at,
				    .p_memsz = names_at};
	const Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_shoff = names_at + sizeof(names),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(segment),
		.e_phnum = 1,
		.e_shentsize = sizeof(sections[0]),
		.e_shnum = G_N_ELEMENTS(sections),
		.e_shstrndx = 2,
	};

	g_byte_array_set_size(file, table_at);
	memset(file->data, 0, file->len);
	memcpy(file->data, &header, sizeof(header));
	memcpy(file->data + sizeof(header), &segment, sizeof(segment));
	put(file, table->data, table->len);
	put(file, names, sizeof(names));
	put(file, sections, sizeof(sections));
	return g_file_set_contents(path, (const char *)file->data, file->len, error);
}

/* --- Recordings --- */

static struct perf_builder_stamp moment(const struct hostile *hostile, guint i)
{
	return (struct perf_builder_stamp){.event = hostile->clock,
					   .pid = hostile->side.pid,
					   .tid = hostile->side.tid,
					   .time_ns = hostile->ram_ns + STEP_NS * i};
}

static void map(struct hostile *hostile, guint i, guint64 start, const char *path)
{
	const struct perf_builder_mmap mmap = {.at = moment(hostile, i),
					       .misc = PERF_RECORD_MISC_USER,
					       .start = start,
					       .size_bytes = 2 * PAGE_BYTES,
					       .path = path};

	perf_builder_mmap(hostile->builder, &mmap);
}

/* A stack of return addresses into the function, `step` bytes from one to the next. */
static void add_sample(struct hostile *hostile, guint i, guint n_words, guint step)
{
	guint64 regs[N_REGS] = {0}, stack[MOST_WORDS];
	const struct perf_builder_sample sample = {
		.at = moment(hostile, i),
		.misc = PERF_RECORD_MISC_USER,
		.ip = CODE_START + PAGE_BYTES + i % PAGE_BYTES,
		.period = 1000,
		.regs_abi = PERF_SAMPLE_REGS_ABI_64,
		.regs = regs,
		.stack = stack,
		.stack_size_bytes = sizeof(stack[0]) * n_words,
		.stack_valid_bytes = sizeof(stack[0]) * n_words,
	};

	regs[REG_BX] = CODE_START + PAGE_BYTES + 1;
	regs[REG_IP] = sample.ip;
	regs[REG_SP] = STACK_START;
	for (guint n = 0; n < n_words; n++)
		stack[n] = CODE_START + PAGE_BYTES + (i + n * step) % (PAGE_BYTES - 1) + 1;
	perf_builder_sample(hostile->builder, &sample);
}

/* Each sample finds the other library where the one before it found its own. */
static gboolean in_turn(struct hostile *hostile, GError **error)
{
	static const char *const paths[] = {"/a.so", "/b.so", "/c.so", "/d.so", "/e.so", "/f.so"};
	g_autoptr(GByteArray) program = g_byte_array_new();

	for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
		if (!write_file(hostile, paths[i], program, N_OTHERS, error))
			return FALSE;
	for (guint i = 0; i < 4000; i++) {
		map(hostile, 2 * i, CODE_START, paths[i % G_N_ELEMENTS(paths)]);
		add_sample(hostile, 2 * i + 1, 20, 16);
	}
	return TRUE;
}

/* All of the stacks lead through a file with that program. */
static gboolean through(struct hostile *hostile, const GByteArray *program, guint n_samples,
			guint n_words, GError **error)
{
	if (!write_file(hostile, "/a.so", program, 0, error))
		return FALSE;
	map(hostile, 0, CODE_START, "/a.so");
	for (guint i = 0; i < n_samples; i++)
		add_sample(hostile, i + 1, n_words, 1);
	return TRUE;
}

static gboolean large_register(struct hostile *hostile, GError **error)
{
	g_autoptr(GByteArray) program = g_byte_array_new();

	put_byte(program, 0x05); /* DW_CFA_offset_extended */
	put_uleb128(program, LARGE_REG);
	put_byte(program, 1);
	return through(hostile, program, 120, MOST_WORDS, error);
}

/* The same row said again and again, before the address of the function's first byte. */
static gboolean long_program(struct hostile *hostile, GError **error)
{
	g_autoptr(GByteArray) program = g_byte_array_new();

	for (guint i = 0; i < LONG_PROGRAM / 2; i++) {
		put_byte(program, 0x0e); /* DW_CFA_def_cfa_offset */
		put_byte(program, 8);
	}
	return through(hostile, program, 120, MOST_WORDS, error);
}

/* Rows that are remembered, each with many registers. */
static gboolean remembered(struct hostile *hostile, GError **error)
{
	g_autoptr(GByteArray) program = g_byte_array_new();

	put_byte(program, 0x05);
	put_uleb128(program, 1000);
	put_byte(program, 1);
	for (guint i = 0; i < 20000; i++)
		put_byte(program, 0x0a); /* DW_CFA_remember_state */
	return through(hostile, program, 120, MOST_WORDS, error);
}

/* Callers without a stack: the return address is in a register, which stays as it is. */
static gboolean in_registers(struct hostile *hostile, GError **error)
{
	g_autoptr(GByteArray) program = g_byte_array_new();

	put_byte(program, 0x09); /* DW_CFA_register: what rip was is in rbx */
	put_uleb128(program, 16);
	put_uleb128(program, 3);
	return through(hostile, program, 7000, 1, error);
}

static const struct recipe {
	const char *name;
	gboolean (*tell)(struct hostile *hostile, GError **error);
} recipes[] = {
	{"stacks-in-turn", in_turn},
	{"stacks-in-registers", in_registers},
	{"stacks-large-register", large_register},
	{"stacks-long-program", long_program},
	{"stacks-remembered", remembered},
};

static guint add_clock(struct perf_builder *builder)
{
	const struct perf_builder_event event = {
		.name = "cpu-clock",
		.attr = {.type = PERF_TYPE_SOFTWARE,
			 .config = PERF_COUNT_SW_CPU_CLOCK,
			 .sample_period = 1000,
			 .sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE | PERF_SAMPLE_REGS_USER |
					PERF_SAMPLE_STACK_USER,
			 .sample_regs_user = REGS_X86,
			 .sample_stack_user = sizeof(guint64) * MOST_WORDS,
			 .freq = 1,
			 .sample_id_all = 1},
		.n_ids = 1,
	};

	return perf_builder_add_event(builder, &event);
}

/* A checkpoint whose phase `ram` has the samples. */
static void tell_checkpoint(struct hostile *hostile)
{
	struct colo_story_checkpoint checkpoint = {.seq = 1, .wait_ns = 5000000};
	struct colo_story_side side = hostile->side;

	for (guint phase = COLO_STORY_REQUEST; phase < COLO_STORY_N_PHASES; phase++)
		checkpoint.phase_ns[phase] = 1000000;
	checkpoint.phase_ns[COLO_STORY_RAM] = RAM_NS;
	hostile->ram_ns = colo_story_phase_begin_ns(&side, &checkpoint, COLO_STORY_RAM);
	colo_story_checkpoint(hostile->story, &side, &checkpoint);
}

/* Each has files of its own, as their names are the same. */
static gboolean write_recipe(const struct recipe *recipe, const char *directory, GError **error)
{
	g_autofree char *path = g_strconcat(directory, "/", recipe->name, ".data", NULL);
	g_autofree char *symfs = g_build_filename(directory, "symfs", recipe->name, NULL);
	struct hostile hostile = {
		.symfs = symfs,
		.builder = perf_builder_new(G_LITTLE_ENDIAN),
		.side = {.role = COLO_STORY_PRIMARY, .pid = 101, .tid = 111, .now_ns = START_NS},
	};
	gboolean written;

	hostile.story = colo_story_new(hostile.builder, 1, NULL);
	hostile.clock = add_clock(hostile.builder);
	colo_story_features(hostile.story);
	tell_checkpoint(&hostile);
	written = !g_mkdir_with_parents(symfs, 0755);
	if (!written)
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", symfs,
			    g_strerror(errno));
	written = written && recipe->tell(&hostile, error);
	colo_story_free(hostile.story);
	written = written && perf_builder_write(hostile.builder, path, error);
	perf_builder_free(hostile.builder);
	return written;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	if (argc != 2) {
		g_printerr("usage: make_hostile_stacks DIRECTORY\n");
		return 2;
	}
	for (guint i = 0; i < G_N_ELEMENTS(recipes); i++)
		if (!write_recipe(&recipes[i], argv[1], &error))
			break;
	if (error) {
		g_printerr("make_hostile_stacks: %s\n", error->message);
		return 1;
	}
	return 0;
}
