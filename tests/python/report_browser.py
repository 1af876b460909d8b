#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The report in a real headless Chromium: report_browser.py [FOLDER OF SCREENSHOTS]

Exit code 77, a skipped test, where Chromium or Selenium is not installed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from report import command  # noqa: E402
from results import reading  # noqa: E402
from results.cells import cells  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium") or "", shutil.which("chromedriver") or ""
try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select
except ImportError:
    DRIVER = ""
if not CHROMIUM or not DRIVER:
    print("skipped: Chromium, its driver or Selenium is not installed")
    sys.exit(77)

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")


class Browser(unittest.TestCase):
    screenshots: Path | None = None
    driver: Any
    holder: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.holder = tempfile.TemporaryDirectory()
        folder = Path(cls.holder.name)
        rows = [row for cs_ns in (0, 200) for row in support.matrix(support.LOCKS, (1, 2, 4, 16), 7, True, cs_ns=cs_ns)]
        page = cls.page_of(rows)
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.driver = webdriver.Chrome(service=webdriver.chrome.service.Service(DRIVER), options=options)
        cls.driver.get(page.as_uri())

    @classmethod
    def page_of(cls, rows: list[support.Row]) -> Path:
        folder = Path(tempfile.mkdtemp(dir=cls.holder.name))
        run = reading.load(support.write(folder, support.numbered(rows), support.HOST))
        command.write(command.page([run], [cells(run)]), folder / "report.html")
        return folder / "report.html"

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

    def chart(self, what: str, name: str = "over-threads") -> Any:
        return self.run_js(f"const chart = charts['{name}']; return {what};")

    def labels(self) -> list[str]:
        return self.chart("chart.data.datasets.map((d) => d.label)")

    def column(self, index: int) -> list[str]:
        return self.run_js("return [...document.querySelectorAll('#cells tbody tr')]"
                           f".map((r) => r.cells[{index}].textContent)")

    def shoot(self, name: str, width: int) -> None:
        if self.screenshots is not None:
            self.driver.set_window_size(width, self.run_js("return document.documentElement.scrollHeight") + 200)
            self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))

    def test_nothing_is_said_on_the_console(self) -> None:
        self.assertEqual([], self.driver.get_log("browser"))
        self.shoot("wide-light", 1200)

    def test_hovering_shows_the_value(self) -> None:
        at = self.chart("(() => { const p = chart.getDatasetMeta(0).data[1]; return [p.x, p.y]; })()")
        canvas = self.get("#over-threads")
        self.run_js("document.getElementById('over-threads').scrollIntoView({block: 'center'})")
        webdriver.ActionChains(self.driver).move_to_element_with_offset(
            canvas, at[0] - canvas.size["width"] / 2, at[1] - canvas.size["height"] / 2).perform()
        body = self.chart("[chart.tooltip.opacity, chart.tooltip.body.map((b) => b.lines.join()).join()]")
        self.assertGreater(body[0], 0)
        self.assertRegex(body[1], r"\w+, 2 threads: [\d.]+ [GMk]? ?\([\d.]+ .* to .*, 7 trials\)")

    def test_locks_and_families_go_on_and_off(self) -> None:
        self.assertIn("mcs", self.labels())
        self.get("input[value=mcs]").click()
        self.assertNotIn("mcs", self.labels())
        self.assertNotIn("empty", self.labels())
        [baselines] = [b for b in self.driver.find_elements(By.CSS_SELECTOR, "#locks button") if b.text == "baselines"]
        baselines.click()
        self.assertLess({"empty", "counter"}, set(self.labels()))
        baselines.click()
        self.assertNotIn("empty", self.labels())

    def test_baselines_are_shown_where_there_is_nothing_else(self) -> None:
        self.addCleanup(self.driver.get, self.driver.current_url)
        self.driver.get(self.page_of(support.matrix(["empty", "counter"], (1, 2), 7)).as_uri())
        self.assertEqual(["counter", "empty"], self.labels())

    def test_scale_metric_workload_and_threads(self) -> None:
        self.assertEqual("logarithmic", self.chart("chart.options.scales.y.type"))
        self.get("#logarithmic").click()
        self.assertEqual("linear", self.chart("chart.options.scales.y.type"))
        before = self.chart("chart.data.datasets[0].data[0].y")
        Select(self.get("#metric")).select_by_value("wait_max_ns")
        self.assertNotEqual(before, self.chart("chart.data.datasets[0].data[0].y"))
        self.assertIn("Longest wait", self.get("#over-threads-caption").text)
        Select(self.get("#workload")).select_by_index(1)
        self.assertIn("200ns", self.get("#over-threads-caption").text)
        Select(self.get("#threads")).select_by_value("16")
        self.assertEqual(16, self.chart("chart.data.datasets[0].data[0].cell.threads", "who-pays"))

    def test_arrow_keys_speak_the_values(self) -> None:
        self.get("#over-threads").send_keys(Keys.ARROW_RIGHT)
        first = self.get("#spoken").get_attribute("textContent")
        self.assertRegex(first, r"\w+, 1 threads: ")
        self.get("#over-threads").send_keys(Keys.ARROW_RIGHT)
        self.assertRegex(self.get("#spoken").get_attribute("textContent"), r"\w+, 2 threads: ")
        self.get("#over-threads").send_keys(Keys.ARROW_DOWN)
        self.assertNotIn(first.split(",")[0], self.get("#spoken").get_attribute("textContent"))

    def test_the_table_sorts_and_filters(self) -> None:
        n_cells = len(support.LOCKS) * 4 * 2
        self.assertEqual(n_cells, len(self.column(0)))
        threads = self.get("th[data-key=threads] button")
        threads.click()
        self.assertEqual(sorted(map(int, self.column(1)), reverse=True), list(map(int, self.column(1))))
        threads.click()
        self.assertEqual(sorted(map(int, self.column(1))), list(map(int, self.column(1))))
        self.assertEqual("ascending", self.get("th[data-key=threads]").get_attribute("aria-sort"))
        self.get("th[data-key=lock] button").click()
        self.assertEqual(sorted(self.column(0)), self.column(0))
        self.get("#filter").send_keys("ticket")
        self.assertEqual({"ticket"}, set(self.column(0)))
        self.assertIn(f"8 of {n_cells} cells", self.get("#table-status").text)

    def test_nothing_sticks_out_at_400_pixels(self) -> None:
        # A window cannot be so narrow: the device is.
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        try:
            self.driver.refresh()
            self.assertEqual(400, self.run_js("return window.innerWidth"))
            self.assertLessEqual(self.run_js("return document.documentElement.scrollWidth"), 400)
            self.shoot("narrow", 400)
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def test_light_and_dark(self) -> None:
        light = self.run_js("return getComputedStyle(document.body).backgroundColor")
        self.get("#theme").click()
        dark = self.run_js("return getComputedStyle(document.body).backgroundColor")
        self.assertNotEqual(light, dark)
        self.assertEqual("true", self.get("#theme").get_attribute("aria-pressed"))
        self.shoot("wide-dark", 1200)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        Browser.screenshots = Path(sys.argv.pop(1))
    unittest.main()
