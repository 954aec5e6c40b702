# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds colo-perf into build/ and runs what can be run without root. What needs
# root or a QEMU is in scripts/.
#
#   make               build/colo-perf and a link to it for each command
#   make check         unit, golden and command-line tests
#   make SANITIZE=1    the same under ASan and UBSan, in build/sanitize/
#   make WERROR=1      with warnings as errors, in build/werror/
#   make V=1           shows the commands
#   make fuzz          each fuzz target for FUZZ_TIME seconds; see CONTRIBUTING.md
#   make damage        recordings cut and changed in every place; make check does a part
#   make unit          the unit tests alone, with all that they print
#   make bench         speed and memory, for docs/benchmarks.md
#   make bench-tools   what bench/*.py needs
#   make check-system  everything that CI runs, as root: scripts/test.sh
#   make lint          clang-format and shellcheck
#   make format        formats the C files
#   make install       to $(DESTDIR)$(PREFIX)

CC ?= gcc
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
BUILD := build
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	    -Wundef -Wformat=2 -Wconversion -Wno-sign-conversion
ifdef WERROR
BUILD := build/werror
WARNINGS += -Werror
endif
ifdef SANITIZE
BUILD := build/sanitize
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
endif

# What is fuzzed; `make fuzz` sets this, see tests/fuzz/fuzz.mk.
ifdef FUZZ
BUILD := build/fuzz
CC := clang-14
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	  -fno-sanitize-recover=all
WARNINGS := -Wall
endif

PACKAGES := gio-2.0 libtraceevent json-glib-1.0 libdw libelf liblzma libzstd
PACKAGE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
PACKAGE_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES))
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(CFLAGS) -D_FILE_OFFSET_BITS=64 -Isrc -Itests \
	     $(PACKAGE_CFLAGS)
LIBS = $(LIBPERF_LIBS) $(PACKAGE_LIBS) -liberty -lm

# libperf, which live -p needs: the system's, or what scripts/build-libperf.sh has built. All
# else builds without it, and live -p then says what to do.
LIBPERF_DIR ?= $(or $(COLO_PERF_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/colo-perf)/libperf
libperf_config := $(shell $(PKG_CONFIG) --exists libperf 2>/dev/null && echo $(PKG_CONFIG) || \
		    echo PKG_CONFIG_PATH=$(LIBPERF_DIR)/lib/pkgconfig $(PKG_CONFIG))
HAVE_LIBPERF := $(shell $(libperf_config) --exists libperf 2>/dev/null && echo 1)
ifdef HAVE_LIBPERF
LIBPERF_CFLAGS := $(shell $(libperf_config) --cflags libperf)
LIBPERF_LIBS := $(shell $(libperf_config) --libs libperf)
# Its headers are not ours to be warned of.
ring_cflags := $(LIBPERF_CFLAGS:-I%=-isystem %)
else
$(info libperf is not there, so `colo-perf live -p` will not work: scripts/build-libperf.sh builds it)
endif

# The modules, in the order in which one may include another.
BASE := error value_set siphash hash id_table string_table file_write mount printable rights
PERFDATA := perf_bytes perf_context perf_event perf_file perf_header perf_header_records perf_record perf_sample \
	    perf_stream perf_task perf_unpack perf_sections perf_completion tracepoint format_files uprobe_sites
COLO := phase probe hit_log hit_queue duplicates model verdict tally summary parts
PROBES := process program_probes registration sdt_notes shared_state state_file state_lock tracefs trust \
	  uprobe_arguments
SYMBOLS := build_id build_id_cache cfi_expression cfi_program cfi_section cfi_table debug_file debuginfod demangle \
	   dso dso_error dso_file dwarf_file dwarf_form dwarf_ranges elf_file elf_plt elf_sections elf_symbols \
	   inline_index kallsyms kernel_module kernel_symbols mini_debug recorded_file regular_file split_dwarf \
	   symbol_table
PROFILE := address_space deferred dso_table ksymbols profile sample_chain sample_event stack_resolver \
	   stack_table tasks task_events unwinder
COMMANDS := recording recording_file phase_profile phase_sums unresolved input output output_place warnings report report_text \
	    report_profile json report_json report_json_profile report_csv figures flamegraph flame_tree \
	    flame_layout flame_tooltip flame_svg svg_text record record_rights record_targets \
	    record_result record_session record_files record_keep perf_child child probe_share live live_counts live_face live_processes live_tables live_view \
	    screen screen_keys signals
COMMANDS += $(if $(HAVE_LIBPERF),ring,ring_missing)

base_objects := $(BASE:%=$(BUILD)/src/base/%.o)
perfdata_objects := $(PERFDATA:%=$(BUILD)/src/perfdata/%.o)
colo_objects := $(COLO:%=$(BUILD)/src/colo/%.o)
probes_objects := $(PROBES:%=$(BUILD)/src/probes/%.o)
symbols_objects := $(SYMBOLS:%=$(BUILD)/src/symbols/%.o)
profile_objects := $(PROFILE:%=$(BUILD)/src/profile/%.o)
command_objects := $(COMMANDS:%=$(BUILD)/src/%.o)

ifdef V
quiet :=
else
quiet = @printf '  %-5s %s\n' $(1) $@;
endif
link = $(call quiet,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: all
all: $(BUILD)/colo-perf $(BUILD)/colo-perf-record $(BUILD)/colo-perf-report \
     $(BUILD)/colo-perf-flamegraph $(BUILD)/colo-perf-live

$(BUILD)/colo-perf: $(BUILD)/src/colo_perf.o $(command_objects) $(profile_objects) \
		    $(symbols_objects) $(probes_objects) $(colo_objects) $(perfdata_objects) $(base_objects)
	$(link)

$(BUILD)/colo-perf-%: $(BUILD)/colo-perf
	$(call quiet,LN)ln -sf colo-perf $@

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/src/ring.o: ALL_CFLAGS += $(ring_cflags)

# It holds the script as it is in the file.
$(BUILD)/src/flame_svg.o: src/flame_svg.js

include tests/tests.mk
include bench/bench.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: lint
lint:
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
	shellcheck -x -P SCRIPTDIR $$(git ls-files '*.sh') .ci/run

.PHONY: check-system
check-system:
	scripts/test.sh

.PHONY: format
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/colo-perf $(DESTDIR)$(PREFIX)/bin/
	ln -sf colo-perf $(DESTDIR)$(PREFIX)/bin/colo-perf-record
	ln -sf colo-perf $(DESTDIR)$(PREFIX)/bin/colo-perf-report
	ln -sf colo-perf $(DESTDIR)$(PREFIX)/bin/colo-perf-flamegraph
	ln -sf colo-perf $(DESTDIR)$(PREFIX)/bin/colo-perf-live
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -d $(DESTDIR)$(PREFIX)/share/doc/colo-perf
	install -m 644 README.md docs/*.md $(DESTDIR)$(PREFIX)/share/doc/colo-perf/

.PHONY: clean
clean:
	rm -rf build
