# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fuzz targets, built twice: by clang with libFuzzer for `make fuzz`, by the
# ordinary compiler with replay.c for `make check`, which runs what was found before.

FUZZ_TARGETS := perf_file perf_pipe zstd tracepoint maps symbols unwind model notes
FUZZ_TIME ?= 60
FUZZ_JOBS ?= 1

fuzz_object = $(BUILD)/tests/fuzz/$(1).o
# All of colo-perf in a test program, which has a main() of its own.
main_object := $(BUILD)/tests/colo_perf.o
whole_objects := $(main_object) $(command_objects) $(profile_objects) $(symbols_objects) \
		 $(probes_objects) $(colo_objects) $(perfdata_objects) $(base_objects)

$(main_object): src/colo_perf.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes -Dmain=colo_perf_main -MMD -MP -c -o $@ $<

# What each target needs beside itself: the modules that it may know.
fuzz_reports := $(addprefix $(BUILD)/tests/fuzz/,memory_file.o whole_report.o invariants.o) \
		$(whole_objects)
fuzz_needs_perf_file := $(fuzz_reports)
fuzz_needs_perf_pipe := $(fuzz_reports)
fuzz_needs_zstd := $(perfdata_objects) $(base_objects)
fuzz_needs_tracepoint := $(perfdata_objects) $(base_objects)
fuzz_needs_maps := $(call fuzz_object,reference_tasks) $(profile_objects) $(symbols_objects) \
		   $(perfdata_objects) $(base_objects)
fuzz_needs_symbols := $(call fuzz_object,memory_file) $(symbols_objects) $(base_objects)
fuzz_needs_unwind := $(call fuzz_object,memory_file) $(profile_objects) $(symbols_objects) \
		     $(perfdata_objects) $(base_objects)
fuzz_needs_notes := $(probes_objects) $(colo_objects) $(base_objects)
fuzz_needs_model := $(call fuzz_object,invariants) $(settling) $(colo_objects) $(base_objects)

# $(1): a target
define fuzz_rules
$(BUILD)/tests/fuzz/replay_$(1): $(call fuzz_object,replay) $(call fuzz_object,fuzz_$(1)) $(fuzz_needs_$(1))
	$$(link)

$(BUILD)/tests/fuzz/fuzz_$(1): $(call fuzz_object,fuzz_$(1)) $(fuzz_needs_$(1))
	$$(call quiet,LD)$$(CC) $$(CFLAGS) -fsanitize=fuzzer $$(LDFLAGS) -o $$@ $$^ $$(LIBS)
endef
$(foreach target,$(FUZZ_TARGETS),$(eval $(call fuzz_rules,$(target))))

fuzz_programs := $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/fuzz_%)
replay_programs := $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/replay_%)

# The first inputs, where there is no corpus yet; and after a change of what a recording can be.
make_seeds := $(BUILD)/tests/fuzz/make_seeds

$(make_seeds): $(make_seeds).o $(probes_maker) $(BUILD)/tests/lib/real_recording.o $(lib_objects)
	$(link)

.PHONY: fuzz-programs fuzz fuzz-merge
fuzz-programs: $(fuzz_programs) $(make_seeds)

fuzz:
	$(MAKE) FUZZ=1 fuzz-programs
	FUZZ_TIME=$(FUZZ_TIME) FUZZ_JOBS=$(FUZZ_JOBS) tests/fuzz/run.sh build/fuzz $(FUZZ_TARGETS)

fuzz-merge:
	$(MAKE) FUZZ=1 fuzz-programs
	tests/fuzz/merge.sh build/fuzz $(FUZZ_TARGETS)
