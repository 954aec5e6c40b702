/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes them, for x86_64 and little endian.
 */
#include "lib/hostile_elf.h"

#include <dwarf.h>
#include <elf.h>
#include <gio/gio.h>
#include <lzma.h>
#include <string.h>
#include <unistd.h>

#define CODE_BYTES (4 << 20)
#define N_NESTED   400000
#define N_INLINED  200000
#define N_NAMES	   20000
#define N_UNITS	   300000
#define N_ABBREVS  50000
#define HOLE_BYTES (3ULL << 30)
#define CHUNK	   (1 << 20)

struct maker {
	GByteArray *bytes;   /* Owned by this: the file so far */
	GArray *sections;    /* Owned by this: Elf64_Shdr */
	GByteArray *names;   /* Owned by this: .shstrtab */
	GByteArray *strings; /* Owned by this: .strtab */
	GByteArray *symbols; /* Owned by this: .symtab */
	guint64 hole;	     /* bytes of notes that are not written, behind the end */
};

static void put(GByteArray *to, gconstpointer bytes, gsize size)
{
	g_byte_array_append(to, bytes, size);
}

static void put_number(GByteArray *to, guint64 value, guint size)
{
	value = GUINT64_TO_LE(value);
	put(to, &value, size);
}

static void put_uleb(GByteArray *to, guint64 value)
{
	do {
		const guint8 byte = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);

		put(to, &byte, 1);
		value >>= 7;
	} while (value);
}

/* Returns where it is. */
static guint put_string(GByteArray *to, const char *string)
{
	const guint at = to->len;

	put(to, string, strlen(string) + 1);
	return at;
}

static Elf64_Shdr *add_section(struct maker *maker, const char *name, guint type,
			       const GByteArray *content)
{
	static const guint8 padding[8];
	Elf64_Shdr section = {.sh_name = put_string(maker->names, name),
			      .sh_type = type,
			      .sh_size = content ? content->len : 0,
			      .sh_addralign = sizeof(padding)};

	put(maker->bytes, padding, -maker->bytes->len % sizeof(padding));
	section.sh_offset = maker->bytes->len;
	if (content)
		put(maker->bytes, content->data, content->len);
	g_array_append_val(maker->sections, section);
	return &g_array_index(maker->sections, Elf64_Shdr, maker->sections->len - 1);
}

/* With room for the headers, and the code. */
static void begin(struct maker *maker)
{
	static const Elf64_Shdr none;
	Elf64_Shdr *text;

	*maker = (struct maker){.bytes = g_byte_array_new(),
				.sections = g_array_new(FALSE, FALSE, sizeof(Elf64_Shdr)),
				.names = g_byte_array_new(),
				.strings = g_byte_array_new(),
				.symbols = g_byte_array_new()};
	g_byte_array_set_size(maker->bytes, HOSTILE_ELF_CODE + CODE_BYTES);
	memset(maker->bytes->data, 0, maker->bytes->len);
	g_array_append_val(maker->sections, none);
	put_string(maker->names, "");
	put_string(maker->strings, "");
	put_number(maker->symbols, 0, 8);
	put_number(maker->symbols, 0, 8);
	put_number(maker->symbols, 0, 8);
	text = add_section(maker, ".text", SHT_PROGBITS, NULL);
	text->sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	text->sh_addr = text->sh_offset = HOSTILE_ELF_CODE;
	text->sh_size = CODE_BYTES;
}

static void add_symbol(struct maker *maker, guint name, guint64 start, guint64 size)
{
	const Elf64_Sym symbol = {.st_name = name,
				  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				  .st_shndx = 1,
				  .st_value = HOSTILE_ELF_CODE + start,
				  .st_size = size};

	put(maker->symbols, &symbol, sizeof(symbol));
}

static void add_symtab(struct maker *maker)
{
	Elf64_Shdr *section = add_section(maker, ".symtab", SHT_SYMTAB, maker->symbols);

	section->sh_entsize = sizeof(Elf64_Sym);
	section->sh_link = maker->sections->len;
	add_section(maker, ".strtab", SHT_STRTAB, maker->strings);
}

static void write_end(struct maker *maker, const char *path)
{
	Elf64_Ehdr *header;
	Elf64_Phdr *segments;
	Elf64_Shdr *names;
	g_autoptr(GError) error = NULL;
	guint64 sections;

	names = add_section(maker, ".shstrtab", SHT_STRTAB, NULL);
	names->sh_size = maker->names->len; /* its own name is in it by now */
	put(maker->bytes, maker->names->data, maker->names->len);
	g_byte_array_set_size(maker->bytes, (maker->bytes->len + 7) & ~7u);
	sections = maker->bytes->len;
	put(maker->bytes, maker->sections->data, maker->sections->len * sizeof(Elf64_Shdr));
	header = (Elf64_Ehdr *)maker->bytes->data;
	segments = (Elf64_Phdr *)(header + 1);
	*header = (Elf64_Ehdr){.e_type = ET_DYN,
			       .e_machine = EM_X86_64,
			       .e_version = EV_CURRENT,
			       .e_phoff = sizeof(*header),
			       .e_shoff = sections,
			       .e_ehsize = sizeof(*header),
			       .e_phentsize = sizeof(*segments),
			       .e_phnum = 2,
			       .e_shentsize = sizeof(Elf64_Shdr),
			       .e_shnum = maker->sections->len,
			       .e_shstrndx = maker->sections->len - 1};
	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_ident[EI_VERSION] = EV_CURRENT;
	segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				   .p_flags = PF_R | PF_X,
				   .p_offset = HOSTILE_ELF_CODE,
				   .p_vaddr = HOSTILE_ELF_CODE,
				   .p_filesz = CODE_BYTES,
				   .p_memsz = CODE_BYTES,
				   .p_align = 0x1000};
	segments[1] = (Elf64_Phdr){.p_type = maker->hole ? PT_NOTE : PT_NULL,
				   .p_offset = maker->bytes->len,
				   .p_filesz = maker->hole,
				   .p_align = 4};
	g_file_set_contents(path, (const char *)maker->bytes->data, maker->bytes->len, &error);
	g_assert_no_error(error);
	if (maker->hole)
		g_assert_cmpint(truncate(path, (off_t)(maker->bytes->len + maker->hole)), ==, 0);
	g_byte_array_unref(maker->bytes);
	g_array_unref(maker->sections);
	g_byte_array_unref(maker->names);
	g_byte_array_unref(maker->strings);
	g_byte_array_unref(maker->symbols);
}

/* --- Kinds --- */

static void nested_symbols(struct maker *maker, guint64 unpacked G_GNUC_UNUSED)
{
	const guint name = put_string(maker->strings, "nested");

	for (guint64 i = 0; i < N_NESTED; i++)
		add_symbol(maker, name, i, 3 * N_NESTED - 2 * i);
	add_symtab(maker);
}

/* Compressed zeros. */
static GByteArray *xz_of_zeros(guint64 size)
{
	static const guint8 zeros[CHUNK];
	GByteArray *packed = g_byte_array_new();
	guint8 *chunk = g_malloc(CHUNK);
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret result = lzma_easy_encoder(&stream, 0, LZMA_CHECK_CRC32);

	while (result == LZMA_OK) {
		if (!stream.avail_in) {
			stream.next_in = zeros;
			stream.avail_in = MIN(CHUNK, size - stream.total_in);
		}
		stream.next_out = chunk;
		stream.avail_out = CHUNK;
		result = lzma_code(&stream, stream.total_in + stream.avail_in < size ? LZMA_RUN
										     : LZMA_FINISH);
		put(packed, chunk, CHUNK - stream.avail_out);
	}
	g_assert_cmpint(result, ==, LZMA_STREAM_END);
	lzma_end(&stream);
	g_free(chunk);
	return packed;
}

static void debugdata(struct maker *maker, guint64 unpacked)
{
	g_autoptr(GByteArray) packed = xz_of_zeros(unpacked);

	add_section(maker, ".gnu_debugdata", SHT_PROGBITS, packed);
}

static void put_zlib_of_zeros(GByteArray *to, guint64 size)
{
	static const guint8 zeros[CHUNK];
	g_autoptr(GZlibCompressor) compressor =
		g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 1);
	guint8 *chunk = g_malloc(CHUNK);
	GConverterResult result;

	do {
		g_autoptr(GError) error = NULL;
		const gsize n = MIN(CHUNK, size);
		gsize read, written;

		result = g_converter_convert(G_CONVERTER(compressor), zeros, n, chunk, CHUNK,
					     n == size ? G_CONVERTER_INPUT_AT_END : 0, &read,
					     &written, &error);
		g_assert_no_error(error);
		put(to, chunk, written);
		size -= read;
	} while (result != G_CONVERTER_FINISHED);
	g_free(chunk);
}

static void packed_symtab(struct maker *maker, guint64 unpacked)
{
	const Elf64_Chdr header = {
		.ch_type = ELFCOMPRESS_ZLIB, .ch_size = unpacked, .ch_addralign = 8};

	g_byte_array_set_size(maker->symbols, 0);
	put(maker->symbols, &header, sizeof(header));
	put_zlib_of_zeros(maker->symbols, unpacked);
	add_symtab(maker);
	g_array_index(maker->sections, Elf64_Shdr, 2).sh_flags = SHF_COMPRESSED;
}

/* f<A, B, ...>, where B is A<A, A>, and so on: each twice as long as the one before. */
static char *long_name(guint number)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	GString *name = g_string_new(NULL);

	g_string_printf(name, "_Z6f%05uI8ppppppppIiiE", number);
	for (guint i = 1; i < 11; i++)
		g_string_append_printf(name, "S0_IS%c_S%c_E", digits[i], digits[i]);
	g_string_append(name, "Evv");
	return g_string_free(name, FALSE);
}

static void long_names(struct maker *maker, guint64 unpacked G_GNUC_UNUSED)
{
	for (guint64 i = 0; i < N_NAMES; i++) {
		g_autofree char *name = long_name(i);

		add_symbol(maker, put_string(maker->strings, name), i * HOSTILE_ELF_STEP,
			   HOSTILE_ELF_STEP);
	}
	add_symtab(maker);
}

static void put_abbrev(GByteArray *to, guint64 code, guint tag, gboolean children,
		       const guint16 (*attributes)[2], guint n)
{
	put_uleb(to, code);
	put_uleb(to, tag);
	put_number(to, children, 1);
	for (guint i = 0; i < n; i++) {
		put_uleb(to, attributes[i][0]);
		put_uleb(to, attributes[i][1]);
	}
	put_number(to, 0, 2);
}

static const guint16 range_attributes[][2] = {{DW_AT_low_pc, DW_FORM_addr},
					      {DW_AT_high_pc, DW_FORM_data4}};

/* A DIE with these two. */
static void put_range_die(GByteArray *to, guint64 code, guint64 start, guint64 size)
{
	put_uleb(to, code);
	put_number(to, HOSTILE_ELF_CODE + start, 8);
	put_number(to, size, 4);
}

/* The header of a unit of DWARF 4; its length is put in by end_unit(). */
static guint begin_unit(GByteArray *info)
{
	const guint at = info->len;

	put_number(info, 0, 4);
	put_number(info, 4, 2);
	put_number(info, 0, 4);
	put_number(info, 8, 1);
	return at;
}

static void end_unit(GByteArray *info, guint at)
{
	const guint32 length = GUINT32_TO_LE(info->len - at - 4);

	memcpy(info->data + at, &length, sizeof(length));
}

/* A unit with a function into which others are inlined, beside or within each other. */
static void add_inlined(struct maker *maker, gboolean nested)
{
	static const guint16 name[][2] = {{DW_AT_name, DW_FORM_string}};
	static const guint16 inlined[][2] = {{DW_AT_low_pc, DW_FORM_addr},
					     {DW_AT_high_pc, DW_FORM_data4},
					     {DW_AT_abstract_origin, DW_FORM_ref4}};
	g_autoptr(GByteArray) abbrev = g_byte_array_new();
	g_autoptr(GByteArray) info = g_byte_array_new();
	const guint unit = begin_unit(info);
	guint origin;

	put_abbrev(abbrev, 1, DW_TAG_compile_unit, TRUE, range_attributes, 2);
	put_abbrev(abbrev, 2, DW_TAG_subprogram, TRUE, range_attributes, 2);
	put_abbrev(abbrev, 3, DW_TAG_inlined_subroutine, nested, inlined, 3);
	put_abbrev(abbrev, 4, DW_TAG_subprogram, FALSE, name, 1);
	put_number(abbrev, 0, 1);
	put_range_die(info, 1, 0, CODE_BYTES);
	origin = info->len;
	put_uleb(info, 4);
	put_string(info, "inlined");
	put_range_die(info, 2, 0, CODE_BYTES);
	for (guint64 i = 0; i < N_INLINED; i++) {
		put_range_die(info, 3, nested ? i : i * HOSTILE_ELF_STEP,
			      nested ? CODE_BYTES - 2 * i : HOSTILE_ELF_STEP);
		put_number(info, origin, 4);
	}
	for (guint64 i = 0; i < (nested ? N_INLINED : 0) + 2; i++)
		put_number(info, 0, 1);
	end_unit(info, unit);
	add_symbol(maker, put_string(maker->strings, "outer"), 0, CODE_BYTES);
	add_symtab(maker);
	add_section(maker, ".debug_info", SHT_PROGBITS, info);
	add_section(maker, ".debug_abbrev", SHT_PROGBITS, abbrev);
}

static void inlined(struct maker *maker, guint64 unpacked G_GNUC_UNUSED)
{
	add_inlined(maker, FALSE);
}

static void nested_inlined(struct maker *maker, guint64 unpacked G_GNUC_UNUSED)
{
	add_inlined(maker, TRUE);
}

static void units(struct maker *maker, guint64 unpacked G_GNUC_UNUSED)
{
	g_autoptr(GByteArray) abbrev = g_byte_array_new();
	g_autoptr(GByteArray) info = g_byte_array_new();

	/* What the units need is the last, and those before it come in no order. */
	for (guint64 i = N_ABBREVS; i > 0; i--)
		put_abbrev(abbrev, i, DW_TAG_compile_unit, FALSE, range_attributes, 2);
	put_number(abbrev, 0, 1);
	for (guint64 i = 0; i < N_UNITS; i++) {
		const guint unit = begin_unit(info);

		put_range_die(info, 1, i * HOSTILE_ELF_STEP % CODE_BYTES, HOSTILE_ELF_STEP);
		end_unit(info, unit);
	}
	add_symbol(maker, put_string(maker->strings, "outer"), 0, CODE_BYTES);
	add_symtab(maker);
	add_section(maker, ".debug_info", SHT_PROGBITS, info);
	add_section(maker, ".debug_abbrev", SHT_PROGBITS, abbrev);
}

static void sparse_notes(struct maker *maker, guint64 unpacked G_GNUC_UNUSED)
{
	add_symbol(maker, put_string(maker->strings, "outer"), 0, CODE_BYTES);
	add_symtab(maker);
	maker->hole = HOLE_BYTES;
}

static const struct {
	const char *name;
	void (*make)(struct maker *maker, guint64 unpacked);
} kinds[HOSTILE_ELF_N_KINDS] = {
	[HOSTILE_ELF_NESTED_SYMBOLS] = {"elf-nested-symbols", nested_symbols},
	[HOSTILE_ELF_DEBUGDATA] = {"elf-debugdata", debugdata},
	[HOSTILE_ELF_PACKED_SYMTAB] = {"elf-packed-symtab", packed_symtab},
	[HOSTILE_ELF_LONG_NAMES] = {"elf-long-names", long_names},
	[HOSTILE_ELF_INLINED] = {"elf-inlined", inlined},
	[HOSTILE_ELF_NESTED_INLINED] = {"elf-nested-inlined", nested_inlined},
	[HOSTILE_ELF_UNITS] = {"elf-units", units},
	[HOSTILE_ELF_SPARSE_NOTES] = {"elf-sparse-notes", sparse_notes},
};

const char *hostile_elf_name(enum hostile_elf kind)
{
	return kinds[kind].name;
}

void hostile_elf_write(enum hostile_elf kind, guint64 unpacked, const char *path)
{
	struct maker maker;

	begin(&maker);
	kinds[kind].make(&maker, unpacked);
	write_end(&maker, path);
}
