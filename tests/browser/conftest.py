"""One Chromium for each module that opens pages itself."""

import pytest

from . import lab_in_chromium


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=lab_in_chromium.chromium(), args=lab_in_chromium.CHROMIUM_FLAGS
        )
        yield browser
        browser.close()
