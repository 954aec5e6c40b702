# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds colo-perf into build/ and runs what can be run without root. What needs
# root or a QEMU is in scripts/.
#
#   make               build/colo-perf and build/colo-perf-report
#   make check         unit, golden and command-line tests
#   make check SANITIZE=1   the same under ASan and UBSan, in build/sanitize/
#   make lint          clang-format, shellcheck
#   make install       to $(DESTDIR)$(PREFIX)

CC ?= gcc
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
BUILD := build
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	    -Wundef -Wformat=2 -Wconversion -Wno-sign-conversion
ifdef WERROR
WARNINGS += -Werror
endif
ifdef SANITIZE
BUILD := build/sanitize
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
endif

PACKAGES := gio-2.0 libtraceevent json-glib-1.0
PACKAGE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
PACKAGE_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES))
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(CFLAGS) -D_FILE_OFFSET_BITS=64 -Isrc -Itests \
	     $(PACKAGE_CFLAGS)
LIBS = $(PACKAGE_LIBS) -lm

# The modules, in the order in which one may include another.
BASE := error distribution
PERFDATA := perf_event perf_file tracepoint
COLO := phase probe model summary
COMMANDS := recording warnings report report_text report_json report_csv

base_objects := $(BASE:%=$(BUILD)/src/base/%.o)
perfdata_objects := $(PERFDATA:%=$(BUILD)/src/perfdata/%.o)
colo_objects := $(COLO:%=$(BUILD)/src/colo/%.o)
command_objects := $(COMMANDS:%=$(BUILD)/src/%.o)

.PHONY: all
all: $(BUILD)/colo-perf $(BUILD)/colo-perf-report

$(BUILD)/colo-perf: $(BUILD)/src/colo_perf.o $(command_objects) $(colo_objects) \
		    $(perfdata_objects) $(base_objects)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/colo-perf-%: $(BUILD)/colo-perf
	ln -sf colo-perf $@

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests: each is linked with the modules that it may know and no others, so
# that an include in the wrong direction does not link.
UNIT_BASE := test_distribution test_byte_reader
UNIT_COLO := test_probe test_model
unit_tests := $(UNIT_BASE:%=$(BUILD)/tests/unit/%) $(UNIT_COLO:%=$(BUILD)/tests/unit/%)

$(UNIT_BASE:%=$(BUILD)/tests/unit/%): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(base_objects)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(UNIT_COLO:%=$(BUILD)/tests/unit/%): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o \
				     $(colo_objects) $(base_objects)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: unit
unit: $(unit_tests)
	@for test in $(unit_tests); do $$test || exit 1; done

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
