/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The GError domain of colo-perf.
 */
#include "base/error.h"

#include <errno.h>

G_DEFINE_QUARK(colo - perf - error, colo_perf_error)

const char *error_reason(int code)
{
	return code == EFBIG ? "File too large (the shell's ulimit -f is the limit)"
			     : g_strerror(code);
}
