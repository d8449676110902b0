# SPDX-License-Identifier: GPL-2.0
# What people type. `make help` explains the targets.

LAB := selftests/lab/lab
BUILD := $(CURDIR)/build

# KERNEL=6.12 and XEN=4.20 are series of another suite of Debian, in the lab alone.
ifeq ($(words $(subst ., ,$(KERNEL))),2)
export XENMM_LAB_KERNEL := $(KERNEL)
override KERNEL := $(shell XENMM_LAB_KERNEL=$(KERNEL) $(LAB) kernel)
KDIR = $(shell XENMM_LAB_KERNEL=$(XENMM_LAB_KERNEL) $(LAB) headers)
endif
ifdef XEN
export XENMM_LAB_XEN := $(XEN)
endif

# The kernel to build for: the running one where its headers are installed, else
# the one that the lab boots. Asked when it is needed: setup may install headers.
RUNNING := $(shell uname -r)
KERNEL ?= $(if $(wildcard /lib/modules/$(RUNNING)/build),$(RUNNING),$(shell $(LAB) kernel))
KDIR ?= /lib/modules/$(KERNEL)/build
BY_CLANG := $(findstring clang,$(CC))
MODULE_BUILD = $(BUILD)/module$(if $(XENMM_INJECT),-inject)$(if $(XENMM_KUNIT),-kunit)$(if $(BY_CLANG),-clang)/$(KERNEL)
MODULE = $(MODULE_BUILD)/xenmm$(if $(XENMM_KUNIT),_kunit).ko
TOOL := $(BUILD)/tools/xenmm
LIBRARY := $(BUILD)/tools/libxenmm
HOST := $(BUILD)/host
GUEST_TESTS := $(BUILD)/selftests

.DEFAULT_GOAL := all

.PHONY: all man module recording sample module-inject module-kunit tool library guest-tests host-tests
all: module tool library ## build the module for KERNEL, the tool and the library

# clang is told by the kernel what gcc knows, where gcc built the kernel: leave that out, ask for
# retpolines in clang's words, and be as quiet about headers as the kernel is in builds by clang. Its
# functions cannot be traced: gcc alone lists where they begin.
ifneq ($(BY_CLANG),)
export CCC_OVERRIDE_OPTIONS := \# x-fconserve-stack x-mrecord-mcount x-pg x-mfentry \
	+-mretpoline-external-thunk +-Wno-unknown-warning-option +-Wno-address-of-packed-member \
	+-Wno-duplicate-decl-specifier +-Wno-enum-enum-conversion +-Wno-gnu
endif

# Objects stay out of the sources: Kbuild works on a copy that only grows younger. The
# suites hold what FakeXen answers, to be compared with Xen.
module: | setup
	@mkdir -p $(MODULE_BUILD)
	@cp -au Kbuild src include kunit $(MODULE_BUILD)/
	@$(if $(XENMM_KUNIT),$(MAKE) --no-print-directory recording)
	@$(if $(XENMM_KUNIT),cp -u $(BUILD)/replay/recording.h $(MODULE_BUILD)/kunit/)
	@$(MAKE) --no-print-directory -C $(KDIR) M=$(MODULE_BUILD) modules
	@selftests/check-module $(MODULE) $(KDIR)

recording: | setup
	@$(MAKE) -s -C selftests/host/replay O=$(BUILD)/replay

sample: module ## build the example of a driver that maps its pages by xenmm (selftests/sample)
	@cp -au selftests/sample $(MODULE_BUILD)/
	@$(MAKE) --no-print-directory -C $(KDIR) M=$(MODULE_BUILD)/sample \
		KBUILD_EXTRA_SYMBOLS=$(MODULE_BUILD)/Module.symvers modules

module-inject: | setup ## the same for tests: Xen can be made to refuse steps
	@$(MAKE) --no-print-directory XENMM_INJECT=1 KERNEL=$(KERNEL) KDIR=$(KDIR) module

module-kunit: | setup ## the same with its KUnit suites, for a kernel that has KUnit
	@$(MAKE) --no-print-directory XENMM_KUNIT=1 KERNEL=$(KERNEL) KDIR=$(KDIR) module

tool: | setup
	@$(MAKE) --no-print-directory -C tools/xenmm O=$(TOOL)

guest-tests: | setup
	@$(MAKE) --no-print-directory -C selftests OUTPUT=$(GUEST_TESTS)
	@$(MAKE) --no-print-directory -C tools/libxenmm O=$(LIBRARY) test
	@cp -u $(LIBRARY)/xenmm_library_test $(GUEST_TESTS)/

library: | setup ## build libxenmm and its examples (build/libxenmm)
	@$(MAKE) --no-print-directory -C tools/libxenmm O=$(LIBRARY)

man: | setup ## make the manual pages (build/man; man -l build/man/xenmm.1)
	@mkdir -p $(BUILD)/man
	@for page in Documentation/man/*.scd; do \
		scdoc <$$page >$(BUILD)/man/$$(basename $$page .scd) || exit 1; done

host-tests: | setup
	@$(MAKE) --no-print-directory -C selftests/host O=$(HOST)

# ------------------------------------------------------------------ installation
# What each target installs, below DESTDIR; nothing else installs anything.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DATADIR := $(DESTDIR)$(PREFIX)/share
MODULE_DIR = $(DESTDIR)/lib/modules/$(KERNEL)/updates
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
DKMS_DIR := $(DESTDIR)/usr/src/xenmm-$(VERSION)

.PHONY: install install-module install-programs install-tests install-dkms uninstall docs deb
install: install-module install-programs ## module for KERNEL, tool and library, below DESTDIR and PREFIX (/usr/local)

install-module: module
	install -D -m 644 -t $(MODULE_DIR) $(MODULE)
	$(if $(DESTDIR),,depmod -a $(KERNEL))

install-programs: tool library man
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(TOOL)/xenmm
	@$(MAKE) --no-print-directory -C tools/libxenmm O=$(LIBRARY) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) \
		LIBDIR=$(LIBDIR) install
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include include/uapi/xenmm.h include/uapi/xenmm_methods.h
	install -D -m 644 -t $(DATADIR)/xenmm tools/system/*.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/udev/rules.d tools/system/60-xenmm.rules
	install -D -m 644 tools/xenmm/completion/xenmm.bash $(DATADIR)/bash-completion/completions/xenmm
	install -D -m 644 -t $(DATADIR)/zsh/vendor-completions tools/xenmm/completion/_xenmm
	for page in $(BUILD)/man/*; do \
		install -D -m 644 -t $(DATADIR)/man/man$${page##*.} $$page || exit 1; done

install-tests: guest-tests ## the kselftests, for a guest of one's own
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/libexec/xenmm/tests selftests/run-in-guest $(GUEST_TESTS)/*_test

install-dkms: ## the module's source where DKMS looks for it (then: dkms install xenmm/VERSION)
	install -d $(DKMS_DIR)
	cp -R dkms.conf Kbuild src include $(DKMS_DIR)/

# What would be installed says what has to go: no list of its own.
uninstall: ## remove what make install left, for the same KERNEL, DESTDIR and PREFIX
	@rm -rf $(BUILD)/staging
	@$(MAKE) --no-print-directory KERNEL=$(KERNEL) DESTDIR=$(BUILD)/staging install >/dev/null
	cd $(BUILD)/staging && find . -not -type d -printf '$(DESTDIR)/%P\n' | xargs -r -d '\n' rm -f
	$(if $(DESTDIR),,depmod -a $(KERNEL))

docs: | setup ## the documents as pages (build/docs/index.html)
	@sphinx-build -W --keep-going -q -b html -d $(BUILD)/docs/.doctrees Documentation $(BUILD)/docs

deb: | setup ## Debian packages, and what lintian says of them (build/deb)
	@$(LAB) setup deb
	@selftests/build-packages

.PHONY: setup demo bench compare compare-report agreement check check-all check-quick matrix check-layers check-headers lint fuzz soak programs \
	coverage faults clean help
setup:
	@$(LAB) setup

demo: ## boot a PV DomU under Xen on QEMU and compare the methods (build/demo/bench.json)
	@$(LAB) setup
	@selftests/demo

bench: ## sweep sizes and densities, mitigations off and on (Documentation/methods.rst; half an hour)
	@$(LAB) setup
	@selftests/bench

compare: ## the same workloads in all kinds of guests, or in KINDS="xen-pv kvm-npt" (build/compare)
	@$(LAB) setup
	@selftests/compare $(KINDS)

agreement: ## hold the counts of xenmm stat against Xen's own (build/agreement)
	@$(LAB) setup
	@selftests/agreement

compare-report: ## the last comparison of all kinds into Documentation/results.rst
	@selftests/compare-report build/compare

check: ## what each change passes: ten minutes; with KERNEL=6.12 XEN=4.20 all kselftests there
	@$(LAB) setup
	@selftests/check

check-all: ## run every test, an hour; fails when more than one boot was repeated
	@$(LAB) setup
	@$(LAB) setup matrix
	@selftests/check @all

check-quick: ## the inner loop: layers, host tests and a DomU, below two minutes
	@$(LAB) setup
	@selftests/check build @quick

matrix: ## the kselftests on each kernel with each Xen, and built by clang (build/matrix; an hour)
	@$(LAB) setup
	@selftests/matrix

MINUTES ?= 60
soak: ## operations, calls, refusals, save and restore for MINUTES (60; build/soak)
	@$(LAB) setup
	@selftests/soak $(MINUTES) $(PARTS)

programs: ## redis, the kernel's mm tests and bash's with the fork hint, or PARTS="redis" (build/programs)
	@$(LAB) setup
	@selftests/programs $(PARTS)

faults: ## test the tests: which layers catch deliberate faults (selftests/faults)
	@$(LAB) setup
	@selftests/faults/run

SECONDS ?= 600
fuzz: | setup ## fuzz the core for SECONDS (600), from the corpus on
	@$(MAKE) --no-print-directory -C selftests/host O=$(HOST) SECONDS=$(SECONDS) fuzz

coverage: | setup ## lines and branches of the core that the host tests reach
	@$(MAKE) --no-print-directory -C selftests/host O=$(HOST) coverage

check-layers: ## who includes whom, as Documentation/design.rst says
	@selftests/check-layers

check-headers: | setup ## each header compiles alone
	@selftests/check-headers

lint: | setup ## static checks of C, C++, scripts and documents; `selftests/lint NAME...` for some
	@selftests/lint

clean: ## remove build/ (caches outside of the repository stay)
	rm -rf $(BUILD)

help: ## this text
	@echo "xenmm: page-table updates of a Xen PV guest, batched and measured"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  KERNEL=release  kernel to build for, now: $(KERNEL)"
	@echo "  XENMM_CACHE=dir where fetched packages are kept (~/.cache/xenmm)"
