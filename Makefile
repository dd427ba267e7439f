# The commands of this repository; `make help` lists them. Each can be run again at no cost.
SHELL := /bin/bash
ARGS ?=

.PHONY: help dev build deb test test-package test-tutorial test-examples unit integration sim chaos jenkins-day test-real-jenkins bench-allocator fuzz-allocator check format clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

dev: ## Install what the program needs, build it, run the demo here (ARGS="--exit_when_done" passes options on)
	@scripts/install-packages program
	@scripts/ensure-docker
	@$(MAKE) --no-print-directory build
	@exec .build/release/mini up --demo $(ARGS)

# The release binary carries the Swift runtime, so a host needs no toolchain. lld packs its relocations and exports nothing,
# which takes a quarter off what an idle daemon holds in memory.
RELEASE = -c release --static-swift-stdlib -Xswiftc -use-ld=lld -Xlinker -z -Xlinker pack-relative-relocs \
	-Xlinker --icf=safe -Xlinker --no-export-dynamic

build: ## Build the release binaries: .build/release/mini, mini-supervisor and mini-fetcher
	@swift build $(RELEASE) --product mini-supervisor
	@swift build $(RELEASE) --product mini-fetcher
	@swift build $(RELEASE) --product mini

test: ## Install what the tests need and run everything: format, unit, simulation, integration
	@scripts/install-packages program tests
	@scripts/ensure-docker
	@scripts/run-tests all

unit: ## Run only the fast tests (no network, no engine)
	@scripts/run-tests unit

integration: ## Run only the tests against a real ZooKeeper, Docker Engine and third-party clients
	@scripts/run-tests integration

sim: ## Run the cluster simulation with SEEDS=n fresh seeds (default 2000)
	@SIM_SEEDS=$${SEEDS:-2000} scripts/run-tests simulation

chaos: ## Attack a real cluster with FAULTS=n faults drawn from SEED=n (default 100 and 1), then a build farm for JENKINS_MINUTES=n (default 20)
	@scripts/install-packages program tests
	@swift build --build-tests
	@CHAOS_FAULTS=$${FAULTS:-100} CHAOS_SEED=$${SEED:-1} CHAOS_TABLE=$(CURDIR)/.build/chaos.md \
		swift test --skip-build --disable-xctest --filter ChaosIntegrationTests
	@cat .build/chaos.md
	@JENKINS_MINUTES=$${JENKINS_MINUTES:-20} JENKINS_SEED=$${SEED:-1} \
		swift test --skip-build --disable-xctest --filter JenkinsIntegrationTests.ChaosDayTests

test-real-jenkins: ## Run the end-to-end tests against a controller started from JENKINS_WAR=path (LTS 2.107 or newer; needs java)
	@scripts/install-packages program tests
	@scripts/test-real-jenkins "$(JENKINS_WAR)"

restarts: ## Kill and restart an agent RESTARTS=n times under RESTART_TASKS=n running tasks (default 50 and 200, half of them containers)
	@scripts/install-packages program tests
	@scripts/ensure-docker
	@swift build --build-tests
	@swift test --skip-build --disable-xctest --filter RestartTests

jenkins-day: build ## Run a day of a build farm while everything is killed in turn (ARGS="--builds 300 --seed 7"; default 3000 builds)
	@scripts/install-packages program
	@.build/release/mini bench jenkins-day $(ARGS)

bench-jenkins: build ## Measure how soon a queued build has an agent, and what polling costs Jenkins (ARGS="--samples 100")
	@.build/release/mini bench jenkins $(ARGS)

deb: build ## Make the Debian package and the tarball in .build/package, and have lintian and systemd-analyze look at them
	@scripts/install-packages package
	@scripts/build-deb --check

test-package: ## Install the package on five hosts that boot systemd: crashes, a reboot, rolling upgrades under running tasks
	@scripts/install-packages program tests
	@scripts/ensure-docker
	@swift build --build-tests
	@PACKAGE_FLEET=1 swift test --skip-build --disable-xctest --no-parallel --filter PackageIntegrationTests

test-tutorial: ## Follow Docs/tutorial.md word for word on six hosts that boot systemd, from the package to an upgrade under a build
	@scripts/install-packages program tests
	@scripts/ensure-docker
	@swift build --build-tests
	@TUTORIAL=1 swift test --skip-build --disable-xctest --no-parallel --filter TutorialTests

test-examples: ## Build Examples/framework-test as a package of its own (a build of everything: minutes) and run its tests, and those of Examples/pytest
	@scripts/install-packages program tests
	@swift test --package-path Examples/framework-test --disable-xctest
	@MINI=$$(swift build --package-path Examples/framework-test --show-bin-path)/mini /usr/bin/python3 -B -m pytest -q -p no:cacheprovider Examples/pytest

bench-agents: build ## Simulate agents: register, kill the leader, register again with tasks, read the state (ARGS="--count 2000 --tasks 100000 --masters 3")
	@.build/release/mini bench agents --count 2000 --tasks 100000 $(ARGS)

bench-agent: build ## Measure what an agent adds to its tasks: time, processor time, memory (ARGS="latency rate" picks cases)
	@scripts/ensure-docker
	@.build/release/mini bench agent $(ARGS)

bench-failover: build ## Kill leading masters and time how soon the next one makes an offer (ARGS="--runs 10 --count 100")
	@.build/release/mini bench failover --count 100 --tasks 1000 --runs 10 $(ARGS)

bench-slopes: build ## Measure what one more agent and one more task cost a master in memory
	@.build/release/mini bench slopes

bench-allocator: ## Time the allocator alone, one JSON line a case (ARGS="declining freed" picks cases)
	@swift build -c release --product AllocatorBenchmark
	@.build/release/AllocatorBenchmark $(ARGS)

fuzz-allocator: ## Compare the allocator with its slow twin on STREAMS=n random streams (default a million) from SEED=n
	@swift build -c release --product allocator-fuzz
	@.build/release/allocator-fuzz $${STREAMS:-1000000} $${SEED:-0}

check: ## Format check and a build in which every warning is an error
	@scripts/check

format: ## Rewrite the sources in the house format
	@swift format -i -r --parallel Package.swift Sources Tests IntegrationTests Examples

clean: ## Remove the build folder
	rm -rf .build
