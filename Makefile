# SPDX-License-Identifier: GPL-2.0-only
# The front door: `make help` says what there is. Everything that is built goes
# to .build/; what is downloaded, to ~/.cache/shmdev (or SHMDEV_CACHE). With
# ARCH=arm64, user and selftests are for that, and to .build/arm64/.

build := $(CURDIR)/.build$(filter /arm64,/$(ARCH))
release ?= $(shell uname -r)
headers := $(wildcard /lib/modules/$(release)/build/Makefile)
KERNEL ?= 6.1
PREFIX ?= /usr/local
DESTDIR ?=
export PREFIX DESTDIR
module_dir = $(DESTDIR)/lib/modules/$(release)/updates
api_dir = $(DESTDIR)$(PREFIX)/include/shmdev

ifeq ($(ARCH),arm64)
for_user = CROSS_COMPILE=aarch64-linux-gnu- SYSROOT=$$(scripts/kernel sysroot)
for_64 = $(for_user)
for_32 = CROSS_COMPILE=arm-linux-gnueabihf-
else
for_user =
for_64 = CFLAGS+=-m64
for_32 = CFLAGS+=-m32
endif

all: ## The library, the tool and the module for the running kernel
all: user $(if $(headers),driver,without-driver)

user: ## libshmdev and the shmdev tool, in .build/user
	@scripts/setup user
	@$(MAKE) --no-print-directory -C user O=$(build)/user $(for_user)

driver: ## The module for the running kernel, in .build/driver/RELEASE
	@scripts/module running

without-driver:
	@echo "No module was built: the headers of the running kernel," \
		"$(release), are not installed."

selftests: ## The kselftest programs, 64 and 32 bit
	@scripts/setup selftests
	@make="$(MAKE) --no-print-directory -C selftests \
		KSFT=$$(scripts/kernel tools)/tools/testing/selftests" && \
	$$make OUTPUT=$(build)/selftests $(for_64) && \
	$$make OUTPUT=$(build)/selftests-m32 $(for_32)

demo: ## See it work in a throw-away machine (KERNEL=6.1)
	@echo "This builds shmdev and boots Linux $(KERNEL) in QEMU; nothing of it" \
		"touches this machine's kernel."
	@echo "The first time it fetches packages, a kernel among them: a few" \
		"minutes and 100 MB."
	@scripts/setup user
	@$(MAKE) -s --no-print-directory user
	@scripts/module $(KERNEL) >/dev/null
	@echo "Booting, then: shmdev hello && shmdev ls"
	@echo
	@scripts/vm --no-build --kernel $(KERNEL) -- \
		sh -c 'shmdev hello && echo && shmdev ls'

check: ## All tests that need only stock kernels; last line: the count
	@scripts/check --jobs 2 stock

check-debug: ## Tests on kernels that watch themselves, and tests of the tests
	@scripts/check --jobs 2 debug

soak: ## The long versions of check-debug, for a night
	@scripts/check soak

check-arm64: ## The same code on arm64: built for it, and its tests run in QEMU
	@scripts/check arm64

bench: ## Measure shmdev against others: tables, plots, targets
	@scripts/bench

install: ## Install under DESTDIR and PREFIX (/usr/local)
install: all $(if $(headers),install-driver)
	$(MAKE) -C user O=$(build)/user install

# With what other modules need to be built against it.
install-driver:
	install -D -m 644 $(build)/driver/$(release)/shmdev.ko \
		$(module_dir)/shmdev.ko
	install -D -m 644 $(build)/driver/$(release)/driver/Module.symvers \
		$(api_dir)/$(release)/Module.symvers
	install -D -m 644 include/linux/shmdev.h $(api_dir)/linux/shmdev.h
	install -D -m 644 include/uapi/linux/shmdev_ring.h \
		$(api_dir)/uapi/linux/shmdev_ring.h
	$(if $(DESTDIR),,depmod $(release))

uninstall: ## Remove what install installed
	$(MAKE) -C user O=$(build)/user uninstall
	rm -f $(module_dir)/shmdev.ko
	rm -rf $(api_dir)
	$(if $(DESTDIR),,-depmod $(release))

clean: ## Remove what was built, not what was downloaded
	rm -rf $(build)

help: ## This list
	@echo "make TARGET..., without one: all"
	@sed -n 's/^\([a-z0-9-]*\): ## /\1\t/p' $(MAKEFILE_LIST) | \
		while IFS='	' read -r name text; do \
			printf '  %-11s %s\n' "$$name" "$$text"; \
		done
	@echo
	@echo "One check: scripts/check NAME (--list). A machine of its own for"
	@echo "any command: scripts/vm --help."

.PHONY: all user driver without-driver selftests demo check check-arm64 \
	check-debug soak bench install install-driver uninstall clean help
