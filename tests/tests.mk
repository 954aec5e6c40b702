# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tests that need neither root nor a QEMU. Included by the Makefile, which
# defines the objects of each module.

# A byte builder narrows numbers all the time, and means it.
$(BUILD)/tests/%.o: WARNINGS += -Wno-conversion

lib_objects := $(addprefix $(BUILD)/tests/lib/,perf_builder.o perf_builder_record.o \
			perf_builder_feature.o perf_builder_file.o perf_builder_pipe.o \
			perf_builder_forms.o perf_packer.o colo_story.o usual_pair.o memory_fd.o)
forms_objects := $(addprefix $(BUILD)/tests/lib/,forms_story.o recording_forms.o)
settling := $(BUILD)/tests/lib/settling.o
small_file := $(BUILD)/tests/lib/small_file.o
probes_maker := $(addprefix $(BUILD)/tests/lib/,elf_maker.o probes_maker.o)
registration_tests := test_registration test_registration_races test_shared_state
elf_objects := $(addprefix $(BUILD)/tests/lib/,elf_maker.o dso_fixture.o)
flame_svg := $(addprefix $(BUILD)/src/,flame_svg.o flame_layout.o flame_tooltip.o svg_text.o)
profile_story := $(BUILD)/tests/lib/profile_story.o
recorded := $(BUILD)/tests/lib/recorded.o

# Unit tests: each is linked with the modules that it may know and no others, so
# that an include in the wrong direction does not link.
UNIT_BASE := test_distribution test_byte_reader test_hash test_id_table test_printable test_rights
UNIT_PERFDATA := test_perf_file test_perf_directory test_perf_event test_perf_record test_event_desc test_perf_task test_perf_completion test_perf_unpack \
		 test_tracepoint test_format_files
UNIT_COLO := test_probe test_hit_log test_duplicates test_model test_parts test_tally test_hit_queue
UNIT_PROBES := test_sdt_notes test_uprobe_arguments test_process test_registration \
	       test_registration_races test_shared_state test_trust
UNIT_SYMBOLS := test_build_id test_cfi_table test_debuginfod test_demangle test_dso test_dso_elf test_dso_hostile \
		test_inlines test_recorded_file test_symbol_table test_kallsyms
UNIT_PROFILE := test_address_space test_deferred test_task_events test_tasks test_dso_table test_stack_resolver test_profile \
		test_unwinder
UNIT_RECORDING := test_recording test_losses test_damaged_recording test_phase_profile test_phase_sums test_flame_tree \
		  test_record_types test_report_profile
UNIT_FLAME_SVG := test_flame_svg
UNIT_OUTPUT := test_output test_json
UNIT_RECORD := test_record_files
UNIT_TESTS_OWN := test_perf_packer
UNIT_FORMS := test_forms
UNIT_STREAM := test_stream
UNIT_LIVE := test_live_view
UNIT_SCREEN := test_screen_keys

unit = $(1:%=$(BUILD)/tests/unit/%)
unit_tests := $(call unit,$(UNIT_BASE) $(UNIT_PERFDATA) $(UNIT_COLO) $(UNIT_PROBES) $(UNIT_SYMBOLS) $(UNIT_PROFILE) \
			$(UNIT_RECORDING) $(UNIT_FLAME_SVG) $(UNIT_OUTPUT) $(UNIT_RECORD) $(UNIT_TESTS_OWN) \
			$(UNIT_FORMS) $(UNIT_STREAM) $(UNIT_LIVE) $(UNIT_SCREEN))

$(call unit,$(UNIT_BASE)): $(base_objects)
$(call unit,$(UNIT_PERFDATA)): $(small_file) $(lib_objects) $(perfdata_objects) $(base_objects)
$(call unit,test_tally): $(settling)
$(call unit,$(UNIT_COLO)): $(colo_objects) $(base_objects)
$(call unit,$(registration_tests)): $(BUILD)/tests/lib/registration_fixture.o
$(call unit,$(UNIT_PROBES)): $(probes_maker) $(probes_objects) $(colo_objects) $(base_objects)
$(call unit,test_dso_hostile): $(BUILD)/tests/lib/hostile_elf.o
$(call unit,$(UNIT_SYMBOLS)): $(elf_objects) $(symbols_objects) $(base_objects)
$(call unit,$(UNIT_PROFILE)): $(elf_objects) $(small_file) $(lib_objects) $(profile_objects) \
			      $(symbols_objects) $(perfdata_objects) $(base_objects)
$(call unit,test_recording test_losses test_damaged_recording): $(recorded)
$(call unit,test_report_profile): $(BUILD)/src/report_profile.o
$(call unit,$(UNIT_RECORDING)): $(profile_story) $(lib_objects) \
				$(addprefix $(BUILD)/src/,recording.o recording_file.o phase_profile.o phase_sums.o \
					unresolved.o warnings.o flame_tree.o) $(flame_svg) \
				$(profile_objects) $(symbols_objects) $(colo_objects) $(perfdata_objects) $(base_objects)
$(call unit,$(UNIT_FLAME_SVG)): $(flame_svg) $(base_objects)
$(call unit,$(UNIT_FORMS)): $(forms_objects) $(profile_story) $(lib_objects) $(command_objects) \
			 $(profile_objects) $(symbols_objects) $(probes_objects) $(colo_objects) \
			 $(perfdata_objects) $(base_objects)
$(call unit,$(UNIT_STREAM)): $(forms_objects) $(lib_objects) $(perfdata_objects) $(base_objects)
$(call unit,$(UNIT_LIVE)): $(addprefix $(BUILD)/src/,live_view.o live_tables.o live_counts.o figures.o screen.o \
			     screen_keys.o recording.o recording_file.o phase_profile.o phase_sums.o unresolved.o \
			     warnings.o) \
			   $(profile_objects) $(symbols_objects) $(colo_objects) $(perfdata_objects) $(base_objects)
$(call unit,$(UNIT_SCREEN)): $(BUILD)/src/screen_keys.o
$(call unit,$(UNIT_OUTPUT)): $(addprefix $(BUILD)/src/,output.o output_place.o json.o) $(base_objects)
$(call unit,$(UNIT_RECORD)): $(elf_objects) $(BUILD)/src/record_files.o $(symbols_objects) $(perfdata_objects) \
			    $(base_objects)
$(call unit,$(UNIT_TESTS_OWN)): $(BUILD)/tests/lib/perf_packer.o

$(unit_tests): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o
	$(link)

.PHONY: unit
unit: $(unit_tests)
	@for test in $(unit_tests); do $$test || exit 1; done

# The published results of the original recorder, as recordings.
results_dir := $(BUILD)/tests/recorder-results
make_results := $(results_dir)/make_recordings

$(make_results): $(results_dir)/make_recordings.o $(lib_objects)
	$(link)

$(results_dir)/stamp: $(make_results) tests/recorder-results/recorder-results.jsonl
	$(make_results) tests/recorder-results/recorder-results.jsonl $(results_dir)
	@touch $@

# The recordings that the tests of the command line read.
make_cli_recordings := $(BUILD)/tests/cli/make_recordings

$(make_cli_recordings): $(BUILD)/tests/cli/make_recordings.o $(lib_objects)
	$(link)

# Flame graphs whose numbers are known, for flame_svg_browser.py, which needs a Chromium.
make_flame_svg := $(BUILD)/tests/cli/make_flame_svg

$(make_flame_svg): $(BUILD)/tests/cli/make_flame_svg.o $(flame_svg) $(base_objects)
	$(link)

# The same recordings in each form that perf writes, for perf itself.
make_forms := $(BUILD)/tests/forms/make_forms

$(make_forms): $(BUILD)/tests/forms/make_forms.o $(forms_objects) $(lib_objects)
	$(link)

include tests/fuzz/fuzz.mk
include tests/damage/damage.mk

# All of them; TALLY collects a line for each, which scripts/test.sh adds up.
TALLY ?= $(BUILD)/tests/tally
run_tap := tests/run-tap.sh $(TALLY)

.PHONY: check
check: all $(unit_tests) $(results_dir)/stamp $(make_cli_recordings) $(make_flame_svg) \
	$(make_forms) $(replay_programs) $(damage) \
	$(make_damage_forms)
	@mkdir -p $(dir $(TALLY)) && rm -f $(TALLY)
	@$(foreach test,$(unit_tests),$(run_tap) $(notdir $(test)) $(test);)
	@$(run_tap) recorder-results tests/recorder-results/check.py \
		--colo-perf $(BUILD)/colo-perf $(results_dir)
	@$(run_tap) one-hash tests/one-hash/check.py src
	@$(run_tap) golden tests/golden/check.sh $(BUILD)/colo-perf
	@$(run_tap) golden-counts tests/golden/check-counts.sh $(BUILD)/colo-perf
	@COLO_PERF=$(BUILD)/colo-perf $(run_tap) environment tests/cli/environment.sh
	@COLO_PERF=$(BUILD)/colo-perf $(run_tap) cli tests/cli/run.sh
	@COLO_PERF=$(BUILD)/colo-perf $(run_tap) numbers tests/cli/numbers.sh
	@COLO_PERF=$(BUILD)/colo-perf $(run_tap) flamegraph tests/cli/flamegraph.sh tests/golden
	@COLO_PERF=$(BUILD)/colo-perf $(run_tap) live tests/cli/live.sh tests/golden
	@COLO_PERF=$(BUILD)/colo-perf $(run_tap) ends tests/cli/ends.sh tests/golden
# Sanitizers keep what was freed, and count for themselves.
ifndef SANITIZE
	@$(run_tap) memory tests/memory/check.py $(BUILD)/colo-perf $(make_recording)
	@$(run_tap) memory-hostile tests/memory/check-hostile.py $(BUILD)/colo-perf $(make_hostile_packed)
	@$(run_tap) cost tests/cost/check.py $(BUILD)/colo-perf $(make_recording)
endif
	@$(run_tap) perf-forms tests/forms/check-perf.sh $(make_forms)
	@$(foreach target,$(FUZZ_TARGETS),$(run_tap) fuzz-$(target) tests/fuzz/replay.sh $(BUILD) $(target);)
	@$(run_tap) damage tests/damage/run.sh $(BUILD)
	@awk '{ p += $$2; f += $$3; s += $$4 } END { printf "%d passed, %d failed", p, f; \
		if (s) printf ", %d skipped", s; print ""; exit f > 0 }' $(TALLY)
