/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Takes a real recording in file mode apart and puts it together again: with less data, compressed,
 * as a pipe. It trusts the file, which must be of this machine's byte order.
 */
#ifndef COLO_PERF_TESTS_REAL_RECORDING_H
#define COLO_PERF_TESTS_REAL_RECORDING_H

#include <glib.h>

/* Weak: bytes of the file that it was made of. */
struct real_recording {
	const guint8 *bytes;
	gsize size;
	const guint8 *data; /* the records */
	gsize data_size;
	guint n_features;
};

struct real_recording real_recording_of(const void *bytes, gsize size);

/* The section of a feature; NULL when it has none. */
const guint8 *real_recording_feature(const struct real_recording *recording, guint feature,
				     gsize *size);

/* How many bytes the first records have that hold `size` bytes or more, if there are so many. */
gsize real_recording_first(const struct real_recording *recording, gsize size);

/* The recording with other records; the caller unreferences what it gets. */
GByteArray *real_recording_file(const struct real_recording *recording, const guint8 *data,
				gsize data_size);

/* The same as perf record -o - writes it; without the table of build-ids. */
GByteArray *real_recording_pipe(const struct real_recording *recording, const guint8 *data,
				gsize data_size);

#endif
