"""A test that measures may leave a sentence, ``record_property("summary", ...)``: it closes the run."""


def pytest_terminal_summary(terminalreporter):
    # From the reports, because under pytest-xdist the test ran in another process.
    lines = [
        f"{report.nodeid.split('::')[-1]}: {value}"
        for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed"))
        for name, value in report.user_properties
        if name == "summary" and report.when == "call"
    ]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.line(line)
