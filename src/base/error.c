/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The GError domain of colo-perf.
 */
#include "base/error.h"

G_DEFINE_QUARK(colo - perf - error, colo_perf_error)
