# SPDX-License-Identifier: MIT
"""A real headless Chromium for tests of pages.

Whoever imports this where Chromium or Selenium is not installed ends with exit code 77, a skipped test.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

CHROMIUM, DRIVER = shutil.which("chromium") or "", shutil.which("chromedriver") or ""
try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
except ImportError:
    DRIVER = ""
if not CHROMIUM or not DRIVER:
    print("skipped: Chromium, its driver or Selenium is not installed")
    sys.exit(77)

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")


class Case(unittest.TestCase):
    """All tests of a class look at one page, which is loaded anew for each."""

    screenshots: Path | None = None
    driver: Any
    holder: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.holder = tempfile.TemporaryDirectory()
        page = cls.first_page()
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={Path(cls.holder.name) / 'profile'}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.driver = webdriver.Chrome(service=webdriver.chrome.service.Service(DRIVER), options=options)
        cls.driver.get(page.as_uri())

    @classmethod
    def first_page(cls) -> Path:
        raise NotImplementedError

    @classmethod
    def tearDownClass(cls) -> None:
        cls.driver.quit()
        cls.holder.cleanup()

    def setUp(self) -> None:
        self.driver.refresh()
        self.driver.set_window_size(1200, 900)

    def run_js(self, program: str) -> Any:
        return self.driver.execute_script(program)

    def get(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def shoot(self, name: str, width: int) -> None:
        if self.screenshots is not None:
            self.driver.set_window_size(width, self.run_js("return document.documentElement.scrollHeight") + 200)
            self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))

    def check_width(self, name: str, width: int = 400) -> None:
        """That nothing sticks out. A window cannot be so narrow: the device is."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        try:
            self.driver.refresh()
            self.assertEqual(width, self.run_js("return window.innerWidth"))
            self.assertLessEqual(self.run_js("return document.documentElement.scrollWidth"), width)
            self.shoot(name, width)
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def main(case: type[Case]) -> None:
    """The first argument, if there is one, is a folder for screenshots."""
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        case.screenshots = Path(sys.argv.pop(1))
    unittest.main()
