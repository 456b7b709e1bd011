# Everything an operator or a developer does has one word here. `make` alone shows them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
SEEDS ?= 100000
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
RELEASE := build/release
CHECK := build/check
TEST_UI = cd explainer/ui && npm run --silent check && cd ../.. && PYTHON=$(PYTHON) node --test tests/ui/ui.test.mjs
CXX_SOURCES = $(shell git ls-files -co --exclude-standard '*.cc' '*.h')

.PHONY: help deps build check-build test test-unit test-sim test-process test-ui netns sanitize fuzz soak cluster demo bench install deb systemd format lint clean

help:            ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  \1\t/p' Makefile | expand -t 18

deps:            ## install the Debian packages (needs root only then) and node modules that are missing
	@.ci/install-deps

# A configured directory is reconfigured by ninja itself when a CMake file changes.
$(RELEASE)/build.ninja $(CHECK)/build.ninja build/asan/build.ninja build/tsan/build.ninja build/fuzz/build.ninja build/lint/build.ninja build/debug/build.ninja: | deps
	@cmake --preset $(notdir $(@D)) >/dev/null

build: deps $(RELEASE)/build.ninja   ## the binaries, in build/release/bin
	@ninja -C $(RELEASE) -j $(JOBS) binaries

check-build: deps $(CHECK)/build.ninja
	@ninja -C $(CHECK) -j $(JOBS)

test: build check-build  ## all tests: unit, golden, tidy, link, simulator, real processes, the page (20 minutes at most)
	@ctest --test-dir $(CHECK) --output-on-failure -j $(JOBS)
	@$(TEST_UI)

test-unit: check-build  ## unit, golden, tidy and link tests alone
	@ctest --test-dir $(CHECK) --output-on-failure -j $(JOBS) -LE 'sim|process'

test-sim: check-build  ## the simulator: its tests, 2,000 seeds and the planted faults, with what was counted
	@ctest --test-dir $(CHECK) --output-on-failure -j $(JOBS) -L sim -E 'seeds|planted'
	@ctest --test-dir $(CHECK) --verbose -L sim -R 'seeds|planted'

test-process: build check-build  ## tests with the real binaries
	@ctest --test-dir $(CHECK) --output-on-failure -j $(JOBS) -L process

test-ui: build   ## the inspection page in a real browser; screenshots in build/ui-screenshots
	@$(TEST_UI)

netns: build     ## several hosts in network namespaces: cut and long links (needs root)
	@PYTHON=$(PYTHON) tests/netns/run

systemd: deb     ## the installed package under a systemd of its own, in namespaces (needs root)
	@tests/systemd/run build/package/aerodb_*.deb

sanitize: deps build/asan/build.ninja  ## unit tests and a short simulation under address and undefined behaviour sanitizers
	@ninja -C build/asan -j $(JOBS) sanitized
	@ctest --test-dir build/asan --output-on-failure -j $(JOBS) -R '^(unit_|golden|formats)'
	@build/asan/bin/aerodb-sim --seeds 100 --jobs $(JOBS)

fuzz: deps build/fuzz/build.ninja  ## a run of each fuzz target, FUZZ_SECONDS each
	@tests/fuzz/run build/fuzz $${FUZZ_SECONDS:-600}

soak: check-build build  ## the long run: SEEDS small simulator seeds and 10,000 full ones, kills at every call of backup and restore, every crash point of every phase, 500 kills of a real primary, ten minutes of kills of any role
	@$(CHECK)/bin/aerodb-sim --small --seeds $(SEEDS) --jobs $(JOBS)
	@$(CHECK)/bin/aerodb-sim --seeds 10000 --jobs $(JOBS)
	@AERODB_KILL_ROUNDS=100 $(CHECK)/bin/unit_backup --gtest_filter='*KilledAtAnyCall*'
	@AERODB_CRASH_POINTS=all $(PYTHON) -m unittest discover -s tests/process -t tests/process -p 'crash_point_test.py' -v
	@AERODB_KILLS=500 AERODB_KILL_SECONDS=600 $(PYTHON) -m unittest discover -s tests/process -t tests/process -p 'kill_test.py' -v

cluster: build   ## a local cluster with the ISO tables in it, until Ctrl-C
	@exec $(PYTHON) configs/local/cluster.py

demo: build      ## the same unattended, as a story with kills and a switchover
	@exec $(PYTHON) configs/local/demo.py

bench: build     ## durable writes and reads beside the limits of this machine
	@ninja -C $(RELEASE) -j $(JOBS) benchmarks
	@tests/bench/run $(RELEASE)

install: build   ## programs, units, examples and documents below PREFIX (/usr/local), and DESTDIR where it is set
	@umask 022 && cmake --install $(RELEASE) --prefix $(PREFIX)

deb: build       ## the Debian package, in build/package; installing it starts nothing
	@umask 022 && cpack --config $(RELEASE)/CPackConfig.cmake -B build/package

format: deps     ## clang-format, in place
	@clang-format-19 -i $(CXX_SOURCES)

lint: deps build/lint/build.ninja  ## formatting, warnings of clang 19, clang-tidy
	@clang-format-19 --dry-run --Werror $(CXX_SOURCES)
	@ninja -C build/lint -j $(JOBS)
	@git ls-files -co --exclude-standard '*.cc' | grep -v '^tests/' | xargs -P $(JOBS) -n 4 clang-tidy-19 -p build/lint --quiet

clean:           ## remove builds and the local cluster's data
	@rm -rf build .cluster
