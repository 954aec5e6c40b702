/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A new column is a new row here.
 */
#include "figures.h"

#include <inttypes.h>
#include <string.h>

const struct report_field report_recorder_fields[] = {
	{"tot_time", offsetof(struct colo_recorder, tot_time), "ns"},
	{"tot_num", offsetof(struct colo_recorder, tot_num), ""},
	{"avg_time", offsetof(struct colo_recorder, avg_time), "ns"},
	{"init_time", offsetof(struct colo_recorder, init_time), "ns"},
	{"wait_time", offsetof(struct colo_recorder, wait_time), "ns"},
	{"stat_time", offsetof(struct colo_recorder, stat_time), "ns"},
	{"dev_time", offsetof(struct colo_recorder, dev_time), "ns"},
	{"ram_time", offsetof(struct colo_recorder, ram_time), "ns"},
	{"vmstate_time", offsetof(struct colo_recorder, vmstate_time), "ns"},
	{"ram_size", offsetof(struct colo_recorder, ram_size), "bytes"},
	{"dev_size", offsetof(struct colo_recorder, dev_size), "bytes"},
};
const guint report_n_recorder_fields = G_N_ELEMENTS(report_recorder_fields);

struct colo_value report_recorder_value(const struct colo_recorder *recorder, guint field)
{
	struct colo_value value;

	memcpy(&value, (const char *)recorder + report_recorder_fields[field].offset,
	       sizeof(value));
	return value;
}

const char *figure_of(char text[FIGURE_SIZE], double value)
{
	const int decimals = value < 999.9995 ? 3 : value < 9999.995 ? 2 : value < 99999.95 ? 1 : 0;

	g_snprintf(text, FIGURE_SIZE, "%.*f", decimals, value);
	return text;
}

static double mean(const struct distribution *distribution)
{
	return distribution->mean;
}

static double min(const struct distribution *distribution)
{
	return (double)distribution->min;
}

static double p50(const struct distribution *distribution)
{
	return (double)distribution->p50;
}

static double p90(const struct distribution *distribution)
{
	return (double)distribution->p90;
}

static double p99(const struct distribution *distribution)
{
	return (double)distribution->p99;
}

static double max(const struct distribution *distribution)
{
	return (double)distribution->max;
}

static double stddev(const struct distribution *distribution)
{
	return distribution->stddev;
}

const struct figure_column figure_columns[] = {
	{"mean", mean, 1, 3}, {"min", min, 1, 5}, {"p50", p50, 1, 1},	    {"p90", p90, 1, 7},
	{"p99", p99, 1, 2},   {"max", max, 1, 4}, {"stddev", stddev, 2, 6},
};
const guint n_figure_columns = G_N_ELEMENTS(figure_columns);

const char *figure_in_column(char text[FIGURE_SIZE], const struct figure_column *column,
			     const struct distribution *distribution, double divisor)
{
	if (distribution->n < column->least_n)
		return "-";
	return figure_of(text, column->value(distribution) / divisor);
}

char *figure_of_field(const struct report_field *field, struct colo_value value)
{
	if (!value.known)
		return g_strdup("-");
	if (!strcmp(field->unit, "ns"))
		return g_strdup_printf("%.3f ms", (double)value.value / NS_PER_MS);
	return g_strdup_printf("%" PRId64 "%s%s", value.value, *field->unit ? " " : "",
			       field->unit);
}
