# Each verb is one line of `make help`. ARGS goes to the command: make lab ARGS="--tags monitoring -e lab_domain=example.org"
SHELL := /bin/sh
.DEFAULT_GOAL := help
ARGS ?=
SCENARIO ?= default
RUN := scripts/bootstrap
DEV := scripts/bootstrap --dev
TEST := $(DEV) python scripts/run_tests.py

.PHONY: help lab verify drill values passwords forward stop start down clean-lab diagnose test lint sanity unit integration molecule bench collection docs

help: ## show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

lab: ## build the lab, verify it and say where everything is
	@scripts/play site.yml $(ARGS)

verify: ## verify what runs and write build/evidence/
	@scripts/play playbooks/verify.yml $(ARGS)

diagnose: ## say why something is not observable; also after a build that failed half way
	@scripts/play playbooks/diagnose.yml $(ARGS)

drill: ## send an alert all the way to a receiver and remove it again
	@scripts/play playbooks/drill.yml $(ARGS)

values: ## write the values of both charts to build/values/, without a cluster
	@scripts/play playbooks/values.yml $(ARGS)

passwords: ## show the logins of Argo CD and Grafana
	@scripts/play playbooks/passwords.yml $(ARGS)

forward: ## port-forward Prometheus, Alertmanager, Grafana and Argo CD until Ctrl-C
	@$(RUN) python scripts/forward.py $(ARGS)

stop: ## let the cluster rest; everything in it stays
	@scripts/play playbooks/stop.yml $(ARGS)

start: ## start a cluster that rests
	@scripts/play playbooks/start.yml $(ARGS)

down: ## remove the lab; what was built stays cached
	@scripts/play teardown.yml $(ARGS)

clean-lab: ## remove the lab, the cache, the virtual environments and build/
	@scripts/clean $(ARGS)

test: ## run every test this machine can run
	@$(TEST) $(ARGS)

lint: ## ruff, mypy, yamllint, ansible-lint, antsibull
	@$(TEST) --only lint $(ARGS)

sanity: ## ansible-test sanity
	@$(TEST) --only sanity $(ARGS)

unit: ## unit tests, without a cluster or a network
	@$(TEST) --only unit $(ARGS)

integration: ## modules against real programs
	@$(TEST) --only integration $(ARGS)

molecule: ## one molecule scenario: make molecule SCENARIO=lab
	@$(TEST) --only molecule-$(SCENARIO) $(ARGS)

bench: ## measure against the floors; prints a table, writes build/benchmarks.json
	@$(DEV) python benchmarks/run.py $(ARGS)

collection: ## build the collection's archive in build/
	@$(RUN) ansible-galaxy collection build --force --output-path build $(ARGS)

docs: ## build the documentation site in build/site/
	@$(DEV) python scripts/build_docs.py $(ARGS)
