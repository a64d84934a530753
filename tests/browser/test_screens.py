"""Every tab on a desk and on a phone, light and dark: it fits, and everything has a name."""

import pytest

from tests.browser.conftest import LOOKS, PATIENCE, SHOTS
from tests.browser.test_create import make, type_prompt, wait_for_drafts

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


# The visible texts with less contrast to what is behind them than WCAG 2.2 asks of small ones.
FAINT = """() => {
  const colour = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (parts) => parts.slice(0, 3).map((part) => part / 255).map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4).reduce(
      (sum, part, place) => sum + [0.2126, 0.7152, 0.0722][place] * part, 0);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const { backgroundColor } = getComputedStyle(one);
      if (colour(backgroundColor)[3] !== 0) return colour(backgroundColor);
    }
  };
  return [...document.querySelectorAll("body *")].filter((one) => !one.matches(":disabled, option")
      && one.checkVisibility({ opacityProperty: true, visibilityProperty: true })
      && one.getBoundingClientRect().width > 2
      && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((one) => {
      const both = [light(colour(getComputedStyle(one).color)), light(ground(one))];
      return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05) < 4.5;
    }).map((one) => one.outerHTML.slice(0, 200));
}"""


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
        assert page.evaluate(FAINT) == [], tab
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


# What the look is whenever something is painted, and how often its class was written.
WATCH_LOOK = """(() => {
  window.painted = new Set();
  window.written = 0;
  const look = () => {
    if (document.querySelector("#tabs"))
      painted.add(document.body.classList.contains("dark"));
    requestAnimationFrame(look);
  };
  look();
  document.addEventListener("DOMContentLoaded", () => new MutationObserver((all) => {
    written += all.length;
  }).observe(document.body, { attributeFilter: ["class"] }));
})()"""
LOOK = """() => [document.body.classList.contains("dark"), ...["#lock input", "body", "html"].map(
  (one) => getComputedStyle(document.querySelector(one)).colorScheme)]"""


@pytest.mark.parametrize(("system", "chosen"), [("dark", "light"), ("light", "dark")])
def test_the_chosen_look_outlives_a_refresh_and_the_systems(program, open_page, system, chosen):
    page = open_page(program.url, scheme=system)
    assert page.evaluate(LOOK) == [system == "dark", *[system] * 3]
    page.locator("#look").click()
    assert page.evaluate(LOOK) == [chosen == "dark", *[chosen] * 3]
    page.add_init_script(WATCH_LOOK)
    page.reload()
    page.wait_for_selector("#sheet .cards > *")
    page.wait_for_timeout(1000)
    assert page.evaluate(LOOK) == [chosen == "dark", *[chosen] * 3]
    for scheme in (chosen, system):    # Gradio follows each
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)
    assert page.evaluate(LOOK) == [chosen == "dark", *[chosen] * 3]
    assert page.evaluate("[...painted]") == [chosen == "dark"], "the other look was seen"
    assert page.evaluate("written") < 20, "two watchers answer one another"
    page.locator("#look").click()
    assert page.evaluate(LOOK)[0] == (system == "dark")


IN_SIGHT = """(one) => { const { top } = document.querySelector(one).getBoundingClientRect();
  return top > -2 && top < 120; }"""


def test_a_phone_shows_what_answers_a_button_and_names_no_keys(program, open_page):
    page = open_page(program.url, width=390, height=844, has_touch=True)
    lead = page.locator("#sheet .empty .lead")
    assert lead.locator("kbd").first.is_visible() is False
    assert lead.inner_text() == "Type a prompt and press Make drafts"
    title, button = (page.locator(one).bounding_box() for one in (".masthead h1", "#look"))
    assert title["x"] + title["width"] + 8 <= button["x"]

    type_prompt(page)
    page.locator("#run").click()
    wait_for_drafts(page)
    page.locator("#sheet [data-act=reuse]").last.click()
    page.wait_for_function(IN_SIGHT, arg="#settings")

    page.get_by_role("tab", name="Compare").click()
    page.locator("#run-comparison").click()
    page.wait_for_function(IN_SIGHT, arg="#compare-results")

    page.get_by_role("tab", name="Library").click()
    page.locator("#library .card .open").first.click()
    page.locator("#library dialog [data-act=use]").click()
    page.wait_for_function(IN_SIGHT, arg="#settings")


def test_a_desk_names_the_keys(program, open_page):
    page = open_page(program.url)
    assert page.locator("#sheet .empty .lead").inner_text() == "Type a prompt and press Ctrl+Enter"
    assert page.locator("#sheet .empty .lead kbd").first.is_visible()


@pytest.fixture
def visitor(chromium, program):
    """Return a function that opens the page for somebody with wishes of their own."""
    contexts = []

    def opened(**wishes):
        contexts.append(chromium.new_context(**wishes))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.goto(program.url)
        page.wait_for_selector("#sheet .cards > *")
        return page

    yield opened
    for context in contexts:
        context.close()


def test_the_page_is_in_the_language_that_it_says(visitor):
    page = visitor(locale="de-DE")
    assert page.evaluate("navigator.language") == "de-DE"
    page.wait_for_timeout(1000)
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize(("wish", "is_playing"), [("reduce", False), ("no-preference", True)])
def test_videos_begin_by_themselves_only_where_motion_is_welcome(visitor, wish, is_playing):
    page = visitor(reduced_motion=wish)
    type_prompt(page)
    page.locator("#run").click()
    wait_for_drafts(page)
    page.get_by_role("tab", name="Library").click()
    page.locator("#library .card .open").first.click()
    video = page.locator("#library dialog video")
    video.wait_for()
    page.wait_for_timeout(1500)
    assert video.evaluate("(one) => !one.paused") == is_playing
    video.evaluate("(one) => one.play()")
    assert video.evaluate("(one) => !one.paused")
