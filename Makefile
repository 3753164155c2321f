# Caretaker.  `make` builds the debug variant; `make VARIANT=release` what is shipped.
#
#   make demo   make test   make lint   make bench        run scripts/ and tests/bench
#   make check  make asan   make tsan   make fuzz         unit tests, fuzz targets
#   make install [PREFIX=/usr/local] [DESTDIR=]           the release variant and its files
#   make compile_commands.json                            for editors, by bear
#   make V=1 ...                                          prints whole commands
#
# Variants: debug release asan (address + undefined) tsan (threads) fuzz (libFuzzer, clang).
VARIANT ?= debug
BUILD   ?= build/$(VARIANT)
PREFIX  ?= /usr/local
CC      ?= cc
ifeq ($(VARIANT),fuzz)
override CC := clang
endif

# paho-mqtt3as: MQTT 5; yaml-0.1: configuration; sqlite3: the two
# databases; libmicrohttpd: the API; libsystemd: loop, readiness, watchdog; jansson:
# reading JSON (requests and answers, the journal); libpcap: reading captures of Modbus
# TCP; libsodium: SHA-256 of the journal's chain, passwords.
PKGS     := yaml-0.1 sqlite3 libmicrohttpd libsystemd jansson libpcap libsodium
PAHO     := -lpaho-mqtt3as
# check: unit tests; libmodbus: a peer on the wire that is not ours.
TEST_PKGS := check libmodbus
VERSION  := 0.1.0

PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   := $(shell pkg-config --libs $(PKGS))
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wformat=2 \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wswitch-enum
ifeq ($(VARIANT),fuzz) # gcc is the compiler whose warnings we keep clean.
WARN := -Wall -Wno-string-conversion
else
WARN += -Werror
endif
# -g1 is enough for a sanitizer to name the line.
CFLAGS_debug   := -O1 -g
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS_asan    := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_tsan    := -O1 -g1 -fsanitize=thread
CFLAGS_fuzz    := -O1 -g1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
# The test programs are many, and large: gold links them in half the time.
LDFLAGS_debug   := -fuse-ld=gold
LDFLAGS_asan    := -fuse-ld=gold
LDFLAGS_tsan    := -fuse-ld=gold
LDFLAGS_fuzz    := -fuse-ld=gold
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
CPPFLAGS += -D_GNU_SOURCE -I. -MMD -MP -DCARETAKER_VERSION='"$(VERSION)"' \
	-DCARETAKER_SHARE_DIR='"$(PREFIX)/share/caretaker"' $(PKG_CFLAGS)
CFLAGS   += -std=c17 -pthread $(WARN) $(CFLAGS_$(VARIANT))
LDFLAGS  += $(LDFLAGS_$(VARIANT))
LDLIBS   += $(PKG_LIBS) $(PAHO) -lm -pthread

# The history as an extension of SQLite: the sources that read it once more, with their
# calls of SQLite through what the loading program gives.  Without sanitizers, which the
# loading program does not have.
EXTENSION_MAIN := daemon/store/history_extension.c
EXTENSION_SRCS := $(EXTENSION_MAIN) $(wildcard daemon/store/history_*.c daemon/store/sql_time.c \
	daemon/store/chunk*.c daemon/store/tail*.c daemon/store/rollup*.c) daemon/store/sheet.c \
	daemon/store/frame_blob.c daemon/store/db.c daemon/model/words.c \
	$(wildcard daemon/base/*.c)
EXTENSION_OBJS := $(EXTENSION_SRCS:%.c=$(BUILD)/extension/%.o)
EXTENSION      := $(BUILD)/caretaker_history.so
EXTENSION_CFLAGS = $(filter-out -fsanitize% -fno-sanitize%,$(CFLAGS)) -fPIC -fvisibility=hidden

# The folders that a build may not have: find is quiet about them.
find_c = $(shell find $(1) -name '$(2)' 2>/dev/null | sort)
SRCS  := $(filter-out daemon/main.c $(EXTENSION_MAIN),$(call find_c,daemon collectors rules config,*.c))
# Texts for people in other languages are compiled in.
LANGUAGES := $(patsubst %.po,%,$(call find_c,config/language,*.po))
# So is the page: its files, their words in each language, and the library that draws trends.
DYGRAPHS := /usr/share/javascript/dygraphs
PAGE_WORDS := $(LANGUAGES:config/language/%=$(BUILD)/page/words.%.js)
PAGE_FILES := $(sort $(wildcard daemon/web/page/*)) $(PAGE_WORDS) \
	$(DYGRAPHS)/dygraph.min.js $(DYGRAPHS)/dygraph.min.css
OBJS  := $(SRCS:%.c=$(BUILD)/%.o) $(LANGUAGES:%=$(BUILD)/%.o) $(BUILD)/page/files.o
LIB   := $(BUILD)/libcaretaker.a
TESTS := $(patsubst %.c,$(BUILD)/%,$(call find_c,tests,test_*.c))
FAKES := $(patsubst %.c,$(BUILD)/%.o,$(call find_c,tests/fake,*.c))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(call find_c,tests/fuzz,fuzz_*.c))
# Small programs that system tests run.
DRIVERS := $(patsubst %.c,$(BUILD)/%,$(call find_c,tests,driver_*.c))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(call find_c,tests/bench,*.c))
FUZZ_SECONDS ?= 15

ifeq ($(V),)
quiet = @printf '  %-5s %s\n' $(1) $@;
endif

all: $(BUILD)/caretaker $(EXTENSION)

$(BUILD)/caretaker: $(BUILD)/daemon/main.o $(LIB)
	$(call quiet,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(LIB): $(OBJS)
	$(call quiet,AR)rm -f $@ && ar rcs $@ $^
$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(BUILD)/config/language/%.o: $(BUILD)/config/language/%.c $(BUILD)/flags
	$(call quiet,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
# Of the sources those are taken that it needs.
$(EXTENSION): $(EXTENSION_OBJS)
	$(call quiet,LINK)rm -f $@.a && ar rcs $@.a $(filter-out %/$(EXTENSION_MAIN:.c=.o),$^) && \
	$(CC) $(EXTENSION_CFLAGS) $(filter-out -pie,$(LDFLAGS)) -shared -Wl,-z,defs \
		-Wl,--exclude-libs,ALL -o $@ $(BUILD)/extension/$(EXTENSION_MAIN:.c=.o) $@.a -lm && rm $@.a
$(BUILD)/extension/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CPPFLAGS) $(EXTENSION_CFLAGS) -include daemon/store/history_extension.h -c -o $@ $<
# zh-CN.po -> catalogue_zh_cn
$(BUILD)/config/language/%.c: config/language/%.po scripts/po-to-c
	@mkdir -p $(@D)
	$(call quiet,PO)scripts/po-to-c catalogue_$$(echo $* | tr A-Z- a-z_) $< >$@.new && mv $@.new $@
$(BUILD)/page/words.%.js: config/language/%.po scripts/po-to-js
	@mkdir -p $(@D)
	$(call quiet,PO)scripts/po-to-js $< >$@.new && mv $@.new $@
$(BUILD)/page/files.c: $(PAGE_FILES) scripts/page-to-c
	$(call quiet,PAGE)scripts/page-to-c $(@D)/gzip \
		$(foreach f,$(PAGE_FILES),$(subst .min.,.,$(notdir $f))=$f) >$@.new && mv $@.new $@
$(BUILD)/page/files.o: $(BUILD)/page/files.c $(BUILD)/flags
	$(call quiet,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(BUILD)/daemon/pipeline/api/schemas.o: daemon/pipeline/api/schemas.json
# Asked for only where there are tests: a build needs neither.
$(BUILD)/tests/%.o: CPPFLAGS += $(shell pkg-config --cflags $(TEST_PKGS) 2>/dev/null)
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(FAKES) $(LIB)
	$(call quiet,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=_mark_point -o $@ $^ $$(pkg-config --libs $(TEST_PKGS)) $(LDLIBS)
# A compressor that is not ours, to compare with.
$(BUILD)/tests/bench/bench_chunk: LDLIBS += -lzstd
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(LIB)
	$(call quiet,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

# Other flags (PREFIX is one) mean other objects.
FLAGS_NOW := $(CC) $(CPPFLAGS) $(CFLAGS)
$(BUILD)/flags: force
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' >$@

tests: $(TESTS) $(DRIVERS)
drivers: $(DRIVERS)
check: $(TESTS)
	@set -e; for t in $^; do $$t; done
asan tsan:
	CK_FORK=no $(MAKE) VARIANT=$@ check

ifeq ($(VARIANT),fuzz)
fuzzers: $(FUZZERS)
else
fuzzers:
	@$(MAKE) --no-print-directory VARIANT=fuzz $@
endif
# New inputs are kept in build/fuzz/corpus; tests/fuzz/corpus is only read.
fuzz: fuzzers
	@set -e; for source in $(call find_c,tests/fuzz,fuzz_*.c); do \
		name=$$(basename "$$source" .c); what=$${name#fuzz_}; \
		echo "  FUZZ  $$what ($(FUZZ_SECONDS) s)"; \
		scripts/fuzz-one "$$what" $(FUZZ_SECONDS); \
	done

demo:
	scripts/demo
test:
	scripts/test
lint:
	scripts/lint

ifeq ($(VARIANT),release)
benches: all $(DRIVERS) $(BENCHES)
else
benches:
	@$(MAKE) --no-print-directory VARIANT=release $@
endif
# Without a peer a bench says so and goes on.
bench:
	@scripts/setup bench || echo 'bench: some peers are missing'
	@$(MAKE) --no-print-directory benches
	@set -e; for b in $$(find tests/bench -name 'bench_*.sh' -o -name 'bench_*.py' | sort); do \
		CARETAKER=build/release/caretaker $$b; done

# The site file of a house is its owner's: what is installed is an example beside the
# shipped profiles, rules, procedures and plans.  Nothing is written below /etc or /var.
SHARE   := $(DESTDIR)$(PREFIX)/share
SYSTEMD := $(DESTDIR)$(PREFIX)/lib
install:
	$(MAKE) --no-print-directory VARIANT=release PREFIX='$(PREFIX)' all
	install -D -m 755 build/release/caretaker '$(DESTDIR)$(PREFIX)/bin/caretaker'
	install -D -m 644 build/release/caretaker_history.so \
		'$(DESTDIR)$(PREFIX)/lib/caretaker/caretaker_history.so'
	for folder in devices rules procedures maintenance; do \
		for file in config/$$folder/*.yaml; do \
			[ ! -e "$$file" ] || install -D -m 644 -t "$(SHARE)/caretaker/$$folder" "$$file" || exit 1; \
		done; \
	done
	for file in config/*.yaml; do \
		[ ! -e "$$file" ] || install -D -m 644 -t '$(SHARE)/caretaker/examples' "$$file" || exit 1; \
	done
	install -D -m 644 -t '$(SHARE)/doc/caretaker' README.md NEWS
	install -D -m 644 config/rules/README.md '$(SHARE)/doc/caretaker/rules.md'
	install -D -m 644 config/maintenance/README.md '$(SHARE)/doc/caretaker/maintenance.md'
	install -d '$(SHARE)/bash-completion/completions'
	build/release/caretaker completion bash >'$(SHARE)/bash-completion/completions/caretaker'
	chmod 644 '$(SHARE)/bash-completion/completions/caretaker'
	install -d '$(SHARE)/caretaker/schema/zh-CN'
	for kind in $$(build/release/caretaker schema | awk 'NR > 1 {print $$1}'); do \
		build/release/caretaker schema "$$kind" --language en \
			>"$(SHARE)/caretaker/schema/$$kind.json" && \
		build/release/caretaker schema "$$kind" --language zh-CN \
			>"$(SHARE)/caretaker/schema/zh-CN/$$kind.json" && \
		chmod 644 "$(SHARE)/caretaker/schema/$$kind.json" \
			"$(SHARE)/caretaker/schema/zh-CN/$$kind.json" || exit 1; \
	done
	install -d '$(SHARE)/man/man1' '$(SHARE)/man/man5' '$(SYSTEMD)/systemd/system'
	sed 's|/usr/local|$(PREFIX)|g' daemon/cli/caretaker.1 >'$(SHARE)/man/man1/caretaker.1'
	sed 's|/usr/local|$(PREFIX)|g' config/caretaker-site.5 >'$(SHARE)/man/man5/caretaker-site.5'
	chmod 644 '$(SHARE)/man/man1/caretaker.1' '$(SHARE)/man/man5/caretaker-site.5'
	sed 's|/usr/bin/|$(PREFIX)/bin/|; s|/usr/share/|$(PREFIX)/share/|' systemd/caretaker.service \
		>'$(SYSTEMD)/systemd/system/caretaker.service'
	chmod 644 '$(SYSTEMD)/systemd/system/caretaker.service'
	install -D -m 644 systemd/caretaker.sysusers.conf '$(SYSTEMD)/sysusers.d/caretaker.conf'
	install -D -m 644 systemd/caretaker.tmpfiles.conf '$(SYSTEMD)/tmpfiles.d/caretaker.conf'

compile_commands.json: force
	bear -- $(MAKE) --always-make all $(TESTS)
clean:
	rm -rf build compile_commands.json

.PHONY: all tests check asan tsan fuzzers fuzz demo test lint benches bench install clean force
.SECONDARY:
-include $(OBJS:.o=.d) $(EXTENSION_OBJS:.o=.d) $(FAKES:.o=.d) $(TESTS:=.d) $(DRIVERS:=.d) $(FUZZERS:=.d) $(BENCHES:=.d) $(BUILD)/daemon/main.d
