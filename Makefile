# Everything that is done with this repository. Plain "make" builds.
#   make test            what the tests need is installed (Debian; root or sudo), then all of them run
#   make race            the same under the race detector, the long runs shortened
#   make sim             SCHEDULES=500000: the core's simulation, longer than in make test; SEED=N replays one
#   make model           the lock protocol in every order of its steps, more faults than in make test; minutes
#   make storm           ROUNDS=1000: the storm of locks and of so many kills, within FOR=2h; SEED=N makes the same choices
#   make powercut        CUTS=100: the power of a small virtual machine is cut while people lock; SEED=N repeats the choices
#   make fuzz            EACH=30s: every fuzz target in turn
#   make bench           the figures of docs/performance.md; make bench-peers installs what they are compared with
#   make lint            golangci-lint, pinned in internal/tools
#   make docs            generated pages, written anew
GO        ?= go
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS   := -X github.com/supd/supd/internal/version.stamped=$(VERSION)
SCHEDULES ?= 500000
SEED      ?=
FOR       ?= 2h
ROUNDS    ?= 1000
EACH      ?= 30s
CUTS      ?= 100

.PHONY: build run test race sim model storm powercut fuzz bench bench-peers lint docs install-test-needs

# Without cgo: nothing of supd needs it, and a static program starts a millisecond sooner.
build:
	CGO_ENABLED=0 $(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

run: build
	./bin/supd --demo

install-test-needs:
	@./internal/ci/install.sh

# -count=1: a result from the cache is no run.
test: install-test-needs
	$(GO) vet ./...
	$(GO) test -count=1 -timeout 20m ./...

race: install-test-needs
	SIM_SCHEDULES=3000 STORM_FOR=15s $(GO) test -race -count=1 -timeout 40m ./...

sim:
	SIM_SCHEDULES=$(SCHEDULES) SIM_SEED=$(SEED) $(GO) test -count=1 -timeout 0 -run 'Sim' ./supervisor/core/...

model:
	MODEL=wide $(GO) test -count=1 -timeout 0 -v ./internal/model

storm: install-test-needs
	STORM_FOR=$(FOR) STORM_ROUNDS=$(ROUNDS) STORM_SEED=$(SEED) $(GO) test -count=1 -timeout 0 -v -run 'Storm' ./...

powercut: install-test-needs
	POWERCUTS=$(CUTS) POWERCUT_SEED=$(SEED) $(GO) test -count=1 -timeout 0 -v -run 'PowerCut' ./internal/vm

# Go runs one fuzz target per call.
fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(EACH) $$pkg; \
	  done; \
	done

bench-peers:
	@./internal/ci/install.sh peers

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./bench

lint:
	$(GO) tool -modfile=internal/tools/go.mod golangci-lint run ./...

# Tests that hold generated pages against the code write them when told to.
docs:
	@set -e; for dir in $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n 1 dirname | sort -u); do \
	  $(GO) test -count=1 -run 'Docs|OpenAPI|EveryEvent' $$dir -update; \
	done
