# Everything here runs on the local Azure (sandbox/); for a real subscription see docs/azure.md.
.DEFAULT_GOAL := help
.PHONY: help setup up preview recover down destroy status test heavy acceptance clients faults fuzz unit check fix bench bench-fleet lock audit sbom template recording clean
.SILENT:

PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/.ready
export PULUMI_STACK ?= dev

# The same as a user's `eval "$(python -m sandbox env)"`, but nothing goes on where the local Azure isn't running.
LOCAL = set -e; env="$$($(PY) -m sandbox env)"; eval "$$env"; $(PY) -m tools.unlock

help: ## show this
	grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): requirements-dev.txt
	echo "making .venv (about a minute the first time)" >&2
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

setup: $(READY) ## look at your domain and write its stack's file: DOMAIN=example.org (docs/setup.md)
	$(PY) -m tools.setup $(DOMAIN) $(ARGS)

up: $(READY) ## bring the stack up on the local Azure
	$(PY) -m tools.get_engine >/dev/null
	$(PY) -m sandbox up
	$(PY) -m sandbox zone example.org --mx mail.example.org
	$(LOCAL); pulumi stack select --create $$PULUMI_STACK; pulumi up --yes --suppress-outputs; \
	    $(PY) -m tools.summary; $(PY) -m checks domain --stack || [ $$? -lt 64 ]; \
	    $(PY) -m sandbox mail tls-reports@example.org --samples example.org; \
	    echo 'On this local Azure, first: eval "$$($(PY) -m sandbox env)"'

preview: $(READY) ## show what an up would change
	$(LOCAL); pulumi preview --diff

destroy: $(READY) ## take everything down that up made
	$(LOCAL); pulumi destroy --yes

recover: $(READY) ## after a lost state or a killed up: take over what exists already, and go on
	$(LOCAL); pulumi stack select --create $$PULUMI_STACK; $(PY) -m tools.recover --yes

down: $(READY) ## stop the local Azure; its state stays for the next up
	$(PY) -m sandbox down

status: $(READY) ## what the local Azure is doing
	$(PY) -m sandbox status

test: $(READY) ## all tests but the heavy ones: twenty minutes
	$(PY) -m tools.get_engine >/dev/null
	$(PY) -m pytest -n 5 --dist worksteal -m "not heavy" tests

heavy: $(READY) ## the same on further name servers, with further mistakes, interrupted in further ways: ten minutes
	$(PY) -m tools.get_engine >/dev/null
	$(PY) -m pytest -n 5 --dist worksteal -m heavy tests

clients: $(READY) ## Microsoft's own command lines, az and swa, on the local Azure; installed once, in ~/.cache/mta-sts
	$(PY) -m tools.get_engine >/dev/null
	$(PY) -m pytest tests/clients/official_clients.py

faults: $(READY) ## break 504 ups in every way and see what senders see: half an hour
	$(PY) -m tools.get_engine >/dev/null
	PYTHONPATH=.:tests $(PY) -m faults

acceptance: $(READY) ## one whole life on your real subscription: ZONE=example.org GROUP=dns (docs/azure.md)
	PATH="$$($(PY) -m tools.get_engine):$$PATH" PYTHONPATH=.:tests $(PY) -m acceptance --zone "$(ZONE)" --resource-group "$(GROUP)" $(ARGS)

fuzz: $(READY) ## a minute of hostile input to every reader; more with SECONDS=600
	PYTHONPATH=.:tests $(PY) -m fuzz --seconds $(or $(SECONDS),60)

unit: $(READY) ## the unit tests: under a minute
	$(PY) -m pytest -n 4 tests/unit

check: $(READY) ## lint, format, types
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m pyright

fix: $(READY) ## format and fix what can be fixed
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

bench: $(READY) ## how fast it is, as ratios
	$(PY) -m benchmarks

bench-fleet: $(READY) ## a fleet of 10, 100 and 1,000 domains, by jobs: half an hour (docs/scale.md); ARGS="--sizes 100 --write"
	$(PY) -m tools.get_engine >/dev/null
	$(PY) -m benchmarks fleet $(ARGS)

lock: $(READY) ## lock the requirements anew, with hashes
	for file in requirements requirements-dev; do $(PY) -m uv pip compile -q --universal --python-version 3.11 \
	    --generate-hashes --no-emit-find-links --no-header $$file.in -o $$file.txt; done

audit: $(READY) ## look the locked requirements up among known vulnerabilities
	$(PY) -m uv tool run pip-audit==2.10.1 --require-hashes -r requirements.txt

sbom: $(READY) ## what packages are in it, as CycloneDX: sbom.json
	$(PY) -m uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements.txt --of JSON -o sbom.json
	echo "sbom.json has $$(grep -c '"purl"' sbom.json) packages"

template: $(READY) ## what a user's own repository needs, for `pulumi new`: in build/template; TO=FOLDER brings an older one up to date
	$(if $(TO),,rm -rf build/template)
	$(PY) -m tools.template $(or $(TO),build/template)

recording: $(READY) ## README's recording, anew, from a real run on a local Azure of its own
	$(PY) -m tools.recording

clean: ## remove what was generated here: .venv and the local Azure's state
	if [ -x $(PY) ]; then $(PY) -m sandbox down; fi
	rm -rf .venv .sandbox build .pytest_cache .ruff_cache .hypothesis
