/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Why a file or its symbols cannot be used, within src/profile: a GError whose
 * code is the enum dso_state that follows and whose message is the clause that
 * dso_problem() gives.
 */
#ifndef COLO_PERF_SYMBOLS_DSO_ERROR_H
#define COLO_PERF_SYMBOLS_DSO_ERROR_H

#include <glib.h>

#define DSO_ERROR (dso_error_quark())

GQuark dso_error_quark(void);

#endif
