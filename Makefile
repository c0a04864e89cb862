# Every command that people or CI run. `make help` lists them.
# All of it happens inside the clone: the virtual environments are .venv and .venvs/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := credit-fast-demo

.PHONY: help
help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

# The tools of the project; made anew when pyproject.toml changes.
$(VENV)/.tools: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet "maturin>=1.9.4,<2" "ziglang>=0.13"
	touch $@

# What the tests and lints need on top; ObsPy, pymseed and mseedindex are references.
$(VENV)/.test-tools: $(VENV)/.tools
	$(BIN)/python -m pip install --quiet --group lint --group test-references
	touch $@

# A server that reads the index. It needs pymseed below 1, the references 1 or later: never in .venv.
DATASELECT := .venvs/dataselect
$(DATASELECT)/.installed: pyproject.toml
	$(PYTHON) -m venv $(DATASELECT)
	$(DATASELECT)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(DATASELECT)/bin/python -m pip install --quiet --group test-server
	touch $@

SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find rust python -path rust/fuzz -prune -o \( -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name Cargo.toml \) -print)

# The wheel is built and installed: demo and tests run what a user gets.
$(VENV)/.installed: $(VENV)/.tools $(SOURCES)
	rm -rf target/wheels-dev
	$(BIN)/maturin build --release --locked --out target/wheels-dev --interpreter $(BIN)/python --quiet
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps target/wheels-dev/*.whl
	$(BIN)/python -m pip install --quiet "$$(echo target/wheels-dev/*.whl)[plot]"
	touch $@

.PHONY: install
install: $(VENV)/.installed  ## build the wheel and install it in .venv

.PHONY: demo
demo: $(VENV)/.installed  ## make a small archive and run the whole chain on it
	$(BIN)/credit-fast demo -o $(DEMO) --overwrite

.PHONY: test
test: lint test-rust test-python test-stubs  ## all lints and tests (what CI runs)

.PHONY: test-rust
test-rust:  ## tests of the Rust crates; they need no Python
	cargo test --locked --quiet -p mseed-core -p mseed-archive --features mseed-core/oracle

# Files of the installed ObsPy are mutated too; a failure names seed and case.
SEED ?= $(shell date +%s)
.PHONY: mutations
mutations: $(VENV)/.test-tools  ## 200,000 random mutations of real records, SEED=… repeats a run
	CREDIT_FAST_OBSPY="$$($(BIN)/python -c 'import os, obspy; print(os.path.dirname(obspy.__file__))')" \
	CREDIT_FAST_SEED=$(SEED) CREDIT_FAST_MUTATIONS=200000 \
	cargo test --locked --quiet -p mseed-archive --test mutations -- --nocapture

# cargo-fuzz asks for flags that a stable compiler takes only when it is told to.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= decode walk round_trip
FUZZ := RUSTC_BOOTSTRAP=1 target/fuzz-tools/bin/cargo-fuzz fuzz
CREDIT_FAST_DATA ?= ../shared/data
FUZZ_REAL = $(wildcard $(CREDIT_FAST_DATA)/oddities $(CREDIT_FAST_DATA)/waveforms $(VENV)/lib/python*/site-packages/obspy)

target/fuzz-tools/bin/cargo-fuzz:
	cargo install cargo-fuzz --version 0.13.2 --locked --quiet --root target/fuzz-tools

.PHONY: fuzz
fuzz: target/fuzz-tools/bin/cargo-fuzz  ## each fuzz target for FUZZ_SECONDS=600, then its corpus minimised
	cargo run --locked --quiet --release --manifest-path rust/fuzz/Cargo.toml -p mseed-fuzz-seeds -- rust/fuzz/corpus $(FUZZ_REAL)
	for target in $(FUZZ_TARGETS); do \
		$(FUZZ) run --fuzz-dir rust/fuzz $$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -timeout=10 -print_final_stats=1 && \
		$(FUZZ) cmin --fuzz-dir rust/fuzz $$target -- -max_len=8192 || exit 1; \
	done

.PHONY: test-python
test-python: $(VENV)/.installed $(VENV)/.test-tools $(DATASELECT)/.installed  ## tests of the installed wheel
	$(BIN)/python docs/generate_cli.py --check
	$(BIN)/python docs/make_oddities.py --check
	$(BIN)/pytest -q

# The export in the hands of SeisBench itself; the tests of `make test` have a reader of their own.
SEISBENCH := .venvs/seisbench
$(SEISBENCH)/.installed: pyproject.toml
	$(PYTHON) -m venv $(SEISBENCH)
	$(SEISBENCH)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(SEISBENCH)/bin/python -m pip install --quiet --group test-seisbench
	touch $@

.PHONY: test-seisbench
test-seisbench: $(VENV)/.installed $(SEISBENCH)/.installed  ## the export opened by SeisBench (its PyTorch takes 5 GB)
	$(SEISBENCH)/bin/python -m pip install --quiet --force-reinstall --no-deps target/wheels-dev/*.whl
	$(SEISBENCH)/bin/python -m pip install --quiet target/wheels-dev/*.whl
	$(SEISBENCH)/bin/python -m pytest -q tests/reference/test_seisbench_dataset.py

.PHONY: test-stubs
test-stubs: $(VENV)/.installed $(VENV)/.test-tools  ## _core.pyi against the built module
	cd tests && ../$(BIN)/python -m mypy.stubtest credit_fast._core --mypy-config-file ../pyproject.toml

.PHONY: docs
docs: $(VENV)/.installed  ## write docs/cli.md from the commands
	$(BIN)/python docs/generate_cli.py

.PHONY: oddities
oddities: $(VENV)/.installed $(VENV)/.test-tools  ## write docs/oddities.md: each odd file in three libraries
	$(BIN)/python docs/make_oddities.py

.PHONY: lint
lint: $(VENV)/.installed $(VENV)/.test-tools  ## rustfmt, clippy, ruff, mypy; warnings are errors
	cargo fmt --all --check
	cargo fmt --check --manifest-path benches/core/Cargo.toml
	cargo fmt --manifest-path rust/fuzz/Cargo.toml --all --check
	cargo clippy --locked --quiet --workspace --all-targets -- -D warnings
	$(BIN)/ruff format --check python tests benches docs
	$(BIN)/ruff check python tests benches docs
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/.test-tools  ## format all code
	cargo fmt --all
	cargo fmt --manifest-path rust/fuzz/Cargo.toml --all
	$(BIN)/ruff format python tests benches docs
	$(BIN)/ruff check --fix --quiet python tests benches docs

.PHONY: wheel
wheel: $(VENV)/.tools  ## build dist/*.whl for old Linux systems and try it in every Python found
	rm -rf dist
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/maturin build --release --locked --zig --compatibility manylinux_2_28 --out dist
	$(BIN)/python tests/smoke/try_wheel.py dist/*.whl

.PHONY: bench
bench: bench-core bench-python  ## both comparisons, half an hour

# Squirrel has a Python of its own: pyrocko may want another numpy than ours.
SQUIRREL := .venvs/squirrel
$(SQUIRREL)/.tools: pyproject.toml
	$(PYTHON) -m venv $(SQUIRREL)
	$(SQUIRREL)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(SQUIRREL)/bin/python -m pip install --quiet --group bench-squirrel
	touch $@

.PHONY: bench-python
bench-python: $(VENV)/.installed $(VENV)/.test-tools $(SQUIRREL)/.tools  ## compare with ObsPy, write benches/runs/
	$(BIN)/python benches/compare.py

# The C files of libmseed, from the source package of pymseed.
LIBMSEED := $(CURDIR)/target/libmseed
$(LIBMSEED)/libmseed.h: $(VENV)/.test-tools
	mkdir -p target/pymseed $(LIBMSEED)
	$(BIN)/python -m pip download --quiet --no-binary pymseed --no-deps --dest target/pymseed pymseed
	tar -xzf $$(ls -t target/pymseed/*.tar.gz | head -n 1) -C target/pymseed
	cp $$(ls -td target/pymseed/*/ | head -n 1)cffi_module/libmseed/*.[ch] $(LIBMSEED)
	touch $@

.PHONY: bench-core
bench-core: $(LIBMSEED)/libmseed.h  ## the core against libmseed and rival crates, write benches/runs/
	rm -rf benches/core/target/criterion
	LIBMSEED_DIR=$(LIBMSEED) cargo bench --locked --manifest-path benches/core/Cargo.toml -- --noplot --warm-up-time 1 --measurement-time 2
	$(BIN)/python benches/summarise_core.py benches/core/target/criterion $(LIBMSEED)

.PHONY: clean
clean:  ## remove what the other commands made
	rm -rf $(VENV) .venvs target benches/core/target rust/fuzz/target dist $(DEMO)
