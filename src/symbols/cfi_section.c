/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Takes the entries of a section apart. There are two kinds: common ones (CIE), and those of
 * functions (FDE), each of which names its common one by its place:
 *
 *     u32 length | u32 0 or ~0 | CIE: version, augmentation, alignments, instructions
 *     u32 length | u32 the CIE | FDE: begin, size, instructions
 *
 * A length of ~0 is followed by the real one of 8 bytes, and the second number has 8 then.
 */
#include "symbols/cfi_section.h"

#include "symbols/cfi_table.h"

#include <dwarf.h>
#include <gelf.h>

#define LENGTH_64_BIT	 UINT32_MAX
#define MAX_AUGMENTATION 16 /* bytes; there are not so many letters */

/* The code that an entry is about. */
struct cfi_range {
	uint64_t begin, end;
	uint64_t entry; /* offset in the section */
};

/* An entry behind its length and the number that says what it is. */
struct entry {
	uint64_t cie; /* where its CIE is, when it is none itself */
	bool is_cie;
	uint64_t next; /* the offset of the entry behind it */
	struct byte_reader reader;
};

struct cie {
	uint64_t code_alignment;
	int64_t data_alignment;
	uint8_t encoding; /* of addresses in its functions' entries: DW_EH_PE_... */
	bool is_sized;	  /* their augmentation has a size */
	bool is_signal;
	struct byte_reader initial;
};

static struct byte_reader reader_at(const struct cfi_section *section, uint64_t offset)
{
	struct byte_reader reader =
		byte_reader_of(section->bytes, section->size, G_BYTE_ORDER == G_BIG_ENDIAN);

	byte_reader_skip(&reader, offset);
	return reader;
}

/* The place that the reader has come to. */
static uint64_t offset_of(const struct cfi_section *section, const struct byte_reader *reader)
{
	return (uint64_t)(reader->tainted - section->bytes);
}

/* False when there is no entry any more. */
static bool read_entry(const struct cfi_section *section, uint64_t offset, struct entry *entry)
{
	struct byte_reader reader = reader_at(section, offset);
	uint64_t length = byte_reader_u32(&reader), place, id;
	const bool is_long = length == LENGTH_64_BIT;

	if (is_long)
		length = byte_reader_u64(&reader);
	if (reader.failed || !length || length > reader.left)
		return false;
	reader.left = length;
	place = offset_of(section, &reader);
	entry->next = place + length;
	id = is_long ? byte_reader_u64(&reader) : byte_reader_u32(&reader);
	if (reader.failed)
		return false;
	entry->is_cie = section->is_eh ? !id : id == (is_long ? UINT64_MAX : UINT32_MAX);
	/* .eh_frame tells how far before this place it is. */
	entry->cie = section->is_eh ? place - id : id;
	entry->reader = reader;
	return true;
}

/* A number as `encoding` has it; what it is relative to is added. */
static uint64_t read_encoded(const struct cfi_section *section, struct byte_reader *reader,
			     uint8_t encoding)
{
	const uint64_t here = section->address + offset_of(section, reader);
	uint64_t value;

	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		value = byte_reader_u64(reader);
		break;
	case DW_EH_PE_udata4:
		value = byte_reader_u32(reader);
		break;
	case DW_EH_PE_sdata4:
		value = (uint64_t)(int64_t)(int32_t)byte_reader_u32(reader);
		break;
	case DW_EH_PE_udata2:
		value = byte_reader_u16(reader);
		break;
	case DW_EH_PE_sdata2:
		value = (uint64_t)(int64_t)(int16_t)byte_reader_u16(reader);
		break;
	case DW_EH_PE_uleb128:
		value = byte_reader_uleb128(reader);
		break;
	case DW_EH_PE_sleb128:
		value = (uint64_t)byte_reader_sleb128(reader);
		break;
	default:
		reader->failed = true;
		return 0;
	}
	switch (encoding & ~0x0f) {
	case DW_EH_PE_absptr:
		return value;
	case DW_EH_PE_pcrel:
		return value + here;
	default: /* no compiler for x86_64 writes others here */
		reader->failed = true;
		return 0;
	}
}

/* What the letters of the augmentation say, "zPLR": 'z' comes first, and gives their size. */
static void read_augmentation(const struct cfi_section *section, struct byte_reader *reader,
			      const char *letters, struct cie *cie)
{
	struct byte_reader data;

	cie->is_sized = letters[0] == 'z';
	if (!cie->is_sized) {
		reader->failed = reader->failed || letters[0];
		return;
	}
	data = *reader;
	data.left = byte_reader_uleb128(reader);
	data.tainted = reader->tainted;
	byte_reader_skip(reader, data.left);
	for (letters++; *letters && !reader->failed; letters++) {
		switch (*letters) {
		case 'R':
			cie->encoding = byte_reader_u8(&data);
			break;
		case 'P': {
			const uint8_t encoding = byte_reader_u8(&data);

			/* Where it points to does not matter. */
			if (encoding != DW_EH_PE_omit)
				(void)read_encoded(section, &data, encoding & 0x0f);
			break;
		}
		case 'L':
			byte_reader_skip(&data, 1);
			break;
		case 'S':
			cie->is_signal = true;
			break;
		default: /* its data has a size, so the rest can be passed over */
			return;
		}
	}
	reader->failed = reader->failed || data.failed;
}

/* A string of a few letters, without a look at all that may follow. */
static const char *read_letters(struct byte_reader *reader)
{
	struct byte_reader letters =
		byte_reader_of(reader->tainted, MIN(reader->left, MAX_AUGMENTATION), reader->swap);
	const char *string = byte_reader_string(&letters);

	byte_reader_skip(reader, string ? strlen(string) + 1 : SIZE_MAX);
	return string;
}

static bool read_cie(const struct cfi_section *section, uint64_t offset, struct cie *cie)
{
	struct byte_reader *reader = &cie->initial;
	struct entry entry;
	const char *letters;
	uint8_t version;

	*cie = (struct cie){.encoding = DW_EH_PE_absptr};
	if (!read_entry(section, offset, &entry) || !entry.is_cie)
		return false;
	*reader = entry.reader;
	version = byte_reader_u8(reader);
	letters = read_letters(reader);
	if (!letters || (version != 1 && version != 3 && version != 4))
		return false;
	if (version == 4) /* size of addresses, and of segments */
		byte_reader_skip(reader, 2);
	cie->code_alignment = byte_reader_uleb128(reader);
	cie->data_alignment = byte_reader_sleb128(reader);
	/* The column of the return address. */
	if ((version == 1 ? byte_reader_u8(reader) : byte_reader_uleb128(reader)) != CFI_REG_RA)
		return false;
	read_augmentation(section, reader, letters, cie);
	return !reader->failed;
}

/* The code that a function's entry is about; the reader goes on behind that. */
static bool read_range(const struct cfi_section *section, const struct cie *cie,
		       struct byte_reader *reader, struct cfi_range *range)
{
	range->begin = read_encoded(section, reader, cie->encoding);
	range->end = range->begin + read_encoded(section, reader, cie->encoding & 0x0f);
	return !reader->failed && range->begin < range->end;
}

/* --- All of the section --- */

static int compare_ranges(const void *a, const void *b)
{
	const struct cfi_range *left = a, *right = b;

	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return left->entry < right->entry ? -1 : left->entry > right->entry;
}

/* False when there are more than there is room for. */
static bool read_ranges(struct cfi_section *section, size_t max_ranges)
{
	struct cie cie;
	uint64_t cie_at = UINT64_MAX; /* which one `cie` is, if any */
	bool is_good = false;
	struct entry entry;

	for (uint64_t offset = 0; read_entry(section, offset, &entry); offset = entry.next) {
		struct cfi_range range = {.entry = offset};

		if (entry.is_cie)
			continue;
		if (entry.cie != cie_at) {
			is_good = read_cie(section, entry.cie, &cie);
			cie_at = entry.cie;
		}
		if (!is_good || !read_range(section, &cie, &entry.reader, &range))
			continue;
		if (section->ranges->len == max_ranges)
			return false;
		g_array_append_val(section->ranges, range);
	}
	g_array_sort(section->ranges, compare_ranges);
	return section->ranges->len > 0;
}

/* The section as it is in memory. NULL when it is not there, or too large. */
static Elf_Data *data_of(Elf_Scn *scn, const GElf_Shdr *shdr, size_t max_bytes)
{
	GElf_Chdr chdr;

	if (shdr->sh_type == SHT_NOBITS || shdr->sh_size > max_bytes)
		return NULL;
	if (shdr->sh_flags & SHF_COMPRESSED &&
	    (!gelf_getchdr(scn, &chdr) || chdr.ch_size > max_bytes || elf_compress(scn, 0, 0) < 0))
		return NULL;
	return elf_rawdata(scn, NULL);
}

static Elf_Scn *find_section(Elf *elf, const char *name, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, shdr) &&
		    !g_strcmp0(elf_strptr(elf, names, shdr->sh_name), name))
			return scn;
	return NULL;
}

bool cfi_section_read(struct cfi_section *section, Elf *elf, const char *name, bool is_eh,
		      size_t max_bytes)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = find_section(elf, name, &shdr);
	const Elf_Data *data = scn ? data_of(scn, &shdr, max_bytes) : NULL;

	if (!data || !data->d_buf || data->d_size > max_bytes)
		return false;
	*section = (struct cfi_section){
		.bytes = g_memdup2(data->d_buf, data->d_size),
		.size = data->d_size,
		.address = shdr.sh_addr,
		.is_eh = is_eh,
		.ranges = g_array_new(FALSE, FALSE, sizeof(struct cfi_range)),
	};
	if (read_ranges(section, (max_bytes - data->d_size) / sizeof(struct cfi_range)))
		return true;
	cfi_section_clear(section);
	return false;
}

void cfi_section_clear(struct cfi_section *section)
{
	g_clear_pointer(&section->bytes, g_free);
	g_clear_pointer(&section->ranges, g_array_unref);
}

size_t cfi_section_size(const struct cfi_section *section)
{
	return section->size + section->ranges->len * sizeof(struct cfi_range);
}

/* --- One function --- */

/* How many of the ranges begin at the address or before it. */
static guint count_begun(const GArray *ranges, uint64_t address)
{
	guint first = 0, end = ranges->len;

	while (first < end) {
		const guint middle = first + (end - first) / 2;

		if (g_array_index(ranges, struct cfi_range, middle).begin <= address)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

bool cfi_section_find(const struct cfi_section *section, uint64_t address,
		      struct cfi_function *function)
{
	const guint n = count_begun(section->ranges, address);
	const struct cfi_range *found =
		n ? &g_array_index(section->ranges, struct cfi_range, n - 1) : NULL;
	struct cfi_range range;
	struct entry entry;
	struct cie cie;

	if (!found || address >= found->end)
		return false;
	/* They were good when the ranges were read. */
	if (!read_entry(section, found->entry, &entry) || !read_cie(section, entry.cie, &cie) ||
	    !read_range(section, &cie, &entry.reader, &range))
		return false;
	if (cie.is_sized)
		byte_reader_skip(&entry.reader, byte_reader_uleb128(&entry.reader));
	*function = (struct cfi_function){
		.begin = range.begin,
		.end = range.end,
		.is_signal = cie.is_signal,
		.code_alignment = cie.code_alignment,
		.data_alignment = cie.data_alignment,
		.initial = cie.initial,
		.program = entry.reader,
	};
	return !entry.reader.failed;
}
