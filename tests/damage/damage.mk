# SPDX-License-Identifier: GPL-2.0-or-later
#
# Recordings that are cut and changed. `make check` does a part, `make damage` all of it.

damage := $(BUILD)/tests/damage/damage

$(damage): $(damage).o $(BUILD)/tests/damage/checkpoints.o $(BUILD)/tests/fuzz/memory_file.o $(whole_objects)
	$(link)

.PHONY: damage
damage: $(damage)
	tests/damage/run.sh $(damage) --all
