"""Every tab on a desk and on a phone, light and dark: it fits, and everything has a name."""

import pytest

from tests.browser.conftest import LOOKS, SHOTS
from tests.browser.test_create import make, wait_for_drafts

pytestmark = pytest.mark.browser
TABS = ("Create", "Extend", "Compare", "Library")
# The visible controls that nothing names: neither a label, nor text, nor an attribute.
UNNAMED = """() => [...document.querySelectorAll(
    "button, input, select, textarea, a[href], video, canvas, [role=tab], [role=slider]")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.type !== "file")
  .filter((one) => ![one.ariaLabel, one.title, one.innerText, ...[...(one.labels || [])].map(
      (label) => label.innerText), ...(one.getAttribute("aria-labelledby") || "").split(" ").map(
      (id) => document.getElementById(id)?.innerText)].some((name) => name && name.trim()))
  .map((one) => one.outerHTML.slice(0, 200))"""

# What stands beyond the right edge, where no part of the page of its own can be scrolled to it.
BEYOND = """() => [...document.querySelectorAll("#tabs *, #top *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().width > 1
    && one.getBoundingClientRect().right > innerWidth + 1)
  .filter((one) => {
    while ((one = one.parentElement) !== document.body) {
      if (/auto|scroll/.test(getComputedStyle(one).overflowX)) return false;
    }
    return true;
  }).map((one) => one.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_tab_fits_the_screen_and_every_control_has_a_name(
        program, open_page, width, scheme):
    page = open_page(program.url, width=width, scheme=scheme)
    make(page)
    page.wait_for_function("document.querySelector('#results').getBoundingClientRect().top < 450")
    wait_for_drafts(page)
    page.locator("#line button").first.click()
    page.locator("#advanced button").first.click()
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        if tab == "Extend":
            page.locator("#extend-advanced button").first.click()
        shown = page.locator("#run, #run-extension, #run-comparison, #library .card").locator(
            "visible=true")
        shown.first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
        assert page.evaluate(BEYOND) == [], tab
        assert page.evaluate(UNNAMED) == [], tab
        SHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SHOTS / f"screen-{tab}-{width}-{scheme}.png", full_page=True)


def test_the_keyboard_sees_where_it_is_on_every_tab(program, open_page):
    page = open_page(program.url)
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("tab", name=tab).focus()
        seen = set()
        for _ in range(12):
            page.keyboard.press("Tab")
            where, ring = page.evaluate(
                "() => { const one = document.activeElement, look = getComputedStyle(one);"
                "return [one.outerHTML.slice(0, 150), look.outlineStyle + look.outlineWidth]; }")
            if where.startswith("<body"):  # past the last one
                break
            assert ring == "solid3px", where
            seen.add(where)
        assert len(seen) >= 3, f"{tab}: {seen}"
