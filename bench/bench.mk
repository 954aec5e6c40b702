# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the measurements need. Included by the Makefile behind tests/tests.mk, whose byte builder
# makes the recordings.

# Like the builder it narrows numbers, and means it.
$(BUILD)/bench/%.o: WARNINGS += -Wno-conversion

make_recording := $(BUILD)/bench/make_recording
limits := $(BUILD)/bench/limits

$(make_recording): $(addprefix $(BUILD)/bench/,make_recording.o pair_story.o code_map.o) $(lib_objects)
	$(link)

$(limits): $(BUILD)/bench/limits.o
	$(link)

# The recordings that bench/hostile.py measures.
$(BUILD)/bench/make_hostile_elf: $(BUILD)/tests/lib/hostile_elf.o
make_hostile_packed := $(BUILD)/bench/make_hostile_packed
hostile_makers := $(addprefix $(BUILD)/bench/,make_hostile make_hostile_elf make_hostile_names \
			make_hostile_stacks) \
		  $(make_hostile_packed)

$(hostile_makers): %: %.o $(BUILD)/bench/hostile.o $(lib_objects)
	$(link)

.PHONY: bench-tools
bench-tools: all $(make_recording) $(limits) $(hostile_makers)

# Writes the table of docs/benchmarks.md; BENCH_FLAGS=--help says what can be chosen.
.PHONY: bench
bench: all $(make_recording) $(limits)
	bench/bench.py --build $(BUILD) --compiler $(CC) $(if $(STACKCOLLAPSE),--stackcollapse '$(STACKCOLLAPSE)') $(BENCH_FLAGS)

# Two of the tests read their recordings.
check: $(make_recording) $(make_hostile_packed)
