# One word does it: `make demo`, `make test`. Each makes what it needs first, and a second run starts at once.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help
# What needs each other comes in order; the two environments and the system's tools are installed side by side.
MAKEFLAGS += --jobs=3
.PHONY: help install install-label-studio system-tools demo test test-fast promises image-test compose-test release lock check clean

PYTHON ?= python3
ARGS ?=
HEAD ?= detection
LABEL_STUDIO ?= label-studio==1.23.2
TOOLS := chromium chromium-driver buildah debootstrap
BIN := .venv/bin
OURS := .venv/.installed
STUDIO := .venv-label-studio/.installed
PATHS := backend model_registry tests
# With uv where there is one, which takes a fraction of pip's time: $(call into,ENVIRONMENT) PACKAGES
UV := $(shell command -v uv)
into = $(if $(UV),$(UV) pip install --python $(1)/bin/python,$(1)/bin/python -m pip --disable-pip-version-check install --progress-bar off)
# On Linux without an NVIDIA GPU: torch for CPUs, a tenth of the download, where its index can be reached.
CPU_INDEX := https://download.pytorch.org/whl/cpu
WANTS_CPU := test "$$(uname -s)" = Linux && ! type nvidia-smi >/dev/null 2>&1 && \
	$(PYTHON) -c 'import urllib.request as r; r.urlopen("$(CPU_INDEX)/torch/", timeout=5)' >/dev/null 2>&1
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header
# Of their hundred lines: the downloads that take time, and the end. Everything is in install.log of the environment.
QUIETER := awk '/(Downloading|Using cached) .*\((.* GB|[0-9]{2,}\.?[0-9]* MB)\)/ {sub(/-[^-]*-[^-]*-[^-]*\.whl/, ""); print; fflush()} \
	/^Installing collected/ {print "  Unpacking and installing; this takes a while"; fflush()} /^Successfully installed/ {print "  Done: " NF - 2 " packages"} \
	/^Downloading .*iB\)$$|^(Resolved|Prepared|Installed) [0-9]+ packages? in/ {print "  " $$0; fflush()}'
LOGGED = 2>&1 | tee $(1)/install.log | $(QUIETER) || { tail -20 $(1)/install.log; exit 1; }

help: ## What there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(OURS) ## The backend and the command `micro-models`, in .venv

install-label-studio: $(STUDIO) ## Label Studio, in an environment of its own: .venv-label-studio

$(OURS): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python " + sys.version.split()[0] + " is too old: 3.11 or newer is needed. Name one, e.g. make install PYTHON=python3.12")'
	@echo "Installing the backend into .venv: torch is most of it, on Linux with a GPU several GB with CUDA."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@if ! $(BIN)/python -c 'import torch' >/dev/null 2>&1 && $(WANTS_CPU); then echo "  No NVIDIA GPU: torch for CPUs."; \
		$(call into,.venv) --quiet --index-url $(CPU_INDEX) torch torchvision || echo "  Not to be had from there; as usual."; fi
	@$(call into,.venv) -e '.[demo,test]' $(call LOGGED,.venv)
	@touch $@
	@echo "Installed: $(BIN)/micro-models"

$(STUDIO):
	@echo "Installing $(LABEL_STUDIO) into .venv-label-studio: about 1 GB, some minutes."
	@test -x .venv-label-studio/bin/python || $(PYTHON) -m venv .venv-label-studio
	@$(call into,.venv-label-studio) '$(LABEL_STUDIO)' $(call LOGGED,.venv-label-studio)
	@echo "  Making an empty database, so that Label Studio starts quickly."
	@rm -rf .venv-label-studio/blank
	@env -i HOME="$$HOME" LABEL_STUDIO_BASE_DATA_DIR=$(CURDIR)/.venv-label-studio/blank LABEL_STUDIO_LATEST_VERSION_CHECK=false \
		.venv-label-studio/bin/label-studio version >.venv-label-studio/database.log 2>&1 || { tail -5 .venv-label-studio/database.log; exit 1; }
	@touch $@

system-tools: # For the browser and image tests; what is not there is skipped, and says so.
	@if type chromium chromedriver buildah debootstrap >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && type apt-get >/dev/null 2>&1; then \
		echo "Installing $(TOOLS) for the browser and image tests."; \
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(TOOLS); } >/tmp/micro-models-apt.log 2>&1 || { tail -5 /tmp/micro-models-apt.log; exit 1; }; \
	else echo "Browser or image tests will be skipped. Debian, Ubuntu: sudo apt-get install $(TOOLS)"; fi

demo: $(OURS) $(STUDIO) ## The whole loop before your eyes; HEAD=segmentation, pose, classification, video; ARGS=--no-wait
	@$(BIN)/micro-models demo --head $(HEAD) $(ARGS)

check: $(OURS) ## Format, lint, types
	@echo "Checking format, lint and types."
	@$(BIN)/ruff format --check --quiet $(PATHS)
	@$(BIN)/ruff check --quiet $(PATHS)
	@$(BIN)/mypy

# Two tests run side by side, each on one core: threads of OpenMP that wait for each other take ten times as long.
test: check $(STUDIO) system-tools ## Everything: checks, all tests, with a real Label Studio, a real browser, the image (a quarter of an hour)
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not compose" $(ARGS)

# What needs neither torch nor a server, nor a second for a single test: torch alone takes each process 5 s to import.
FAST := $(addprefix tests/,studio datasets explain model_registry test_layers.py test_readme.py test_settings.py test_types.py \
	test_instances.py test_refusals.py test_cancel.py test_variables.py test_sqlite_files.py) \
	$(filter-out %/test_reviewing.py,$(wildcard tests/loop/review/test_*.py))
test-fast: $(OURS) ## The quick core, within a minute: Label Studio's formats, data sets, registry on SQLite, layers, READMEs
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --hypothesis-profile=fast -q $(FAST) \
		-m "not slow and not label_studio and not browser and not compose and not image" -k "not postgres" $(ARGS)

promises: $(OURS) ## Ten times as many runs of what the design promises and of odd requests, new ones each time (an hour)
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --hypothesis-profile=search tests/loop/test_promises.py tests/web/test_fuzz.py $(ARGS)

image-test: $(OURS) $(STUDIO) system-tools ## The container image alone: built and run for real, without a Docker engine (some minutes)
	@$(BIN)/pytest -m image tests/docker $(ARGS)

compose-test: $(OURS) ## Both compose files on a Docker engine of its own, before each release (half an hour the first time; as root)
	@type dockerd docker-compose debootstrap >/dev/null 2>&1 || { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker.io docker-compose iptables debootstrap; } >/tmp/micro-models-apt.log 2>&1 || { tail -5 /tmp/micro-models-apt.log; exit 1; }
	@$(BIN)/pytest -s -m compose tests/docker $(ARGS)

# CUDA's parts come with torch and stay with it, so that the image for CPUs has none of them.
lock: $(OURS) ## The image's dependencies anew, to their newest versions, with hashes
	@$(call into,.venv) --quiet uv
	@$(LOCK) docker/torch.in -o docker/torch.lock
	@$(LOCK) pyproject.toml --extra scale -c docker/torch.in -o docker/requirements.lock \
		$$(sed -nE 's/^((torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==).*/--no-emit-package \1/p' docker/torch.lock | tr -d =)

# What a release is made of, in dist/: its parts are those of the image. Vulnerabilities are looked up where their database can
# be reached; a part that is not in it counts as not looked up.
RELEASE_TOOLS := build cyclonedx-bom pip-audit pip-licenses
release: check ## Wheel, source, licences of all parts, SBOM, known vulnerabilities, in dist; after compose-test and test
	@rm -rf dist build/lib build/bdist.* build/release
	@$(PYTHON) -m venv build/release
	@$(call into,build/release) --quiet $(RELEASE_TOOLS)
	@build/release/bin/python -m build --outdir dist . >build/release/build.log 2>&1 || { tail -5 build/release/build.log; exit 1; }
	@cat docker/torch.lock docker/requirements.lock >build/release/all.lock
	@build/release/bin/pip-licenses --python $(BIN)/python --format markdown --output-file dist/LICENSES.md \
		--packages $$(sed -nE 's/^([a-zA-Z0-9._-]+)==.*/\1/p' build/release/all.lock) >/dev/null
	@build/release/bin/cyclonedx-py requirements --pyproject pyproject.toml build/release/all.lock --output-file dist/sbom.json
	@cp docker/requirements.lock docker/torch.lock backend/CHANGES.md dist/
	@build/release/bin/pip-audit --progress-spinner off --strict --no-deps --disable-pip --requirement build/release/all.lock >dist/vulnerabilities.txt 2>&1 \
		&& echo "  No known vulnerability." || { echo "  Vulnerabilities, or their database is not reached:"; tail -5 dist/vulnerabilities.txt; }
	@ls -1sh dist

clean: ## Remove what demo and tests wrote; the environments stay
	@rm -rf demo-data tests/end_to_end/screenshots .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	@find $(PATHS) -name __pycache__ -type d -prune -exec rm -rf {} +
