PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: help lab test quick lint present release grade build check ledger slides site lock

help:
	@echo "make lab     set up .venv where needed and open the course in JupyterLab"
	@echo "make test    set up .venv where needed and run every test"
	@echo "make quick   the tests that need no notebook, no browser and no jail"
	@echo "make lint    style, spelling and types"
	@echo
	@echo "For teachers:"
	@echo "make present open a chapter for a projector: make present CHAPTER=03"
	@echo "make release make the files that a class is given: make release ARGS=--help"
	@echo "make grade   grade what comes back: make grade ARGS=--help"
	@echo
	@echo "For maintainers:"
	@echo "make build   make the notebooks, the ledger and CLAIMS.md from solutions/*.md"
	@echo "make check   name what is not up to date with its source; changes nothing"
	@echo "make ledger  run every chapter with other random numbers and compare verdicts: make ledger SEED=7 (minutes)"
	@echo "make slides  make the reveal.js decks in slides/"
	@echo "make site    make the reading site in site/"
	@echo "make lock    resolve requirements.lock and requirements-test.lock anew"
	@echo
	@echo "Arguments are passed on: make lab ARGS=\"--no-browser --port 8899\", make test ARGS=\"-k taylor\""
	@echo "Another Python: make lab PYTHON=python3.12"

lab test quick lint present release grade build check ledger slides site lock:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here." \
	"Install Python 3.11 or newer, or name yours: make $@ PYTHON=python3.12"; exit 1; }
	@$(PYTHON) course_staff/bootstrap.py $@ $(if $(and $(filter present,$@),$(CHAPTER)),$(CHAPTER) )$(if $(and $(filter ledger,$@),$(SEED)),$(SEED) )$(ARGS)
