# Everything a newcomer needs: `make demo` and `make test`, each on a machine with Python 3.11+, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

ifdef UV
CREATE := $(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
else
CREATE := $(PYTHON) -m venv $(VENV)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.PHONY: demo serve test soak bench lint lock clean

demo: $(VENV)/.runtime ## edit the sample clips offline and show the results
	@$(BIN)/recut demo

serve: $(VENV)/.runtime ## server, worker, deployments and a watched inbox on this machine, until Ctrl-C
	@$(BIN)/python -m deployments.serve

test: $(VENV)/.dev lint ## everything: lint, types, architecture, tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile

soak: $(VENV)/.dev ## a thousand jobs under random faults and kills, for a quarter of an hour; GUARANTEES_ON=s3: on S3
	@SOAK_JOBS=$${SOAK_JOBS:-1000} SOAK_KILLS=$${SOAK_KILLS:-10} \
		$(BIN)/python -m pytest -s --timeout 7200 tests/guarantees/test_soak.py

lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo

# The requirements files are complete and hashed, so nothing is resolved here (--no-deps).
$(VENV)/.%: pyproject.toml
	@$(CREATE)
	@$(INSTALL) --no-deps --require-hashes -r $(if $(filter dev,$*),requirements-dev.txt,requirements.txt)
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.runtime: requirements.txt
$(VENV)/.dev: requirements-dev.txt

bench: $(VENV)/.dev ## slots, costs and storage beside plain tools, as a Markdown report, for three quarters of an hour
	@$(BIN)/python -m tests.benchmarks

lock: ## renew the pinned requirements (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-annotate --custom-compile-command "make lock" $(LOCK_FLAGS) \
		pyproject.toml --group build -o requirements.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-annotate --custom-compile-command "make lock" $(LOCK_FLAGS) \
		pyproject.toml --group dev -o requirements-dev.txt

clean:
	rm -rf $(VENV) results
