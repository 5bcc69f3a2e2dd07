# SPDX-License-Identifier: GPL-2.0-only
#
# Builds what runs in a machine to be measured there: the program, and what BPF
# runs for it.
#
#	make -f machine.mk [O=DIR]
#
TOP := $(realpath $(dir $(lastword $(MAKEFILE_LIST)))../..)
O ?= $(TOP)/.build/bench
override O := $(abspath $(O))
USER_O ?= $(TOP)/.build/user

CFLAGS ?= -O2 -g
warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	    -Wformat=2 -Werror
cppflags := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I$(TOP)/include/uapi \
	    -I$(TOP)/user/lib
objects := $(patsubst %.c,$(O)/%.o,$(wildcard machine*.c))
multiarch := $(shell $(CC) -print-multiarch)

all: $(O)/machine $(O)/ringbuf.bpf.o

$(O)/machine: $(objects) $(USER_O)/libshmdev.a
	$(CC) -o $@ $^ -lbpf

$(O)/%.o: %.c machine.mk
	@mkdir -p $(O)
	$(CC) $(cppflags) -std=gnu11 $(warnings) $(CFLAGS) -MMD -MP -c -o $@ $<

# The newest processor that all kernels of ours know.
$(O)/ringbuf.bpf.o: ringbuf.bpf.c machine.mk
	@mkdir -p $(O)
	clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror \
		-I/usr/include/$(multiarch) -c -o $@ $<

.PHONY: all
.DELETE_ON_ERROR:

-include $(wildcard $(O)/machine*.d)
