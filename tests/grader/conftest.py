"""One option: where the table of the attacks is written."""


def pytest_addoption(parser):
    parser.addoption(
        "--attacks-table",
        metavar="FILE",
        default=None,
        help="also write what the attack suite tried and what happened to FILE (docs/attacks.md)",
    )
