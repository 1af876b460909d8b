#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page of a profile in a real headless Chromium: profile_browser.py [FOLDER OF SCREENSHOTS]

Exit code 77, a skipped test, where Chromium or Selenium is not installed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import browser  # noqa: E402
import test_observed  # noqa: E402
from common import pages  # noqa: E402
from observed import page, profile  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

# lock, thread, holder, start, length, in microseconds: thread 1 waits long for thread 2, and they wait in turns
WAITS = [(1, 1, 2, 100, 400), (2, 2, 3, 200, 100), *((3, 1 + i % 2, 2 - i % 2, 600 + 10 * i, 5) for i in range(20))]


class Browser(browser.Case):
    @classmethod
    def first_page(cls) -> Path:
        waits = [{"lock": lock, "thread": thread, "holder": holder, "start_ns": 1000 * start, "wait_ns": 1000 * length}
                 for lock, thread, holder, start, length in WAITS]
        lanes = [{"thread": 1, "waited_ns": [500_000]}, {"thread": 2, "waited_ns": [0, 150_000]}]
        whole = test_observed.whole(*test_observed.SHARDS, waits=waits, seconds=0.001,
                                    waited={"slice_ns": 5e5, "lanes": lanes})
        path = Path(cls.holder.name) / "profile.html"
        pages.write(page.page(profile.Profile(path, whole)), path)
        return path

    def view(self) -> tuple[float, float]:
        start, end = self.run_js("return [view.from, view.to]")
        return start, end

    def told(self) -> str:
        return str(self.get("#told").text)

    def position(self, start_us: float, row: int) -> tuple[float, float]:
        """On the canvas, from its middle, as Selenium counts."""
        canvas = self.get("#timeline")
        self.run_js("document.getElementById('timeline').scrollIntoView({block: 'center'})")
        x, y = self.run_js(f"return [at({1000 * start_us}), ({row} + 0.5) * ROW]")
        return x - canvas.size["width"] / 2, y - canvas.size["height"] / 2

    def pixel(self, start_us: float, row: int) -> list[int]:
        """Of a copy, since the browser advises against reading what is drawn on."""
        return list(self.run_js(
            "const copy = document.createElement('canvas').getContext('2d', {willReadFrequently: true});"
            "[copy.canvas.width, copy.canvas.height] = [canvas.width, canvas.height]; copy.drawImage(canvas, 0, 0);"
            f"const x = at({1000 * start_us}) * devicePixelRatio, y = ({row} + 0.5) * ROW * devicePixelRatio;"
            "return [...copy.getImageData(x, y, 1, 1).data];"))

    def test_nothing_is_said_on_the_console(self) -> None:
        self.assertEqual([], self.driver.get_log("browser"))
        self.shoot("profile-light", 1200)

    def test_bars_lie_where_threads_waited(self) -> None:
        self.assertEqual([1, 2, 3], self.run_js("return rows"))  # 3 held a lock and waited for none
        self.assertEqual((1e5, 7.95e5), self.view())
        blue, orange = [[int(color[i:i + 2], 16) for i in (1, 3, 5)] + [255]
                        for color in self.run_js("return DATA.colors.slice(0, 2)")]
        self.assertEqual(["alone", "2 locks: shard"], self.run_js("return DATA.locks"))
        self.assertEqual(blue, self.pixel(300, 0))
        self.assertEqual(orange, self.pixel(250, 1))
        self.assertNotIn(self.pixel(250, 2), (blue, orange))
        self.assertNotIn(self.pixel(550, 0), (blue, orange))

    def test_pointing_at_a_wait_tells_it(self) -> None:
        ActionChains(self.driver).move_to_element_with_offset(self.get("#timeline"), *self.position(300, 0)).perform()
        self.assertEqual("Thread 1 waited 400 µs for alone, from 100 µs after the start; thread 2 held it.",
                         self.told())

    def test_arrow_keys_go_from_wait_to_wait(self) -> None:
        canvas = self.get("#timeline")
        canvas.send_keys(Keys.ARROW_RIGHT)
        self.assertIn("for alone, from 100 µs", self.told())
        canvas.send_keys(Keys.ARROW_RIGHT)
        self.assertIn("Thread 2 waited 100 µs for 2 locks: shard, from 200 µs after the start; thread 3", self.told())
        canvas.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
        self.assertIn("for alone, from 100 µs", self.told())

    def test_the_stretch_of_time_changes(self) -> None:
        whole = self.view()
        self.get("#nearer").click()
        nearer = self.view()
        self.assertAlmostEqual((whole[1] - whole[0]) / 2, nearer[1] - nearer[0])
        self.get("#earlier").click()
        self.assertLess(self.view()[0], nearer[0])
        self.get("#timeline").send_keys("-", "-", "-")
        self.assertEqual(whole, self.view())  # and no farther
        ActionChains(self.driver).move_to_element_with_offset(self.get("#timeline"), *self.position(200, 1)) \
            .click_and_hold().move_to_element_with_offset(self.get("#timeline"), *self.position(300, 1)) \
            .release().perform()
        start, end = self.view()
        self.assertAlmostEqual(2e5, start, delta=5e3)
        self.assertAlmostEqual(3e5, end, delta=5e3)
        self.get("#whole").click()
        self.assertEqual(whole, self.view())

    def test_a_long_wait_is_shown_by_its_button(self) -> None:
        buttons: list[Any] = self.driver.find_elements("css selector", "button[data-wait]")
        self.assertEqual(page.N_LONGEST, len(buttons))
        buttons[1].click()
        self.assertIn("Thread 2 waited 100 µs", self.told())
        start, end = self.view()
        self.assertTrue(start <= 2e5 and 3e5 <= end)

    def test_locks_that_are_waited_for_are_open_and_a_link_opens_any(self) -> None:
        shown = self.run_js("return [...document.querySelectorAll('details.lock')].map((d) => d.open)")
        self.assertEqual([True, True, False], shown)
        self.get("a[href='#lock-2']").click()
        self.assertTrue(self.run_js("return document.getElementById('lock-2').open"))

    def test_the_sample_of_the_documentation(self) -> None:
        """Which is of before there were lanes."""
        path = Path(self.holder.name) / "sample.html"
        pages.write(page.page(profile.load(test_observed.SAMPLE)), path)
        self.addCleanup(self.driver.get, self.driver.current_url)
        self.driver.get(path.as_uri())
        self.assertGreater(self.run_js("return waits.length"), 100)
        self.assertEqual([], self.driver.get_log("browser"))

    def test_nothing_sticks_out_at_400_pixels(self) -> None:
        self.check_width("profile-narrow")

    def test_light_and_dark(self) -> None:
        light = self.run_js("return getComputedStyle(document.body).backgroundColor")
        self.get("#theme").click()
        self.assertNotEqual(light, self.run_js("return getComputedStyle(document.body).backgroundColor"))
        self.assertEqual("true", self.get("#theme").get_attribute("aria-pressed"))
        self.shoot("profile-dark", 1200)


if __name__ == "__main__":
    browser.main(Browser)
