# One word does it: `make demo`, `make test`. Each makes what it needs first, and a second run starts at once.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help
.PHONY: help install install-label-studio chromium demo test test-fast check clean

PYTHON ?= python3
ARGS ?=
LABEL_STUDIO ?= label-studio==1.23.2
BIN := .venv/bin
OURS := .venv/.installed
STUDIO := .venv-label-studio/.installed
PATHS := backend model_registry tests
PIP := -m pip --disable-pip-version-check install --progress-bar off
# Of pip's hundred lines: the downloads that take time, and the end. Everything is in pip.log of the environment.
QUIETER := awk '/(Downloading|Using cached) .*\((.* GB|[0-9]{2,}\.?[0-9]* MB)\)/ {sub(/-[^-]*-[^-]*-[^-]*\.whl/, ""); print; fflush()} \
	/^Installing collected/ {print "  Unpacking and installing; this takes a while"; fflush()} /^Successfully installed/ {print "  Done: " NF - 2 " packages"} /^ERROR/ {print}'

help: ## What there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(OURS) ## The backend and the command `micro-models`, in .venv

install-label-studio: $(STUDIO) ## Label Studio, in an environment of its own: .venv-label-studio

$(OURS): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python " + sys.version.split()[0] + " is too old: 3.11 or newer is needed. Name one, e.g. make install PYTHON=python3.12")'
	@echo "Installing the backend into .venv: torch is most of it, on Linux several GB with CUDA."
	@echo "  (No GPU? PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make install needs a tenth of that.)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python $(PIP) -e '.[demo,test]' 2>.venv/pip-errors.log | tee .venv/pip.log | $(QUIETER) || { cat .venv/pip-errors.log; exit 1; }
	@touch $@
	@echo "Installed: $(BIN)/micro-models"

$(STUDIO):
	@echo "Installing $(LABEL_STUDIO) into .venv-label-studio: about 600 MB, a minute or two."
	@test -x .venv-label-studio/bin/python || $(PYTHON) -m venv .venv-label-studio
	@.venv-label-studio/bin/python $(PIP) '$(LABEL_STUDIO)' 2>.venv-label-studio/pip-errors.log | tee .venv-label-studio/pip.log | $(QUIETER) || { cat .venv-label-studio/pip-errors.log; exit 1; }
	@touch $@

chromium: # For the browser tests; without it they are skipped, and say so.
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium and its driver for the browser tests."; \
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium chromium-driver; } >/tmp/micro-models-apt.log 2>&1 || { tail -5 /tmp/micro-models-apt.log; exit 1; }; \
	else echo "No chromium and chromedriver on the PATH: the browser tests will be skipped. Debian, Ubuntu: sudo apt-get install chromium chromium-driver"; fi

demo: $(OURS) $(STUDIO) ## The whole loop before your eyes; ARGS=--no-wait, ARGS='--data FOLDER'
	@$(BIN)/micro-models demo $(ARGS)

check: $(OURS) ## Format, lint, types
	@echo "Checking format, lint and types."
	@$(BIN)/ruff format --check --quiet $(PATHS)
	@$(BIN)/ruff check --quiet $(PATHS)
	@$(BIN)/mypy

test: check $(STUDIO) chromium ## Everything: checks, all tests, with a real Label Studio and a real browser (some minutes)
	@$(BIN)/pytest $(ARGS)

test-fast: $(OURS) ## The tests that need no server and no training
	@$(BIN)/pytest -m "not slow and not label_studio and not browser" $(ARGS)

clean: ## Remove what demo and tests wrote; the environments stay
	@rm -rf demo-data tests/end_to_end/screenshots .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	@find $(PATHS) -name __pycache__ -type d -prune -exec rm -rf {} +
