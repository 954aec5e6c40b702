/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes, for each of the published results of the original recorder, one
 * perf.data of a primary that has exactly these results: the inverse of what
 * colo-perf computes. check.py compares; nothing here knows colo-perf.
 *
 *     make_recordings recorder-results.jsonl DIRECTORY
 *
 * writes DIRECTORY/01.data to 11.data in alternating byte orders.
 */
#include <json-glib/json-glib.h>
#include <math.h>

#include "../lib/colo_story.h"
#include "../lib/perf_builder.h"

#define N_CPUS		2
#define START_NS	1234567890123ULL /* of the recording, on perf's clock */
#define MAX_CHECKPOINTS 64

static guint64 get_number(JsonObject *object, const char *name)
{
	return json_object_has_member(object, name) ? json_object_get_int_member(object, name) : 0;
}

/*
 * Parts that add up to total and lie far from each other, differently for each
 * salt: an average of the wrong checkpoints, a median, a first or a last value
 * are then not total / n.
 */
static void split_unevenly(guint64 total, guint n, guint32 salt, guint64 *parts)
{
	guint64 weights[MAX_CHECKPOINTS], sum = 0, left = total;

	g_assert_cmpuint(n, >, 0);
	g_assert_cmpuint(n, <=, MAX_CHECKPOINTS);
	for (guint i = 0; i < n; i++) {
		guint32 mixed = (i + 1) * 2654435761u ^ (salt + 1) * 2246822519u;

		mixed = (mixed ^ mixed >> 15) * 2654435761u;
		weights[i] = 1 + (mixed >> 16) % 97;
		sum += weights[i];
	}
	for (guint i = 0; i < n; i++) {
		parts[i] =
			i + 1 < n ? (guint64)((unsigned __int128)total * weights[i] / sum) : left;
		left -= parts[i];
	}
}

/* One field of all checkpoints, by the number of the checkpoint from 0. */
struct columns {
	guint64 wait[MAX_CHECKPOINTS], stat[MAX_CHECKPOINTS], dev[MAX_CHECKPOINTS];
	guint64 ram[MAX_CHECKPOINTS], vmstate[MAX_CHECKPOINTS], received[MAX_CHECKPOINTS];
	guint64 loaded[MAX_CHECKPOINTS], resume[MAX_CHECKPOINTS], rest[MAX_CHECKPOINTS];
	guint64 dev_bytes[MAX_CHECKPOINTS], vmstate_bytes[MAX_CHECKPOINTS];
	guint64 overlap; /* of loaded with what comes before it, in the first checkpoint */
};

/*
 * A published average is a total divided by tot_num and rounded down, so
 * average times tot_num is a total that gives it. In two of the results these
 * totals exceed tot_time by a little, which is so when two of the phases overlap:
 * then the wait for VMSTATE_LOADED begins so much earlier in one checkpoint.
 */
static void fill_columns(struct columns *columns, JsonObject *result, guint n)
{
	gboolean has_messages = json_object_has_member(result, "load_time");
	guint64 total = get_number(result, "tot_time");
	guint64 vmstate = get_number(result, has_messages ? "put_time" : "vmstate_time") * n;
	guint64 loaded = get_number(result, "load_time") * n;
	guint64 known = get_number(result, "stat_time") * n + get_number(result, "dev_time") * n +
			get_number(result, "ram_time") * n + vmstate +
			get_number(result, "recv_time") * n + loaded +
			get_number(result, "resume_time") * n;
	guint64 received = get_number(result, "recv_time") * n;
	guint64 resume = get_number(result, "resume_time") * n;
	guint64 rest = 0;

	if (known > total) {
		columns->overlap = known - total;
		g_assert_cmpuint(columns->overlap, <, loaded);
		loaded -= columns->overlap;
	} else {
		rest = total - known;
	}
	/* The first revision did not measure the messages; they were most of the checkpoint. */
	if (!has_messages) {
		received = rest / 10;
		loaded = rest / 10 * 8;
		resume = rest / 100;
		rest -= received + loaded + resume;
	}
	split_unevenly(get_number(result, "wait_time") * n, n, 1, columns->wait);
	split_unevenly(get_number(result, "stat_time") * n, n, 2, columns->stat);
	split_unevenly(get_number(result, "dev_time") * n, n, 3, columns->dev);
	split_unevenly(get_number(result, "ram_time") * n, n, 4, columns->ram);
	split_unevenly(vmstate, n, 5, columns->vmstate);
	split_unevenly(received, n, 6, columns->received);
	split_unevenly(loaded, n, 7, columns->loaded);
	split_unevenly(resume, n, 8, columns->resume);
	split_unevenly(rest, n, 9, columns->rest);
	split_unevenly(get_number(result, "dev_size") * n, n, 10, columns->dev_bytes);
	split_unevenly(get_number(result, "ram_size") * n, n, 11, columns->vmstate_bytes);
}

static void fill_checkpoint(struct colo_story_checkpoint *checkpoint, const struct columns *columns,
			    guint i, guint n)
{
	guint64 stat[5], rest[8];

	/* From the begin of the checkpoint to that of colo_dev: what counts is the sum. */
	split_unevenly(columns->stat[i], G_N_ELEMENTS(stat), 20 + i, stat);
	checkpoint->before_ns[COLO_STORY_REQUEST] = stat[0];
	checkpoint->phase_ns[COLO_STORY_REQUEST] = stat[1];
	checkpoint->before_ns[COLO_STORY_STOP] = stat[2];
	checkpoint->phase_ns[COLO_STORY_STOP] = stat[3];
	checkpoint->phase_ns[COLO_STORY_BLOCK] = stat[4];

	checkpoint->phase_ns[COLO_STORY_DEV] = columns->dev[i];
	checkpoint->phase_ns[COLO_STORY_RAM] = columns->ram[i];
	checkpoint->phase_ns[COLO_STORY_VMSTATE] = columns->vmstate[i];
	checkpoint->phase_ns[COLO_STORY_RECEIVED] = columns->received[i];
	checkpoint->phase_ns[COLO_STORY_LOADED] = columns->loaded[i];
	checkpoint->phase_ns[COLO_STORY_RESUME] = columns->resume[i];

	split_unevenly(columns->rest[i], G_N_ELEMENTS(rest), 40 + i, rest);
	checkpoint->phase_ns[COLO_STORY_NET] = rest[0];
	checkpoint->before_ns[COLO_STORY_RAM] = rest[1];
	checkpoint->before_ns[COLO_STORY_VMSTATE] = rest[2];
	checkpoint->before_ns[COLO_STORY_RECEIVED] = rest[3];
	checkpoint->before_ns[COLO_STORY_NET] = rest[4];
	checkpoint->before_ns[COLO_STORY_LOADED] = rest[5];
	checkpoint->before_ns[COLO_STORY_RESUME] = rest[6];
	checkpoint->after_ns = rest[7];

	checkpoint->seq = i + 1;
	checkpoint->wait_ns = columns->wait[i];
	checkpoint->dev_bytes = columns->dev_bytes[i];
	checkpoint->vmstate_bytes = columns->vmstate_bytes[i];
	checkpoint->normal_pages = 1000 + 17 * i;
	checkpoint->zero_pages = 10 * (n - i);
	checkpoint->ram_bytes = checkpoint->normal_pages * 4104 + checkpoint->zero_pages * 9;
	checkpoint->trigger = COLO_STORY_TIMER;
}

/* The counters of the last checkpoint are those of the result, earlier ones are others. */
static void fill_counters(struct colo_story_counters *counters, JsonObject *info, guint64 before)
{
	JsonObject *ram = json_object_get_object_member(info, "ram");

	g_assert_cmpstr(json_object_get_string_member(info, "status"), ==, "colo");
	g_assert_cmpuint(get_number(ram, "skipped"), ==, 0);
	*counters = (struct colo_story_counters){
		.status = COLO_STORY_STATUS_COLO,
		.setup_ms = get_number(info, "setup-time") + before,
		.total_ms = get_number(info, "total-time") - before,
		.expected_downtime_ms = get_number(info, "expected-downtime") + before,
		.total_bytes = get_number(ram, "total"),
		.remaining_bytes = get_number(ram, "remaining") + 4096 * before,
		.transferred_bytes = get_number(ram, "transferred") - 4104 * before,
		.page_size_bytes = get_number(ram, "page-size"),
		.normal_pages = get_number(ram, "normal") - before,
		.duplicate_pages = get_number(ram, "duplicate") - before,
		.dirty_sync_count = get_number(ram, "dirty-sync-count") - before,
		.dirty_pages_per_s = get_number(ram, "dirty-pages-rate") + before,
		.multifd_bytes = get_number(ram, "multifd-bytes") + before,
		.postcopy_requests = get_number(ram, "postcopy-requests") + before,
		.pages_per_s = get_number(ram, "pages-per-second") + before,
		.bits_per_s =
			llrint(json_object_get_double_member(ram, "mbps") * 1e6) + (gint64)before,
	};
}

/* Lets loaded begin earlier in the first checkpoint. */
static guint overlap_loaded(struct colo_story_hit *hit, gpointer user_data)
{
	const struct columns *columns = user_data;

	if (!strcmp(hit->probe, "colo_loaded_begin") && hit->args[1] == 1)
		hit->time_ns -= columns->overlap;
	return 1;
}

static gboolean make_recording(JsonObject *result, guint line, const char *directory,
			       GError **error)
{
	int byte_order = line % 2 ? G_LITTLE_ENDIAN : G_BIG_ENDIAN;
	struct perf_builder *builder = perf_builder_new(byte_order);
	struct colo_story *story = colo_story_new(builder, N_CPUS, NULL);
	struct colo_story_side side = {.role = COLO_STORY_PRIMARY,
				       .pid = 4000 + line,
				       .tid = 4100 + line,
				       .main_cpu = 1,
				       .now_ns = START_NS};
	guint n = (guint)get_number(result, "tot_num");
	g_autofree struct columns *columns = g_new0(struct columns, 1);
	g_autofree char *name = g_strdup_printf("%02u.data", line);
	g_autofree char *path = g_build_filename(directory, name, NULL);
	guint64 sum_ns = 0;
	gboolean written;

	fill_columns(columns, result, n);
	colo_story_set_filter(story, overlap_loaded, columns);
	colo_story_features(story);
	colo_story_process(story, &side);
	colo_story_init(story, &side, get_number(result, "init_time"));
	for (guint i = 0; i < n; i++) {
		struct colo_story_checkpoint checkpoint = {0};
		struct colo_story_counters counters;

		fill_checkpoint(&checkpoint, columns, i, n);
		fill_counters(&counters, json_object_get_object_member(result, "info"), n - 1 - i);
		checkpoint.counters = &counters;
		colo_story_checkpoint(story, &side, &checkpoint);
		sum_ns += colo_story_checkpoint_ns(&side, &checkpoint);
		side.now_ns += 1500;
		/* The thread moves to the other CPU, and every third checkpoint perf writes. */
		side.cpu = 1 - side.cpu;
		if (i % 3 == 2)
			colo_story_flush(story);
	}
	g_assert_cmpuint(sum_ns, ==, get_number(result, "tot_time"));
	/* A recording ends when it ends: half of them while the primary waits. */
	if (line % 4 < 2)
		colo_story_open_wait(story, &side, n + 1);
	colo_story_free(story);
	written = perf_builder_write(builder, path, error);
	perf_builder_free(builder);
	return written;
}

int main(int argc, char **argv)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	g_autoptr(GError) error = NULL;

	if (argc != 3) {
		g_printerr("usage: make_recordings RESULTS.jsonl DIRECTORY\n");
		return 2;
	}
	if (!g_file_get_contents(argv[1], &text, NULL, &error))
		goto failed;
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] && *lines[i]; i++) {
		g_autoptr(JsonNode) root = json_from_string(lines[i], &error);
		JsonObject *result;

		if (!root)
			goto failed;
		result = json_object_get_object_member(json_node_get_object(root), "return");
		if (!make_recording(result, i + 1, argv[2], &error))
			goto failed;
	}
	return 0;
failed:
	g_printerr("make_recordings: %s\n", error->message);
	return 1;
}
