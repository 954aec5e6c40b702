# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the measurements need. Included by the Makefile behind tests/tests.mk, whose byte builder
# makes the recordings.

# Like the builder it narrows numbers, and means it.
$(BUILD)/bench/%.o: WARNINGS += -Wno-conversion

make_recording := $(BUILD)/bench/make_recording

$(make_recording): $(addprefix $(BUILD)/bench/,make_recording.o pair_story.o code_map.o) $(lib_objects)
	$(link)

# The recordings that bench/hostile.py measures.
$(BUILD)/bench/make_hostile: $(BUILD)/bench/make_hostile.o $(lib_objects)
	$(link)

.PHONY: bench-tools
bench-tools: all $(make_recording) $(BUILD)/bench/make_hostile

# One of the tests reads its recordings.
check: $(make_recording)
