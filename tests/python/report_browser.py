#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The report in a real headless Chromium: report_browser.py [FOLDER OF SCREENSHOTS]

Exit code 77, a skipped test, where Chromium or Selenium is not installed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import browser  # noqa: E402
import support  # noqa: E402
from common import pages, palette, units  # noqa: E402
from compare.ranking import Ranking  # noqa: E402
from report import command  # noqa: E402
from results import reading  # noqa: E402
from results.cells import cells  # noqa: E402
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402


class Browser(browser.Case):
    @classmethod
    def first_page(cls) -> Path:
        return cls.page_of([row for cs_ns in (0, 200)
                            for row in support.matrix(support.LOCKS, (1, 2, 4, 16), 7, True, cs_ns=cs_ns)])

    @classmethod
    def page_of(cls, rows: list[support.Row]) -> Path:
        folder = Path(tempfile.mkdtemp(dir=cls.holder.name))
        run = reading.load(support.write(folder, support.numbered(rows), support.HOST))
        pages.write(command.page([run], [cells(run)], [Ranking.of(run)]), folder / "report.html")
        return folder / "report.html"

    def chart(self, what: str, name: str = "over-threads") -> Any:
        return self.run_js(f"const chart = charts['{name}']; return {what};")

    def labels(self) -> list[str]:
        return self.chart("chart.data.datasets.map((d) => d.label)")

    def names(self) -> list[tuple[str, int]]:
        """Lock and threads of each row of the table."""
        texts = self.run_js("return [...document.querySelectorAll('#cells tbody b')].map((b) => b.textContent)")
        return [(text.split(", ")[0], int(text.split(", ")[1].split()[0])) for text in texts]

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

    def test_a_rate_is_written_as_in_the_terminal(self) -> None:
        rates = [0.0, 0.5, 8.25, 42, 312, 999.4, 999.5, 1125, 66700, 99940, 99960, 250e3, 1.125e6, 7.715e6, 130.7e6,
                 999.49e6, 999.5e6, 1.245e9, *(10 ** (i / 7) for i in range(70))]
        told = self.driver.execute_script("return arguments[0].map((rate) => text(rate, 'count'))", rates)
        self.assertEqual([units.spaced(units.count(rate)) for rate in rates], told)

    def test_an_interval_that_says_nothing_is_a_question_mark(self) -> None:
        rows = support.matrix(("futex", "ticket"), (1, 2), 7)
        for row in rows:
            if row["lock"] == "ticket":
                row["ops_per_s"] *= 10 ** ((row["repetition"] - 4) / 6)
        self.addCleanup(self.driver.get, self.driver.current_url)
        self.driver.get(self.page_of(rows).as_uri())
        texts = self.run_js("return [...document.querySelectorAll('#cells tbody tr')].map((tr) => "
                            "[tr.textContent.split(',')[0], "
                            "[...tr.cells].filter((td) => td.textContent === '?').length])")
        self.assertEqual({("ticket", 2), ("futex", 0)}, set(map(tuple, texts)))
        spoken = self.run_js("return charts['over-threads'].data.datasets.map((d) => "
                             "charts['over-threads'].say({dataset: d, raw: d.data[0]}))")
        for text in spoken:
            self.assertEqual(text.startswith("ticket"), "(interval: ?, 7 trials)" in text, text)

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

    def test_none_all_and_winners(self) -> None:
        press = {b.text: b for b in self.driver.find_elements(By.CSS_SELECTOR, "#locks .shortcuts button")}
        press["all"].click()
        self.assertEqual(set(support.LOCKS), set(self.labels()))
        press["winners"].click()
        self.assertEqual({"futex"}, set(self.labels()))
        press["none"].click()
        self.assertEqual([], self.labels())

    def test_winners_are_locks_and_then_those_for_copies(self) -> None:
        rng = np.random.default_rng(3)
        traits = ("rw", "no", "spin", "ours", 10.0, 1.0)
        rows = [support.trial(rng, lock, 2, repetition, traits=traits, read_pct=90, ops_per_s=1e6 * rate)
                for lock, rate in (("rw_futex", 10), ("rw_ticket", 5), ("seqlock", 20)) for repetition in range(1, 8)]
        self.addCleanup(self.driver.get, self.driver.current_url)
        self.driver.get(self.page_of(rows).as_uri())
        self.assertEqual({"rw_futex", "seqlock"}, set(self.run_js("return [...winners()]")))

    def test_a_lock_has_one_colour_in_the_charts_and_in_the_map(self) -> None:
        charts = "['over-threads', 'who-pays', 'waits'].flatMap((id) => charts[id].data.datasets)"
        looks = self.run_js(f"return {charts}.map((d) => [d.label, d.borderColor])")
        colors = {lock: {color for name, color in looks if name == lock} for lock, _ in looks}
        self.assertEqual({1}, set(map(len, colors.values())))
        self.assertEqual(len(colors), len(set.union(*colors.values())))
        in_map = self.run_js("return [...document.querySelectorAll('table.map td')].map((td) => "
                             "[td.querySelector('b').textContent, td.style.backgroundColor])")
        for lock, background in in_map:
            [color] = colors[lock]
            parts = ", ".join(str(int(palette.tint(color)[i:i + 2], 16)) for i in (1, 3, 5))
            self.assertEqual(f"rgb({parts})", background)

    def test_whiskers_stay_inside_and_markers_are_visible(self) -> None:
        """A bar of an interval that ends far outside of the axis must leave nothing below it; lines have no area."""
        styles = self.run_js("return MARKERS")
        self.assertFalse({"dash", "line"} & set(styles))
        below = ("const c = charts['over-threads'], {bottom, left, right} = c.chartArea;"
                 "c.data.datasets[0].data[1].low = 1e-9; c.update();"
                 "const p = c.getDatasetMeta(0).data[1], r = devicePixelRatio;"
                 "return [...c.ctx.getImageData((p.x - 1) * r, (bottom + 2) * r, 3 * r, 4 * r).data]")
        self.assertEqual({0}, set(self.run_js(below)))

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
        self.assertIn("200 ns", self.get("#over-threads-caption").text)
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
        self.assertEqual(n_cells, len(self.names()))
        by_name = self.get("th[data-key=name] button")
        by_name.click()
        self.assertEqual(sorted(self.names()), self.names())
        self.assertEqual("ascending", self.get("th[data-key=name]").get_attribute("aria-sort"))
        by_name.click()
        self.assertEqual(sorted(self.names(), reverse=True), self.names())
        self.get("#filter").send_keys("ticket")
        self.assertEqual({"ticket"}, {lock for lock, _ in self.names()})
        self.assertIn(f"8 of {n_cells} cells", self.get("#table-status").text)

    def test_the_columns_of_the_map_are_equally_wide_and_its_first_one_stays(self) -> None:
        widths = self.run_js("return [...document.querySelectorAll('table.map th[scope=col]')].map((th) => "
                             "Math.round(th.getBoundingClientRect().width))")
        self.assertEqual(1, len(set(widths)), widths)
        self.assertEqual("sticky", self.run_js("return getComputedStyle(document.querySelector('table.map tbody th'))"
                                               ".position"))

    def test_more_locks_than_colours_differ_in_the_marker(self) -> None:
        looks = self.run_js("slots.clear(); return Object.keys(DATA.locks).map((_, i) => {"
                            "slots.set('x', i); DATA.locks.x = {place: i}; const s = style('x'); delete DATA.locks.x;"
                            "slots.clear(); return [s.borderColor, s.pointStyle]; })")
        turn = self.run_js("slots.set('x', 0); slots.set('y', COLORS.length);"
                           "const s = ['x', 'y'].map((n) => style(n).pointStyle); slots.clear(); return s;")
        self.assertEqual(len(looks), len(set(map(tuple, looks))))
        self.assertNotEqual(turn[0], turn[1])

    def test_nothing_sticks_out_at_400_pixels(self) -> None:
        self.check_width("narrow")

    def test_light_and_dark(self) -> None:
        light = self.run_js("return getComputedStyle(document.body).backgroundColor")
        self.get("#theme").click()
        dark = self.run_js("return getComputedStyle(document.body).backgroundColor")
        self.assertNotEqual(light, dark)
        self.assertEqual("true", self.get("#theme").get_attribute("aria-pressed"))
        self.shoot("wide-dark", 1200)


if __name__ == "__main__":
    browser.main(Browser)
