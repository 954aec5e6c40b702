/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The GError domain of DSOs.
 */
#include "symbols/dso_error.h"

G_DEFINE_QUARK(dso - error, dso_error)
