# Gatehouse: every command a person needs. `make help` lists them.
# Needs python3 with venv, git and make; the rest is set up by itself the first time.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
SYNCED := $(VENV)/.synced
STACK := $(BIN)/python -m local_stack
TEST_STATE ?= $(CURDIR)/.state/test
LINES ?= 100
SERVICES := $(patsubst services/%/pyproject.toml,%,$(wildcard services/*/pyproject.toml))

# uv trusts the machine's certificates, as pip and git do, and not a list of its own.
export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
unexport VIRTUAL_ENV

LOCKED := pyproject.toml uv.lock $(wildcard gateway/pyproject.toml shared/pyproject.toml services/*/pyproject.toml clients/*/pyproject.toml deploy/local/pyproject.toml)

.PHONY: rename new-service remove-service update-service docs chaos client deploy dashboards help setup up demo down clean status logs mail jobs keys parked restart test test-unit test-integration test-e2e test-containers test-security fuzz servers check audit format bench bench-gateway bench-limits bench-overload bench-messaging bench-deploy profile-gateway

##@ Run it

up: $(SYNCED) ## Bring the whole system up and return when all of it is ready (MODE=compose|local)
	@$(STACK) up

demo: $(SYNCED) ## One journey: register, order, pay, report, trace; each step with its time
	@$(BIN)/python -m local_stack.demo

down: $(SYNCED) ## Stop what `make up` started, keep the data
	@$(STACK) down

clean: $(SYNCED) ## Stop it and remove the data
	@$(STACK) clean

status: $(SYNCED) ## Who runs, ready or not, since when, on which port
	@$(STACK) status

logs: $(SYNCED) ## One process's log: make logs S=orders (FOLLOW=1 to follow, LINES=n)
	@$(STACK) logs $(S) --lines $(LINES) $(if $(FOLLOW),--follow)

parked: $(SYNCED) ## What could not be handled: make parked, or A="show|replay|drop QUEUE ID", A="replay QUEUE --all --dry-run"
	@$(STACK) parked $(A)

restart: $(SYNCED) ## Restart one process: make restart S=orders
	@$(STACK) restart $(S)

deploy: $(SYNCED) ## Replace one running service by the version in the tree, no request lost: make deploy S=orders (SET="NAME=value ...")
	@$(STACK) deploy $(S) $(foreach one,$(SET),--set $(one)) $(if $(READY),--ready $(READY)) $(if $(WATCH),--watch $(WATCH))

jobs: $(SYNCED) ## A service's jobs: make jobs S=reports (DO="show ID", cancel ID, retry ID, "list --status failed")
	@$(STACK) jobs $(S) $(DO)

keys: $(SYNCED) ## The keys that tokens are signed with: make keys (DO=rotate, DO="rotate --now" or DO="withdraw KID" after a leak)
	@$(STACK) keys $(DO)

mail: $(SYNCED) ## The mails the system has sent
	@$(STACK) mail

##@ Test it

test: $(SYNCED) ## Every test: unit, integration on real servers, end to end
	@failed=; for tier in unit integration e2e; do \
	  $(MAKE) --no-print-directory test-$$tier || failed="$$failed $$tier"; \
	done; \
	test -z "$$failed" || { echo "failed:$$failed" >&2; exit 1; }

# Runs of pytest, one for each line of what is piped in, TEST_JOBS=2 at a time; what each says is shown whole when it ends.
side_by_side = { mkdir -p $(TEST_STATE); xargs -P $(or $(TEST_JOBS),2) -I {} bash -c ' \
	  log=$$(mktemp); $(BIN)/python -m pytest {} >$$log 2>&1; status=$$?; \
	  flock $(TEST_STATE) bash -c "echo \"== $(1), {}\"; cat $$log"; rm $$log; \
	  test $$status -eq 0 || { echo "failed: {}" >&2; exit 1; }'; }

# The services' start many processes and wait for them, the others calculate: about as long each.
UNIT := $(wildcard */tests/unit */*/tests/unit)

test-unit: $(SYNCED) ## The tests that need nothing
	@printf '%s\n' "$(filter services/%,$(UNIT))" "$(filter-out services/%,$(UNIT))" | $(call side_by_side,unit)

# A run a package, two at a time: each has a database, a vhost and a Redis database of its own, and hears nothing of the
# others' events. The longest first; shared's, which blocks the broker for a moment, beside the gateway's, which has none.
FIRST := $(wildcard shared/tests/integration gateway/tests/integration deploy/local/tests/integration services/reports/tests/integration)
INTEGRATION := $(FIRST) $(filter-out $(FIRST),$(wildcard */tests/integration */*/tests/integration))

test-integration: $(SYNCED) servers ## The tests on real Postgres, Redis and RabbitMQ (TEST_JOBS=2 at a time)
	@printf '%s\n' $(INTEGRATION) | $(call side_by_side,integration)

# Two runs with a system each: what the one breaks, stops or deploys is none of the other's. On a system of somebody else, one.
test-e2e: $(SYNCED) ## The tests of the whole system from outside, and the attacks on it, side by side
	@printf '%s\n' $(if $(GATEWAY_URL),"tests/e2e tests/security",tests/e2e tests/security) | $(call side_by_side,end to end)

# Two systems at once: what kills and replaces mostly waits, while the other run works (TESTS= is one run). The pages go
# first in theirs: their browser drops its connections whenever a container comes or goes.
DISTURBING := $(addprefix tests/e2e/test_,pages.py deploys.py faults.py)
test-containers: $(SYNCED) ## The tests of the whole system on containers that they bring up: the real Dockerfiles and docker-compose.yml (TESTS=)
	@export SYSTEM=containers; printf '%s\n' $(if $(TESTS),"$(TESTS)","$(DISTURBING)" "tests/e2e $(DISTURBING:%=--ignore=%)") | $(call side_by_side,containers)

test-security: $(SYNCED) ## The attacks on the whole system alone
	@echo "== security"
	@$(BIN)/python -m pytest tests/security

# SECONDS is bash's own: handed over under another name.
fuzz: $(SYNCED) ## Made-up requests for every operation until one breaks a promise: SECONDS=300, EXAMPLES=20 each, SEED= repeats a run
	@FUZZ_SECONDS=$(or $(SECONDS),300) FUZZ_EXAMPLES=$(or $(EXAMPLES),20) FUZZ_SEED=$(or $(SEED),$$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')) \
	  $(BIN)/python -m pytest tests/security/test_schemathesis.py

# SECONDS is bash's own: handed over as an argument, not by the environment.
chaos: $(SYNCED) ## Break everything at random under load, and check: FAULTS=100 (or 12), SECONDS=, SEED= repeats a run, ONLY='kill -9'
	@echo "== chaos"
	@PYTHONPATH=tests $(BIN)/python -m chaos $(if $(FAULTS),--faults $(FAULTS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only '$(ONLY)')

servers: $(SYNCED)
	@$(STACK) servers up --state $(TEST_STATE)

##@ Check it

check: $(SYNCED) ## Lint, format, types, architecture, lock file, OpenAPI and routes reference drift
	@failed=; run() { echo "== $$*"; "$$@" || failed="$$failed; $$*"; }; \
	run $(BIN)/ruff check; \
	run $(BIN)/ruff format --check; \
	run $(BIN)/basedpyright; \
	run $(BIN)/lint-imports; \
	run $(BIN)/uv lock --check; \
	for service in $(SERVICES); do run $(BIN)/python -m $$service.openapi --check; done; \
	for service in $(SERVICES); do run $(BIN)/python -m $$service.asyncapi --check; done; \
	run $(BIN)/python -m shared.contracts system --check; \
	run $(BIN)/python -m shared.contracts compatible; \
	run $(BIN)/gateway reference --check docs/routes.md; \
	run env PYTHONPATH=deploy/observability $(BIN)/python -m dashboards --check; \
	run env PYTHONPATH=clients/python $(BIN)/python -m client_generator --check; \
	run $(MAKE) --no-print-directory docs; \
	test -z "$$failed" || { echo "failed$$failed" >&2; exit 1; }

# A tool beside the lock: what it stands on never meets what the services stand on.
ZENSICAL := $(BIN)/uv tool run --quiet --from zensical==0.0.73 zensical

docs: $(SYNCED) ## The documents as a site in .state/site/html; a dead link, anchor or a page without a place fails
	@$(BIN)/python docs/site/stage.py .state/site
	@cd .state/site && $(CURDIR)/$(ZENSICAL) build --strict

dashboards: $(SYNCED) ## Write Grafana's dashboards from deploy/observability/dashboards
	@PYTHONPATH=deploy/observability $(BIN)/python -m dashboards

client: $(SYNCED) ## Write the Python client's models and calls from the services' openapi.json
	@PYTHONPATH=clients/python $(BIN)/python -m client_generator

audit: $(SYNCED) ## Known holes and licences of what is locked, secrets in tree and history, shell scripts
	@.ci/audit || test $$? -eq 77

format: $(SYNCED) ## Put the code in its standard form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

##@ Measure it

# SECONDS is bash's own: handed over as an argument, not by the environment.
BENCH := $(BIN)/python -m benchmarks.gateway $(if $(FRONT),--front $(FRONT)) $(if $(BACK),--back $(BACK))
BENCH_RUNS := --rounds $(or $(ROUNDS),3) --seconds $(or $(SECONDS),5)

bench: bench-gateway bench-limits bench-overload bench-messaging ## All benchmarks; each figure a ratio in one run, written to docs/benchmarks.md
	@$(BENCH) tables

bench-gateway: $(SYNCED) ## The gateway against its peers, one core each (ROUNDS=3, SECONDS=5, SOAK=600)
	@$(BENCH) compare $(BENCH_RUNS); failed=$$?; \
	$(BENCH) beside $(BENCH_RUNS) --soak $(or $(SOAK),0) && exit $$failed

bench-overload: $(SYNCED) ## What a service at five times its load still does, with the adaptive limit and without
	@$(BIN)/python -m benchmarks.overload && $(BENCH) tables

bench-limits: $(SYNCED) ## The limiter against the library `limits`: decisions a second, time in Redis (ROUNDS=3, SECONDS=2)
	@$(BIN)/uv run --quiet --no-sync --with limits==5.8.0 python -m benchmarks.limits --rounds $(or $(ROUNDS),3) --seconds $(or $(SECONDS),2) && $(BENCH) tables

bench-messaging: $(SYNCED) servers ## Relay, orders, import, reports beside bare clients (FIGURES="relay", ROUNDS=5, ROWS=10000)
	@$(BIN)/python -m benchmarks.messaging $(FIGURES) --rounds $(or $(ROUNDS),5) --rows $(or $(ROWS),10000)

bench-deploy: $(SYNCED) ## Each service and the gateway replaced ten times under load: requests, failed, p99 in and out of it (TIMES=10, SYSTEM=containers)
	@PYTHONPATH=tests/e2e $(BIN)/python -m benchmarks.deploys --times $(or $(TIMES),10)

profile-gateway: $(SYNCED) ## Where the gateway's time goes: make profile-gateway CANDIDATE=policy (MIXED=1, PERF=1)
	@$(BENCH) profile $(or $(CANDIDATE),policy) $(if $(MIXED),--mixed) $(if $(PERF),--perf) $(if $(SECONDS),--seconds $(SECONDS))

##@ Build on it

new-service: $(SYNCED) ## A service like the others: make new-service NAME=invoices (ITEM=invoice, PORT=8100)
	@PYTHONPATH=templates $(BIN)/python -m new_service new "$(NAME)" $(if $(ITEM),--item "$(ITEM)") $(if $(PORT),--port "$(PORT)")

remove-service: $(SYNCED) ## Take a service out, a made one without a trace: make remove-service NAME=invoices
	@PYTHONPATH=templates $(BIN)/python -m new_service remove "$(NAME)"

rename: $(SYNCED) ## Give the product a name of its own: make rename NAME=shop
	@PYTHONPATH=templates $(BIN)/python -m new_service rename "$(NAME)"

update-service: $(SYNCED) ## Bring a made service what its template has learned since: make update-service NAME=invoices
	@PYTHONPATH=templates $(BIN)/python -m new_service update "$(NAME)"

##@ Set up

setup: $(SYNCED) ## Make .venv with everything in it (done by the others when needed)

$(SYNCED): $(LOCKED)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or later is needed; set PYTHON=python3.x" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "  making $(VENV)"; $(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) can't make a venv (Debian: apt install python3-venv)" >&2; exit 1; }; }
	@test -x $(BIN)/uv || { echo "  installing uv $(UV_VERSION)"; $(BIN)/python -m ensurepip >/dev/null; $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@echo "  installing what pyproject.toml and uv.lock name"
	@$(BIN)/uv sync --frozen --all-packages --inexact
	@touch $@

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
