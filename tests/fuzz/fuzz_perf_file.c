/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A recording as a file, whatever its bytes are, up to the reports.
 */
#include "fuzz/fuzz.h"
#include "fuzz/memory_file.h"
#include "fuzz/whole_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)whole_report(memory_file_path(data, size));
	return 0;
}
