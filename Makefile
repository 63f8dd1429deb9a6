# Slipway. `make help` says what there is to do.
#
#   CC=clang            another compiler             BUILD=folder   another folder for what is built
#   SANITIZE=address,undefined                        the same with sanitizers, in build/sanitize
#   FAULTS=1                                          the fault suite's build, with failpoints, in build/faults
#   FUZZ=1                                            the fuzz targets' build, with libFuzzer, in build/fuzz

.DELETE_ON_ERROR:
.SUFFIXES:

SANITIZE ?=
FAULTS ?=
FUZZ ?=
ifneq ($(FUZZ),)
BUILD ?= build/fuzz
CC := clang
SANITIZE := fuzzer-no-link,address,undefined
else ifneq ($(FAULTS),)
BUILD ?= build/faults
else ifneq ($(SANITIZE),)
BUILD ?= build/sanitize
else
BUILD ?= build
endif

# V=1 shows whole commands.
Q := $(if $(V),,@)

VERSION := 0.1.0
PACKAGES := libfcgi-dev libcurl4-openssl-dev libcjson-dev libhiredis-dev libsodium-dev libssl-dev libseccomp-dev \
	libunistring-dev libidn2-dev libyaml-dev uthash-dev pkg-config gcc make redis-server nginx-light nodejs npm
TEST_PACKAGES := check checksec libsubunit-dev libmicrohttpd-dev fcgiwrap curl iproute2 procps openssl faketime spin \
	python3 python3-hypothesis python3-redis chromium

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Werror
CPPFLAGS += -D_GNU_SOURCE -DSLIPWAY_VERSION='"$(VERSION)"' -Iinclude -Isrc -Iworkflows
CFLAGS += -std=c11 -g -fPIE $(WARNINGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
ifneq ($(SANITIZE),)
CFLAGS += -O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
CPPFLAGS += -DSLIPWAY_NO_SANDBOX
LDFLAGS += -fsanitize=$(SANITIZE)
else ifneq ($(COVERAGE),)
CFLAGS += -O0 --coverage
CPPFLAGS += -DSLIPWAY_NO_SANDBOX
LDFLAGS += --coverage
else
CFLAGS += -O2 -fstack-protector-strong -fstack-clash-protection
CPPFLAGS += -D_FORTIFY_SOURCE=3
# A program has what it uses: a third of the text of slipway-api and half of its tables are of others, and each process
# would have had the tables for itself, as they hold addresses.
CFLAGS += -ffunction-sections -fdata-sections
LDFLAGS += -Wl,--gc-sections
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine)),)
CONTROL_FLOW := -fcf-protection=full
CFLAGS += $(CONTROL_FLOW)
endif
# clang up to 15 wants it said twice.
ZERO := -ftrivial-auto-var-init=zero
ZERO_AGAIN := -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
ifneq ($(ZERO_INIT),no)
CFLAGS += $(ZERO) $(if $(shell $(CC) -Werror $(ZERO) -xc -c -o /dev/null /dev/null 2>&1),$(ZERO_AGAIN))
endif
endif

# Each program links what its layer may see, and nothing else.
API_LIBRARIES := -lfcgi -lhiredis -lcjson -lsodium -lunistring -lidn2 -lm
LIBRARIES := -lcurl -lcrypto -lhiredis -lcjson -lsodium -lunistring -lidn2 -lm
CLI_LIBRARIES := -lyaml
WORKER_LIBRARIES := -lseccomp
BASE := $(wildcard src/base/*.c)
CORE := $(wildcard src/core/*.c)
STORE := $(wildcard src/store/*.c)
HTTP := $(wildcard src/http/*.c)
PROVIDER := $(wildcard src/provider/*.c)
ACTION := $(wildcard src/action/*.c)
API := $(filter-out src/api/main.c,$(wildcard src/api/*.c))
WORKER := $(filter-out src/worker/main.c,$(wildcard src/worker/*.c))
CLI := $(filter-out src/cli/main.c,$(wildcard src/cli/*.c))
WORKFLOWS := $(wildcard workflows/*.c workflows/*/*.c)
ifneq ($(FAULTS),)
CPPFLAGS += -DSLIPWAY_FAILPOINTS -DSLIPWAY_NO_SANDBOX -Itests
BASE += tests/faults/failpoint.c
WORKFLOWS := $(filter-out workflows/workflows.c,$(WORKFLOWS)) $(filter-out tests/faults/failpoint.c,$(wildcard tests/faults/*.c))
endif
# The scripts, and what they include.
SCRIPTS := $(sort $(wildcard src/store/scripts/*.lua))
EMBEDDED := conf/dev/nginx.conf.in conf/dev/redis.conf.in conf/redis/slipway.conf conf/redis/users.acl \
	$(sort $(wildcard conf/nginx/slipway-*.conf)) \
	$(sort $(wildcard workflows/templates/*.in))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
# It goes from stack to stack by longjmp, for which the C library finds no shadow stack: a program with it says that it
# takes indirect branches only where they may lead, and not that it has shadow stacks.
ifneq ($(CONTROL_FLOW),)
$(call objects,src/base/coroutine.c): CFLAGS += -fcf-protection=branch
endif
BASE_OBJECTS := $(call objects,$(BASE))
STORE_OBJECTS := $(call objects,$(STORE)) $(BUILD)/obj/gen/scripts.o
# Actions and what they call: every program that knows workflows links all of it.
ACTION_OBJECTS := $(call objects,$(WORKFLOWS) $(CORE) $(HTTP) $(PROVIDER) $(ACTION))
# slipway-api calls no provider, and links none of the libraries that those take who do, nor the tables of calls.
CALLING := src/http/client.c src/http/url.c src/provider/github_app.c src/provider/github_app_key.c \
	src/provider/github_calls.c src/provider/github_installation.c src/provider/vercel_calls.c src/action/git_object.c
offline = $(filter-out $(call objects,$(CALLING)),$(1)) $(call objects,src/offline/offline.c)
API_OBJECTS := $(call objects,$(API))
WORKER_OBJECTS := $(call objects,$(WORKER))
CLI_OBJECTS := $(call objects,$(CLI)) $(BUILD)/obj/gen/embedded.o
ALL_OBJECTS = $(sort $(BASE_OBJECTS) $(STORE_OBJECTS) $(ACTION_OBJECTS) $(API_OBJECTS) $(WORKER_OBJECTS) $(CLI_OBJECTS))

PROGRAMS := $(BUILD)/slipway-api $(BUILD)/slipway-worker $(BUILD)/slipway

.PHONY: all
all: $(PROGRAMS) $(BUILD)/workflows.checked

$(BUILD)/slipway-api: $(call objects,src/api/main.c) $(API_OBJECTS) $(STORE_OBJECTS) $(call offline,$(ACTION_OBJECTS)) \
		$(BASE_OBJECTS)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(API_LIBRARIES)
$(BUILD)/slipway-worker: $(call objects,src/worker/main.c) $(sort $(WORKER_OBJECTS) $(STORE_OBJECTS) $(ACTION_OBJECTS)) \
		$(BASE_OBJECTS)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARIES) $(WORKER_LIBRARIES)
$(BUILD)/slipway: $(call objects,src/cli/main.c) $(CLI_OBJECTS) $(STORE_OBJECTS) $(ACTION_OBJECTS) $(BASE_OBJECTS)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARIES) $(CLI_LIBRARIES)

# The fault suite's other build: the same programs with other workflows.
ifneq ($(FAULTS),)
BUILDS_OBJECT := $(BUILD)/obj/tests/faults/builds.o
VARIANT_OBJECT := $(BUILD)/obj/variant/builds.o
variant = $(subst $(BUILDS_OBJECT),$(VARIANT_OBJECT),$(1))
all: $(BUILD)/variant/slipway-api $(BUILD)/variant/slipway-worker
$(VARIANT_OBJECT): tests/faults/builds.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC $< (variant)"
	$(Q)$(CC) $(CPPFLAGS) -DFAULTS_VARIANT $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/variant/slipway-api: $(call objects,src/api/main.c) $(API_OBJECTS) $(STORE_OBJECTS) \
		$(call offline,$(call variant,$(ACTION_OBJECTS))) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(API_LIBRARIES)
$(BUILD)/variant/slipway-worker: $(call objects,src/worker/main.c) \
		$(sort $(WORKER_OBJECTS) $(STORE_OBJECTS) $(call variant,$(ACTION_OBJECTS))) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARIES) $(WORKER_LIBRARIES)
endif

# Unknown references, cycles and duplicate ids fail the build, not the deployment.
$(BUILD)/workflows.checked: $(BUILD)/slipway
	$(BUILD)/slipway check
	@touch $@

# A change of flags or of the compiler builds anew.
FLAGS_NOW := $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || echo '$(subst ','\'',$(FLAGS_NOW))' > $@
.PHONY: FORCE
FORCE:

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(BUILD)/packages
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/gen/scripts.c: src/store/scripts/embed src/store/scripts/library.awk $(SCRIPTS)
	@mkdir -p $(@D)
	src/store/scripts/embed $(SCRIPTS) > $@
$(BUILD)/gen/embedded.c: conf/dev/embed $(EMBEDDED)
	@mkdir -p $(@D)
	conf/dev/embed $(EMBEDDED) > $@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- what the machine needs ----

# Installs what is missing where that is possible, and says what to install where it is not.
.PHONY: packages test-packages
packages: $(BUILD)/packages
$(BUILD)/packages: .ci/packages .ci/holes Makefile
	@mkdir -p $(@D)
	.ci/packages $(PACKAGES)
	.ci/holes
	@touch $@
test-packages: $(BUILD)/test-packages
$(BUILD)/test-packages: .ci/packages Makefile
	@mkdir -p $(@D)
	.ci/packages $(PACKAGES) $(TEST_PACKAGES)
	@touch $@
FUZZ_PACKAGES := clang libclang-rt-dev
$(BUILD)/fuzz-packages: .ci/packages Makefile
	@mkdir -p $(@D)
	.ci/packages $(FUZZ_PACKAGES)
	@touch $@

# GitHub and Vercel stand-ins, by lock file.
$(BUILD)/emulator/installed: tests/emulator/package.json tests/emulator/package-lock.json $(wildcard tests/emulator/*) \
		| $(BUILD)/packages
	@mkdir -p $(@D)
	cp tests/emulator/* $(@D)/
	cd $(@D) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# What validates requests against the providers' descriptions, by lock file.
OPENAPI_PACKAGES := tests/openapi/package.json tests/openapi/package-lock.json
$(BUILD)/openapi/installed: $(OPENAPI_PACKAGES) | $(BUILD)/packages
	@mkdir -p $(@D)
	cp $(OPENAPI_PACKAGES) $(@D)/
	cd $(@D) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# What drives the page in chromium, by lock file.
PAGE_PACKAGES := tests/page/package.json tests/page/package-lock.json
$(BUILD)/page/installed: $(PAGE_PACKAGES) | $(BUILD)/packages
	@mkdir -p $(@D)
	cp $(PAGE_PACKAGES) $(@D)/
	cd $(@D) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# ---- the benchmark ----

# The same programs with other workflows, a load generator, a bare responder, and MACs by themselves.
BENCH := $(BUILD)/bench
BENCH_PROGRAMS := $(addprefix $(BENCH)/,slipway-api slipway-worker load responder macs)
bench_workflows = $(subst /obj/workflows/workflows.o,/obj/tests/bench/workflows.o,$(1))
$(BENCH)/slipway-api: $(call objects,src/api/main.c) $(API_OBJECTS) $(STORE_OBJECTS) \
		$(call offline,$(call bench_workflows,$(ACTION_OBJECTS))) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(API_LIBRARIES)
$(BENCH)/slipway-worker: $(call objects,src/worker/main.c) \
		$(sort $(WORKER_OBJECTS) $(STORE_OBJECTS) $(call bench_workflows,$(ACTION_OBJECTS))) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARIES) $(WORKER_LIBRARIES)
$(BENCH)/load $(BENCH)/responder: $(BENCH)/%: $(BUILD)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lhiredis
$(BENCH)/macs: $(BUILD)/obj/tests/bench/macs.o $(ACTION_OBJECTS) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARIES)

# ---- a build for tests of the walls around executors ----

# The same programs with other workflows, one of which is hostile.
HOSTILE := $(BUILD)/hostile
HOSTILE_PROGRAMS := $(addprefix $(HOSTILE)/,slipway slipway-api slipway-worker)
hostile_workflows = $(subst /obj/workflows/workflows.o,/obj/tests/hostile/workflows.o,$(1)) \
	$(call objects,tests/harness/tries.c tests/hostile/ask.c)
$(HOSTILE)/slipway-api: $(call objects,src/api/main.c) $(API_OBJECTS) $(STORE_OBJECTS) \
		$(call offline,$(call hostile_workflows,$(ACTION_OBJECTS))) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(API_LIBRARIES)
$(HOSTILE)/slipway-worker: $(call objects,src/worker/main.c) \
		$(sort $(WORKER_OBJECTS) $(STORE_OBJECTS) $(call hostile_workflows,$(ACTION_OBJECTS))) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARIES) $(WORKER_LIBRARIES)
$(HOSTILE)/slipway: $(call objects,src/cli/main.c) $(CLI_OBJECTS) $(STORE_OBJECTS) \
		$(call hostile_workflows,$(ACTION_OBJECTS)) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARIES) $(CLI_LIBRARIES)
.PHONY: hostile
hostile: $(HOSTILE_PROGRAMS)

# What it is measured against, by lock file.
BENCH_PACKAGES := tests/bench/package.json tests/bench/package-lock.json
$(BENCH)/installed: $(BENCH_PACKAGES) | $(BUILD)/packages
	@mkdir -p $(@D)
	cp $(BENCH_PACKAGES) $(@D)/
	cd $(@D) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: bench bench-table
bench: $(BENCH_PROGRAMS) $(BENCH)/installed $(BUILD)/slipway ## Measure Slipway beside its peers (ROUNDS=3 SECONDS=2 ONLY=rows)
	@BUILD=$(BUILD) node tests/bench/run.mjs
bench-table: ## Print the table of the last make bench again
	@BUILD=$(BUILD) node tests/bench/table.mjs

# ---- doing things ----

.PHONY: run
run: all $(BUILD)/emulator/installed ## Start everything privately and provision a sample app (ONCE=1: then end; STACK=1: three apps)
	@BUILD=$(BUILD) conf/dev/run

TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/*/test_*.c tests/fuzz/fuzz_*.c))
HARNESS := $(wildcard tests/harness/*.c)
# A fuzz target is one file, tests/fuzz/fuzz_WHAT.c, and its seeds in tests/fuzz/corpus/WHAT. Built with FUZZ=1 it runs for
# as long as it is let; in all other builds it is a test, which tries each seed once.
FUZZ_TARGETS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_HARNESS := $(filter-out tests/fuzz/fuzz_%.c $(if $(FUZZ),tests/fuzz/replay.c),$(wildcard tests/fuzz/*.c))
$(BUILD)/obj/tests/%.o: CPPFLAGS += -Itests
# By name: a pattern without a recipe would be no rule at all.
$(patsubst $(BUILD)/tests/%,$(BUILD)/obj/tests/%.o,$(TESTS)) $(call objects,$(HARNESS) $(FUZZ_HARNESS)): | $(BUILD)/test-packages
# Tests see all layers but the programs' main files.
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(call objects,$(HARNESS)) $(BUILD)/obj/product.a
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lfcgi $(LIBRARIES) $(WORKER_LIBRARIES) $(CLI_LIBRARIES) -lmicrohttpd $(shell pkg-config --libs check 2>/dev/null)

# An archive: a program has of the product what it calls. There are more than a hundred, and linking all of it into each
# took as long as compiling; and the coverage of a fuzz target is of what it calls.
$(BUILD)/obj/product.a: $(ALL_OBJECTS)
	@echo "  AR $@"
	$(Q)rm -f $@ && $(AR) qcs $@ $^
$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(call objects,$(FUZZ_HARNESS)) $(BUILD)/obj/product.a
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) -o $@ $^ -lfcgi $(LIBRARIES) $(WORKER_LIBRARIES) $(CLI_LIBRARIES)

.PHONY: fuzz fuzz-targets
fuzz-targets: $(FUZZ_TARGETS)
fuzz: $(BUILD)/fuzz-packages ## Fuzz all targets, two at a time (SECONDS_EACH=60, ONLY='json redact')
	$(Q)$(MAKE) --no-print-directory FUZZ=1 BUILD=build/fuzz fuzz-targets
	@BUILD=build/fuzz tests/fuzz/run $(notdir $(FUZZ_TARGETS))

.PHONY: test unit-tests
unit-tests: $(TESTS)
.SECONDARY: $(patsubst $(BUILD)/tests/%,$(BUILD)/obj/tests/%.o,$(TESTS)) $(call objects,$(HARNESS) $(FUZZ_HARNESS))
# The fault suite measures by the clock, so it is left out where everything is slower.
FAULTS_BUILD := $(if $(SANITIZE)$(COVERAGE),,build/faults)
test: all $(BUILD)/test-packages $(TESTS) $(HOSTILE_PROGRAMS) $(if $(FAULTS_BUILD),$(BENCH_PROGRAMS)) $(BUILD)/emulator/installed $(BUILD)/openapi/installed $(BUILD)/page/installed ## Run all tests; the last lines give the counts
	$(Q)$(if $(FAULTS_BUILD),$(MAKE) --no-print-directory FAULTS=1 BUILD=$(FAULTS_BUILD) all)
	@BUILD=$(BUILD) FAULTS_BUILD=$(FAULTS_BUILD) tests/run $(TESTS)

.PHONY: test-faults
test-faults: $(BUILD)/test-packages ## The whole fault suite, its mutants, and the models at length: about an hour
	$(MAKE) --no-print-directory FAULTS=1 BUILD=build/faults all
	BUILD=build/faults node tests/faults/run.mjs
	node tests/faults/mutants.mjs
	STEPS=100000 tests/model/test_model.py
	STEPS=20000 tests/model/test_model.py --mutants
	tests/model/run-spin
	tests/model/run-spin --mutants
	tests/model/run-spin --limits

.PHONY: valgrind
# Torture has a malloc of its own, which valgrind would have to be the one to have; the others read what was freed, to see
# that it was wiped.
NOT_UNDER_VALGRIND := $(BUILD)/tests/torture/% $(BUILD)/tests/base/test_process $(BUILD)/tests/http/test_memory
# VALGRIND=quick: what reads and writes data of others, without servers, long waits and the longest computations.
QUICK := $(foreach folder,base cli core provider worker,$(filter $(BUILD)/tests/$(folder)/%,$(TESTS)))
SLOW_UNDER_VALGRIND := $(addprefix $(BUILD)/tests/base/test_,basics json_write loop prefork)
VALGRIND_TESTS := $(filter-out $(NOT_UNDER_VALGRIND),$(if $(VALGRIND),$(filter-out $(SLOW_UNDER_VALGRIND),$(QUICK)),$(TESTS)))
.PHONY: valgrind-tests
ifeq ($(ZERO_INIT),no)
valgrind-tests: $(VALGRIND_TESTS)
valgrind: $(VALGRIND_TESTS)
	@BUILD=$(BUILD) tests/run-valgrind $(VALGRIND_TESTS)
else
# In a build of its own, for what is zero already hides from it what nobody has set.
valgrind: ## Run the unit tests under valgrind (VALGRIND=quick: those that take no time)
	$(MAKE) --no-print-directory ZERO_INIT=no BUILD=$(BUILD)/valgrind valgrind
valgrind-tests:
	$(MAKE) --no-print-directory ZERO_INIT=no BUILD=$(BUILD)/valgrind valgrind-tests
endif

# What is there, also before it is added.
FORMATTED = $(shell git grep --no-color --untracked -l '' -- '*.c' '*.h')
.PHONY: format lint
format: ## Lay out all C sources by .clang-format
	clang-format -i $(FORMATTED)
lint: all ## clang-format, clang-tidy, cppcheck, shellcheck, and the house's own checks
	@BUILD=$(BUILD) .ci/lint

.PHONY: coverage
coverage: ## Line coverage of product code by the whole suite, in build/coverage
	.ci/packages gcovr
	$(MAKE) COVERAGE=1 BUILD=build/coverage test
	gcovr --root . --filter 'src/' --filter 'workflows/' --gcov-ignore-parse-errors build/coverage

.PHONY: clean help
clean: ## Remove all that was built
	rm -rf build
help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
	@sed -n '/^#   /s/^# //p' Makefile
