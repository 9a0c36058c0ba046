# Each target is one verb; `make test` is the README's test command.
GO ?= go
SEED ?= 1
EVENTS ?= 2000000

KILLS ?= 200
SEEDS ?= 10000
NEXMARK ?= 1000000

.PHONY: nexmark-parallel spill bench-checkpoints docs test-all simulate test-services bench-kafka crash differential build test test-race lint rewrite bench conformance race-flink race-tpch record-nexmark record-functions

build: ## the binary, in bin/
	$(GO) build -trimpath -ldflags '-s -w' -o bin/millrace ./cmd/millrace

test: build ## unit and .test files; no servers
	$(GO) vet ./...
	$(GO) test ./...

SERVICES ?= kafka mysql mysql2 mariadb mariadb2 postgres redis registry minio
REAL ?= ^TestReal
SERVICE_KILLS ?= 100

test-services: build ## the tests against real servers, which scripts/services installs and starts; they stay up (scripts/services down ends them)
	up=$$(scripts/services up $(SERVICES)); echo "servers: $$up"; CRASH_KILLS=$(SERVICE_KILLS) MILLRACE_TEST_SERVICES="$$up" $(GO) test -p 1 -count=1 -timeout 60m -run '$(REAL)' ./tests/services/... ./connectors/... ./files/... ./tests/crash $(ARGS)

test-race:
	$(GO) test -race ./...

simulate: ## SEEDS=N: jobs of every operator in a simulated world that crashes, delays and tears, from seeds
	SIM_SEEDS=$(SEEDS) $(GO) test -count=1 -v -timeout 4h -run TestSimulate ./engine

test-all: test simulate differential nexmark-parallel ## make test, SEEDS of the simulator, as many of each operator against its naive evaluator, and Nexmark at 1 and 4

nexmark-parallel: ## NEXMARK=N events: the queries at parallelism 1 and 4 leave the same rows
	NEXMARK_EVENTS=$(NEXMARK) $(GO) test -count=1 -v -timeout 2h -run TestNexmarkParallel ./tests

crash: ## KILLS=N per job shape: the binary killed at random points, its output compared with an uninterrupted run
	CRASH_KILLS=$(KILLS) CRASH_SEED=$(SEED) $(GO) test -count=1 -timeout 4h -v -run TestKill ./tests/crash

bench-kafka: ## ROWS=N: records from topic to topic, by us and by bare clients in the same run
	up=$$(scripts/services up kafka); KAFKA_ROWS=$(or $(ROWS),1000000) MILLRACE_TEST_SERVICES="$$up" $(GO) test -count=1 -v -timeout 60m -run TestRealKafkaThroughput ./tests/services

differential: ## SEEDS=N: operators against naive evaluators, on random rows
	DIFF_SEEDS=$(SEEDS) $(GO) test -count=1 -timeout 4h ./operators/...

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...

rewrite: ## fill in the expected output of .test files; read the difference before you commit
	$(GO) test ./... -rewrite

docs: ## docs/reference from what the code declares
	$(GO) test ./tests -count=1 -run TestReference -write-docs

bench-checkpoints: build ## what checkpoints cost on Nexmark, and bytes, time, pauses and restores against the number of keys
	scripts/bench-checkpoints overhead
	scripts/bench-checkpoints state

bench: ## BENCH_KEYS='10000000': numbers of keys for benchmarks of operators, else 10 k and 1 M
	BENCH_KEYS='$(BENCH_KEYS)' $(GO) test -run xxx -bench . -benchmem ./...

conformance: build ## CASES=DIR: the folder with run_cases.py and cases/
	@test -n "$(CASES)" || { echo 'say where the cases are: make conformance CASES=DIR'; exit 2; }
	python3 $(CASES)/run_cases.py --engine '$(CURDIR)/bin/millrace run --format jsonl --changelog {script}' --cases '$(CASES)/cases/*/*.json' $(ARGS)

record-functions: ## FLINK=CMD: a command that runs a script on Flink and prints the changelog; keeps what functions give there
	@test -n "$(FLINK)" || { echo 'say how to ask Flink: make record-functions FLINK=CMD'; exit 2; }
	$(GO) run ./tests/flink/record -flink '$(FLINK)' $(ARGS)

race-flink: build ## FLINK=CMD [QUERIES='q0 q17'] [EVENTS=N]: CPU seconds here and on the real Flink; scripts/race-flink says what CMD must print
	@test -n "$(FLINK)" || { echo 'say how to run Flink: make race-flink FLINK=CMD'; exit 2; }
	scripts/race-flink '$(FLINK)' --events $(EVENTS) $(if $(QUERIES),$(QUERIES:%=examples/nexmark/%.sql),$(wildcard examples/nexmark/*.sql))

race-tpch: build ## SCALE=1 [QUERIES='q1 q6'] [DIR=tpch-data]: TPC-H in batch mode here and in Python's duckdb: rows compared, CPU seconds
	python3 scripts/race-tpch $(or $(SCALE),1) --dir $(or $(DIR),tpch-data) --queries '$(QUERIES)'

spill: build ## [KEYS=1,5,10,25,50] [MEMORY=512] [KIND=sort|over|partition|join|cross]: what is beyond memory: CPU and peak of resident memory against the number of keys
	python3 scripts/spill --keys "$${KEYS:-1,5,10,25,50}" --memory "$${MEMORY:-512}" $(if $(KIND),--kind $(KIND))

record-nexmark: ## FLINK=CMD: asks the real Flink for the answers kept in tests/flink/nexmark
	@test -n "$(FLINK)" || { echo 'say how to ask Flink: make record-nexmark FLINK=CMD'; exit 2; }
	$(GO) test ./tests -timeout 1h -run '$(if $(QUERY),TestNexmark/^$(QUERY)$$,TestNexmark)' -record-nexmark '$(FLINK)'

.PHONY: notebooks
notebooks: build ## the Python package's tests, and examples/notebooks run from top to bottom; it needs Python 3 and its package index, or a venv in bin/notebooks
	scripts/notebooks
