# SPDX-License-Identifier: GPL-2.0-or-later
#
# Recordings that are cut and changed. `make check` does a part, `make damage` all of it.

damage := $(BUILD)/tests/damage/damage

$(damage): $(damage).o $(BUILD)/tests/damage/checkpoints.o $(BUILD)/tests/fuzz/memory_file.o $(whole_objects)
	$(link)

make_damage_forms := $(BUILD)/tests/damage/make_forms

$(make_damage_forms): $(make_damage_forms).o $(BUILD)/tests/lib/real_recording.o $(BUILD)/tests/lib/perf_packer.o
	$(link)

.PHONY: damage
damage: $(damage) $(make_damage_forms)
	tests/damage/run.sh $(BUILD) --all
