# Slipway. `make help` says what there is to do.
#
#   CC=clang            another compiler             BUILD=folder   another folder for what is built
#   SANITIZE=address,undefined                        the same with sanitizers, in build/sanitize
#   FAULTS=1                                          the fault suite's build, with failpoints, in build/faults

.DELETE_ON_ERROR:
.SUFFIXES:

SANITIZE ?=
FAULTS ?=
ifneq ($(FAULTS),)
BUILD ?= build/faults
else ifneq ($(SANITIZE),)
BUILD ?= build/sanitize
else
BUILD ?= build
endif

# V=1 shows whole commands.
Q := $(if $(V),,@)

VERSION := 0.1.0
PACKAGES := libfcgi-dev libcurl4-openssl-dev libcjson-dev libhiredis-dev libsodium-dev libssl-dev libunistring-dev \
	libidn2-dev libyaml-dev pkg-config gcc make redis-server nginx-light nodejs npm
TEST_PACKAGES := check libsubunit-dev libmicrohttpd-dev fcgiwrap curl iproute2 procps openssl faketime spin python3 \
	python3-hypothesis python3-redis chromium

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Werror
CPPFLAGS += -D_GNU_SOURCE -DSLIPWAY_VERSION='"$(VERSION)"' -Iinclude -Isrc -Iworkflows
CFLAGS += -std=c11 -g -fPIE $(WARNINGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now
ifneq ($(SANITIZE),)
CFLAGS += -O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
LDFLAGS += -fsanitize=$(SANITIZE)
else ifneq ($(COVERAGE),)
CFLAGS += -O0 --coverage
LDFLAGS += --coverage
else
CFLAGS += -O2 -fstack-protector-strong
CPPFLAGS += -D_FORTIFY_SOURCE=2
endif

# Each program links what its layer may see, and nothing else.
LIBRARIES := -lcurl -lhiredis -lcjson -lsodium -lcrypto -lunistring -lidn2 -lm
CLI_LIBRARIES := -lyaml
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
CPPFLAGS += -DSLIPWAY_FAILPOINTS -Itests
BASE += tests/faults/failpoint.c
WORKFLOWS := $(filter-out workflows/workflows.c,$(WORKFLOWS)) $(filter-out tests/faults/failpoint.c,$(wildcard tests/faults/*.c))
endif
# The scripts, and what they include.
SCRIPTS := $(sort $(wildcard src/store/scripts/*.lua))
EMBEDDED := conf/dev/nginx.conf.in conf/dev/redis.conf.in conf/redis/slipway.conf conf/redis/users.acl \
	$(sort $(wildcard conf/nginx/slipway-*.conf)) \
	$(sort $(wildcard workflows/templates/*.in))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
BASE_OBJECTS := $(call objects,$(BASE))
STORE_OBJECTS := $(call objects,$(STORE)) $(BUILD)/obj/gen/scripts.o
# Actions and what they call: every program that knows workflows links all of it.
ACTION_OBJECTS := $(call objects,$(WORKFLOWS) $(CORE) $(HTTP) $(PROVIDER) $(ACTION))
API_OBJECTS := $(call objects,$(API))
WORKER_OBJECTS := $(call objects,$(WORKER))
CLI_OBJECTS := $(call objects,$(CLI)) $(BUILD)/obj/gen/embedded.o
ALL_OBJECTS = $(sort $(BASE_OBJECTS) $(STORE_OBJECTS) $(ACTION_OBJECTS) $(API_OBJECTS) $(WORKER_OBJECTS) $(CLI_OBJECTS))

PROGRAMS := $(BUILD)/slipway-api $(BUILD)/slipway-worker $(BUILD)/slipway

.PHONY: all
all: $(PROGRAMS) $(BUILD)/workflows.checked

$(BUILD)/slipway-api: $(call objects,src/api/main.c) $(API_OBJECTS) $(STORE_OBJECTS) $(ACTION_OBJECTS) $(BASE_OBJECTS)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lfcgi $(LIBRARIES)
$(BUILD)/slipway-worker: $(call objects,src/worker/main.c) $(sort $(WORKER_OBJECTS) $(STORE_OBJECTS) $(ACTION_OBJECTS)) \
		$(BASE_OBJECTS)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARIES)
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
		$(call variant,$(ACTION_OBJECTS)) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lfcgi $(LIBRARIES)
$(BUILD)/variant/slipway-worker: $(call objects,src/worker/main.c) \
		$(sort $(WORKER_OBJECTS) $(STORE_OBJECTS) $(call variant,$(ACTION_OBJECTS))) $(BASE_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARIES)
endif

# Unknown references, cycles and duplicate ids fail the build, not the deployment.
$(BUILD)/workflows.checked: $(BUILD)/slipway
	$(BUILD)/slipway check
	@touch $@

# A change of flags or of the compiler builds anew.
FLAGS_NOW := $(CC) $(CPPFLAGS) $(CFLAGS)
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

$(BUILD)/gen/scripts.c: src/store/scripts/embed $(SCRIPTS)
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
$(BUILD)/packages: .ci/packages .ci/libfcgi Makefile
	@mkdir -p $(@D)
	.ci/packages $(PACKAGES)
	.ci/libfcgi
	@touch $@
test-packages: $(BUILD)/test-packages
$(BUILD)/test-packages: .ci/packages Makefile
	@mkdir -p $(@D)
	.ci/packages $(PACKAGES) $(TEST_PACKAGES)
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

# ---- doing things ----

.PHONY: run
run: all $(BUILD)/emulator/installed ## Start everything privately and provision a sample app (ONCE=1: then end; STACK=1: three apps)
	@BUILD=$(BUILD) conf/dev/run

TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/*/test_*.c))
HARNESS := $(wildcard tests/harness/*.c)
$(BUILD)/obj/tests/%.o: CPPFLAGS += -Itests
# By name: a pattern without a recipe would be no rule at all.
$(patsubst $(BUILD)/tests/%,$(BUILD)/obj/tests/%.o,$(TESTS)) $(call objects,$(HARNESS)): | $(BUILD)/test-packages
# Tests see all layers but the programs' main files.
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(call objects,$(HARNESS)) $(ALL_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lfcgi $(LIBRARIES) $(CLI_LIBRARIES) -lmicrohttpd $(shell pkg-config --libs check 2>/dev/null)

.PHONY: test unit-tests
unit-tests: $(TESTS)
.SECONDARY: $(patsubst $(BUILD)/tests/%,$(BUILD)/obj/tests/%.o,$(TESTS)) $(call objects,$(HARNESS))
# The fault suite measures by the clock, so it is left out where everything is slower.
FAULTS_BUILD := $(if $(SANITIZE)$(COVERAGE),,build/faults)
test: all $(BUILD)/test-packages $(TESTS) $(BUILD)/emulator/installed $(BUILD)/openapi/installed $(BUILD)/page/installed ## Run all tests; the last lines give the counts
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
valgrind: $(TESTS) ## Run the unit tests under valgrind
	@BUILD=$(BUILD) tests/run-valgrind $(filter-out $(NOT_UNDER_VALGRIND),$(TESTS))

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
