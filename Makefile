# Caretaker.  `make` builds the debug variant; `make VARIANT=release` what is shipped.
# Variants: debug release asan (address + undefined) tsan (threads).
VARIANT ?= debug
BUILD   ?= build/$(VARIANT)
PREFIX  ?= /usr/local
CC      ?= cc

# libmodbus: the wire; paho-mqtt3as: MQTT 5; yaml-0.1: configuration; sqlite3: the two
# databases; libmicrohttpd: the API; libsystemd: loop, readiness, watchdog; jansson:
# reading JSON (requests and answers).
PKGS     := libmodbus yaml-0.1 sqlite3 libmicrohttpd libsystemd jansson
PAHO     := -lpaho-mqtt3as
VERSION  := 0.1.0

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wformat=2 \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wswitch-enum -Werror
CFLAGS_debug   := -O1 -g
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_tsan    := -O1 -g -fsanitize=thread
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
CPPFLAGS += -D_GNU_SOURCE -I. -MMD -MP -DCARETAKER_VERSION='"$(VERSION)"' \
	-DCARETAKER_SHARE_DIR='"$(PREFIX)/share/caretaker"' $(shell pkg-config --cflags $(PKGS))
CFLAGS   += -std=c17 -pthread $(WARN) $(CFLAGS_$(VARIANT))
LDFLAGS  += $(LDFLAGS_$(VARIANT))
LDLIBS   += $(shell pkg-config --libs $(PKGS)) $(PAHO) -lm -pthread

SRCS  := $(filter-out daemon/main.c,$(shell find daemon collectors rules config -name '*.c'))
OBJS  := $(SRCS:%.c=$(BUILD)/%.o)
LIB   := $(BUILD)/libcaretaker.a
TESTS := $(patsubst %.c,$(BUILD)/%,$(shell find tests -name 'test_*.c'))
FAKES := $(patsubst %.c,$(BUILD)/%.o,$(shell find tests/fake -name '*.c'))

all: $(BUILD)/caretaker

$(BUILD)/caretaker: $(BUILD)/daemon/main.o $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(LIB): $(OBJS)
	@rm -f $@
	ar rcs $@ $^
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(FAKES) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs check) $(LDLIBS)

tests: $(TESTS)
check: $(TESTS)
	@set -e; for t in $^; do $$t; done
asan tsan:
	CK_FORK=no $(MAKE) VARIANT=$@ check
clean:
	rm -rf build compile_commands.json

.PHONY: all tests check asan tsan clean
.SECONDARY:
-include $(OBJS:.o=.d) $(TESTS:=.d) $(BUILD)/daemon/main.d
