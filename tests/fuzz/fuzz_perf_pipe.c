/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A recording in the form of a pipe, up to the reports: the header is always a right one, so
 * that no input is a recording in file mode.
 */
#include "fuzz/fuzz.h"
#include "fuzz/memory_file.h"
#include "fuzz/whole_report.h"

#include <glib.h>
#include <string.h>

/* struct perf_pipe_file_header: u64 magic, u64 size; what is not "2..." is little-endian. */
static const char little_endian[16] = "PERFILE2\20\0\0\0\0\0\0\0";
static const char big_endian[16] = "2ELIFREP\0\0\0\0\0\0\0\20";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree uint8_t *copy = NULL;

	if (size < sizeof(little_endian))
		return 0;
	copy = g_memdup2(data, size);
	memcpy(copy, data[0] == '2' ? big_endian : little_endian, sizeof(little_endian));
	(void)whole_report(memory_file_path(copy, size));
	return 0;
}
