"""What maintainers and instructors run: set-up, build, ledger, slides."""
