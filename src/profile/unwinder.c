/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Unwinds with libdwfl, which keeps a picture of one process at one time; each
 * process of the recording has its own, made of the files that its stacks lead
 * through. Registers are known for x86_64.
 */
#include "profile/unwinder.h"

#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <unistd.h>

#define MAX_FRAMES 1024 /* a damaged stack can lead in circles */

/* perf's numbers of the registers: arch/x86/include/uapi/asm/perf_regs.h. */
enum {
	REG_AX,
	REG_BX,
	REG_CX,
	REG_DX,
	REG_SI,
	REG_DI,
	REG_BP,
	REG_SP,
	REG_IP,
	REG_R8 = 16,
};

/* DWARF's order of them: System V ABI for x86_64, figure 3.36. */
static const unsigned int dwarf_registers[] = {
	REG_AX,	    REG_DX,	REG_CX,	    REG_BX,	REG_SI,	    REG_DI,
	REG_BP,	    REG_SP,	REG_R8,	    REG_R8 + 1, REG_R8 + 2, REG_R8 + 3,
	REG_R8 + 4, REG_R8 + 5, REG_R8 + 6, REG_R8 + 7, REG_IP,
};

struct unwinder {
	const struct tasks *tasks;    /* Weak */
	const struct dso_table *dsos; /* Weak */
	bool knows_registers;
	GHashTable *processes; /* Owned by this: pid to Dwfl (owned) */

	/* The sample at hand. */
	const struct perf_event *event;
	const struct perf_sample *sample;
	bool swap;
	GArray *addresses;
	Dwfl *dwfl;
	unsigned int frames;
	bool in_part; /* callers are missing: not all that was needed is there */
};

/* Unwinding tables are in the files themselves. */
static int find_no_debuginfo(Dwfl_Module *module, void **userdata, const char *name,
			     Dwarf_Addr base, const char *file, const char *link, GElf_Word crc,
			     char **found)
{
	(void)module, (void)userdata, (void)name, (void)base;
	(void)file, (void)link, (void)crc, (void)found;
	return -1;
}

static int find_no_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
		       char **file, Elf **elf)
{
	(void)module, (void)userdata, (void)name, (void)base, (void)file, (void)elf;
	return -1;
}

static const Dwfl_Callbacks file_callbacks = {
	.find_elf = find_no_elf,
	.find_debuginfo = find_no_debuginfo,
};

struct unwinder *unwinder_new(const struct tasks *tasks, const struct dso_table *dsos,
			      const char *arch)
{
	struct unwinder *unwinder = g_new0(struct unwinder, 1);

	unwinder->tasks = tasks;
	unwinder->dsos = dsos;
	unwinder->knows_registers = !g_strcmp0(arch, "x86_64");
	unwinder->processes = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)dwfl_end);
	return unwinder;
}

void unwinder_free(struct unwinder *unwinder)
{
	if (!unwinder)
		return;
	g_hash_table_unref(unwinder->processes);
	g_free(unwinder);
}

/* --- Registers and memory of the sample --- */

/* False when the sample does not have it. */
static bool sample_register(const struct unwinder *unwinder, unsigned int number, uint64_t *value)
{
	const uint64_t mask = unwinder->event->sample_regs_user;
	const uint64_t before = mask & ((UINT64_C(1) << number) - 1);
	struct byte_reader reader =
		byte_reader_of(unwinder->sample->tainted_regs,
			       8 * (size_t)__builtin_popcountll(mask), unwinder->swap);

	byte_reader_skip(&reader, 8 * (size_t)__builtin_popcountll(before));
	*value = byte_reader_u64(&reader);
	return !reader.failed && mask >> number & 1;
}

static bool set_registers(Dwfl_Thread *thread, void *data)
{
	const struct unwinder *unwinder = data;
	Dwarf_Word values[G_N_ELEMENTS(dwarf_registers)];

	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		uint64_t value;

		if (!sample_register(unwinder, dwarf_registers[i], &value))
			return false;
		values[i] = value;
	}
	return dwfl_thread_state_registers(thread, 0, G_N_ELEMENTS(values), values);
}

/* A word of the stack; nothing else of the process was recorded. */
static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *value, void *data)
{
	struct unwinder *unwinder = data;
	struct byte_reader reader = byte_reader_of(unwinder->sample->tainted_stack,
						   unwinder->sample->stack_size, unwinder->swap);
	uint64_t stack;

	(void)dwfl;
	if (!sample_register(unwinder, REG_SP, &stack) || address < stack) {
		unwinder->in_part = true;
		return false;
	}
	byte_reader_skip(&reader, address - stack);
	*value = byte_reader_u64(&reader);
	unwinder->in_part = unwinder->in_part || reader.failed;
	return !reader.failed;
}

/* One thread, whose state is the sample's. */
static pid_t next_thread(Dwfl *dwfl, void *data, void **thread)
{
	if (*thread)
		return 0;
	*thread = data;
	return dwfl_pid(dwfl);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

/* --- What is mapped --- */

/*
 * Where the file's first page would be in memory, as libdwfl counts: its segments keep their
 * distances, and the one that was mapped tells where all of them are.
 */
static bool find_base(int fd, const struct mapping *mapping, uint64_t offset, GElf_Addr *base)
{
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	size_t n = 0;
	bool found = false, has_first = false;
	GElf_Addr first = 0, bias = 0;

	if (elf && elf_getphdrnum(elf, &n))
		n = 0;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, (int)i, &phdr) || phdr.p_type != PT_LOAD)
			continue;
		if (!has_first)
			first = phdr.p_vaddr & -(phdr.p_align ? phdr.p_align : 1);
		has_first = true;
		if (offset >= phdr.p_offset && offset - phdr.p_offset < phdr.p_filesz) {
			bias = mapping->start - mapping->file_offset + phdr.p_offset - phdr.p_vaddr;
			found = true;
		}
	}
	elf_end(elf);
	*base = bias + first;
	return found;
}

/* Tells libdwfl of the file; the mapping is kept with it. */
static Dwfl_Module *report(Dwfl *dwfl, struct dso *dso, const struct mapping *mapping,
			   uint64_t address)
{
	const int fd = dso_elf_descriptor(dso);
	const uint64_t offset = address - mapping->start + mapping->file_offset;
	Dwfl_Module *module = NULL;
	void **userdata;
	GElf_Addr base;

	if (fd < 0)
		return NULL;
	if (find_base(fd, mapping, offset, &base)) {
		dwfl_report_begin_add(dwfl);
		module = dwfl_report_elf(dwfl, dso_name(dso), dso_elf_path(dso), fd, base, false);
		dwfl_report_end(dwfl, NULL, NULL);
	}
	if (!module)
		close(fd);
	if (module && dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL))
		*userdata = (void *)mapping;
	return module;
}

enum reported {
	REPORTED,
	NOT_REPORTED, /* no file is known there */
	OUTDATED,     /* another file was there before */
};

/* Makes the file at the address known to libdwfl, which has to be before it unwinds it. */
static enum reported report_address(struct unwinder *unwinder, uint64_t address)
{
	const struct perf_sample *sample = unwinder->sample;
	struct validity validity = VALID_ALWAYS;
	const struct mapping *mapping = tasks_find_mapping(unwinder->tasks, sample->pid, address,
							   sample->time_ns, &validity);
	Dwfl_Module *module = dwfl_addrmodule(unwinder->dwfl, address);
	struct dso *dso = mapping ? dso_table_get(unwinder->dsos, mapping->dso) : NULL;
	const struct mapping *known;
	void **userdata;

	if (!dso || (dso_kind(dso) != DSO_FILE && dso_kind(dso) != DSO_VDSO))
		return module ? OUTDATED : NOT_REPORTED;
	if (!module)
		return report(unwinder->dwfl, dso, mapping, address) ? REPORTED : NOT_REPORTED;
	dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	known = *userdata;
	return known && known->dso == mapping->dso &&
			       known->start - known->file_offset ==
				       mapping->start - mapping->file_offset
		       ? REPORTED
		       : OUTDATED;
}

/* The picture of the sample's process; `fresh` when it has to be a new one. */
static bool use_process(struct unwinder *unwinder, bool fresh)
{
	gpointer pid = GUINT_TO_POINTER(unwinder->sample->pid);

	if (fresh)
		g_hash_table_remove(unwinder->processes, pid);
	unwinder->dwfl = g_hash_table_lookup(unwinder->processes, pid);
	if (unwinder->dwfl)
		return true;
	unwinder->dwfl = dwfl_begin(&file_callbacks);
	if (!unwinder->dwfl)
		return false;
	g_hash_table_insert(unwinder->processes, pid, unwinder->dwfl);
	return true;
}

/* libdwfl learns from the first file what machine it is, and wants to be told of a thread once. */
static bool attach(struct unwinder *unwinder)
{
	return dwfl_pid(unwinder->dwfl) > 0 ||
	       dwfl_attach_state(unwinder->dwfl, NULL, (pid_t)unwinder->sample->pid,
				 &thread_callbacks, unwinder);
}

/* --- Unwinding --- */

static int add_frame(Dwfl_Frame *frame, void *data)
{
	struct unwinder *unwinder = data;
	Dwarf_Addr pc;
	uint64_t address;

	if (!dwfl_frame_pc(frame, &pc, NULL) || unwinder->frames == MAX_FRAMES)
		return DWARF_CB_ABORT;
	/* A thread that was begun by hand may end so. */
	if (pc == 0)
		return DWARF_CB_OK;
	address = pc;
	g_array_append_val(unwinder->addresses, address);
	/* The first frame is there already: see unwind(). */
	if (unwinder->frames++ > 0 && report_address(unwinder, address - 1) != REPORTED) {
		unwinder->in_part = true;
		return DWARF_CB_ABORT;
	}
	return DWARF_CB_OK;
}

/* Appends the frames; false when not even the first of them was found. */
static bool unwind(struct unwinder *unwinder, uint64_t ip)
{
	enum reported reported;

	if (!use_process(unwinder, false))
		return false;
	reported = report_address(unwinder, ip);
	if (reported == OUTDATED && use_process(unwinder, true))
		reported = report_address(unwinder, ip);
	if (reported != REPORTED || !attach(unwinder))
		return false;
	/* An error is a function that no unwinding table tells of, or a stack that is not there. */
	if (dwfl_getthread_frames(unwinder->dwfl, (pid_t)unwinder->sample->pid, add_frame,
				  unwinder) < 0)
		unwinder->in_part = true;
	return unwinder->frames > 0;
}

enum unwound unwinder_append(struct unwinder *unwinder, const struct perf_event *event,
			     const struct perf_sample *sample, bool swap, GArray *addresses)
{
	const uint64_t mark = (uint64_t)PERF_CONTEXT_USER;
	uint64_t ip;

	unwinder->event = event;
	unwinder->sample = sample;
	unwinder->swap = swap;
	unwinder->addresses = addresses;
	unwinder->frames = 0;
	unwinder->in_part = false;
	if (!unwinder->knows_registers || sample->regs_abi != PERF_SAMPLE_REGS_ABI_64 ||
	    !sample_register(unwinder, REG_IP, &ip))
		return UNWOUND_NOT;
	g_array_append_val(addresses, mark);
	if (!unwind(unwinder, ip)) {
		g_array_append_val(addresses, ip);
		unwinder->in_part = true;
	}
	return unwinder->in_part ? UNWOUND_IN_PART : UNWOUND;
}
