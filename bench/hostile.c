/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The checkpoint, and records at moments in it.
 */
#include "hostile.h"

#define START_NS 5000000000ULL
#define RAM_NS	 100000000000ULL /* how long the phase lasts */

static struct perf_event_attr clock_attr(void)
{
	return (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000,
		.sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE,
		.freq = 1,
		.sample_id_all = 1,
	};
}

guint hostile_add_clock(struct hostile *hostile, const char *name, guint64 config, guint n_ids)
{
	struct perf_builder_event event = {.name = name, .attr = clock_attr(), .n_ids = n_ids};

	event.attr.config = config;
	return perf_builder_add_event(hostile->builder, &event);
}

struct perf_builder_stamp hostile_moment(const struct hostile *hostile, guint64 i)
{
	return (struct perf_builder_stamp){.event = hostile->clock,
					   .pid = hostile->side.pid,
					   .tid = hostile->side.tid,
					   .time_ns = hostile->ram_ns + i * HOSTILE_STEP_NS};
}

void hostile_add_chain(struct hostile *hostile, guint64 i, const guint64 *chain, gsize n_chain)
{
	const struct perf_builder_sample sample = {.at = hostile_moment(hostile, i),
						   .misc = PERF_RECORD_MISC_USER,
						   .ip = chain[n_chain - 1],
						   .period = 1000,
						   .chain = chain,
						   .n_chain = n_chain};

	perf_builder_sample(hostile->builder, &sample);
}

void hostile_add_sample(struct hostile *hostile, guint64 i, guint64 address)
{
	const guint64 chain[] = {address >= HOSTILE_KERNEL_START ? (guint64)PERF_CONTEXT_KERNEL
								 : (guint64)PERF_CONTEXT_USER,
				 address};

	hostile_add_chain(hostile, i, chain, G_N_ELEMENTS(chain));
}

struct perf_builder_mmap hostile_mapping(const struct hostile *hostile, guint64 i, guint64 start,
					 guint64 size_bytes, const char *path)
{
	return (struct perf_builder_mmap){.at = hostile_moment(hostile, i),
					  .misc = PERF_RECORD_MISC_USER,
					  .start = start,
					  .size_bytes = size_bytes,
					  .path = path};
}

void hostile_map(struct hostile *hostile, guint64 i, guint64 start, guint64 size_bytes,
		 const char *path)
{
	const struct perf_builder_mmap mmap = hostile_mapping(hostile, i, start, size_bytes, path);

	perf_builder_mmap(hostile->builder, &mmap);
}

void hostile_map_kernel(struct hostile *hostile, guint64 start, guint64 size_bytes,
			const char *path)
{
	struct perf_builder_mmap mmap = hostile_mapping(hostile, 0, start, size_bytes, path);

	mmap.at.pid = -1;
	mmap.at.time_ns = 0;
	mmap.misc = PERF_RECORD_MISC_KERNEL;
	mmap.file_offset = start;
	perf_builder_mmap(hostile->builder, &mmap);
}

/* A checkpoint whose phase has the records; its story goes on behind what a recipe tells. */
static void begin_checkpoint(struct hostile *hostile, struct colo_story_checkpoint *checkpoint)
{
	*checkpoint = (struct colo_story_checkpoint){.seq = 1, .wait_ns = 5000000};
	for (guint phase = COLO_STORY_REQUEST; phase < COLO_STORY_N_PHASES; phase++)
		checkpoint->phase_ns[phase] = 1000000;
	checkpoint->phase_ns[COLO_STORY_RAM] = RAM_NS;
	hostile->ram_ns = colo_story_phase_begin_ns(&hostile->side, checkpoint, COLO_STORY_RAM);
}

struct hostile hostile_begin(guint n)
{
	struct hostile hostile = {
		.builder = perf_builder_new(G_LITTLE_ENDIAN),
		.side = {.role = COLO_STORY_PRIMARY, .pid = 101, .tid = 111, .now_ns = START_NS},
		.n = n,
	};
	struct colo_story_checkpoint checkpoint;
	struct colo_story_side side = hostile.side;

	hostile.story = colo_story_new(hostile.builder, HOSTILE_N_CPUS, NULL);
	hostile.clock =
		hostile_add_clock(&hostile, "cpu-clock", PERF_COUNT_SW_CPU_CLOCK, HOSTILE_N_CPUS);
	colo_story_features(hostile.story);
	begin_checkpoint(&hostile, &checkpoint);
	colo_story_checkpoint(hostile.story, &side, &checkpoint);
	return hostile;
}

void hostile_finish(struct hostile *hostile)
{
	g_clear_pointer(&hostile->story, colo_story_free);
}

void hostile_end(struct hostile *hostile)
{
	hostile_finish(hostile);
	perf_builder_free(hostile->builder);
}

static void write_recipe(const struct hostile_recipe *recipe, const char *directory, GError **error)
{
	struct hostile hostile = hostile_begin(recipe->n);
	g_autofree char *path = g_strconcat(directory, "/", recipe->name, ".data", NULL);

	recipe->tell(&hostile);
	hostile_finish(&hostile);
	perf_builder_write(hostile.builder, path, error);
	hostile_end(&hostile);
}

int hostile_main(int argc, char **argv, const struct hostile_recipe *recipes, gsize n_recipes)
{
	g_autoptr(GError) error = NULL;

	if (argc != 2) {
		g_printerr("usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	for (gsize i = 0; i < n_recipes && !error; i++)
		write_recipe(&recipes[i], argv[1], &error);
	if (error) {
		g_printerr("%s: %s\n", argv[0], error->message);
		return 1;
	}
	return 0;
}
