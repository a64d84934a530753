"""Finding clips again as a person would: searching, looking, taking settings, tidying up."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from engine.media import read_clip, read_metadata, read_request
from engine.request import GenerationRequest
from snapui.jobs import Journal
from snapui.library import PAGE_CLIPS
from snapui.schema import Job, database_url
from tests.browser.conftest import LOOKS, PATIENCE, SHOTS, stand_in_program
from tests.browser.test_compare import FRAMES, wait_for_cells
from tests.browser.test_create import make, seed, toast, wait_for_drafts
from tests.snapui.test_library import add

pytestmark = pytest.mark.browser
DOG = "a dog walking to the left in the meadow"
PENGUIN = "a penguin waddling to the right in the snow"
SOON = 10_000  # milliseconds, for what needs no worker
# As on a busy machine: what is pressed is answered late.
SLOW_PRESSES = """() => {
  const fetched = window.fetch;
  window.fetch = async (...asked) => {
    if (String(asked[0].url || asked[0]).includes("queue/join"))
      await new Promise((go) => setTimeout(go, 2000));
    return fetched(...asked);
  };
}"""

# What a page asks as it opens is answered once `window.answer` is called.
HELD = """(() => {
  const fetched = window.fetch, answered = new Promise((go) => { window.answer = go; });
  window.fetch = async (...asked) => {
    if (String(asked[0].url || asked[0]).includes("run/predict")) await answered;
    return fetched(...asked);
  };
})()"""


def open_library(page):
    page.get_by_role("tab", name="Library").click()
    page.wait_for_selector("#library .cards > *")


def wait_for_cards(page, count):
    page.wait_for_function(
        f"document.querySelectorAll('#library .card').length === {count}", timeout=2 * PATIENCE)


def make_both(page):
    make(page, DOG)
    make(page, PENGUIN)
    wait_for_drafts(page, 8)
    open_library(page)
    wait_for_cards(page, 8)


def open_first(page):
    page.locator("#library .open").first.click()
    page.wait_for_selector("#library dialog[open] video")


def save_first_as_gif(page, path):
    open_first(page)
    page.get_by_label("Format").select_option(label="GIF")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".gif")
    download.value.save_as(path)


def test_a_clip_is_found_played_and_its_settings_are_taken(program, open_page):
    page = open_page(program.url)
    open_library(page)
    assert "Everything you make is kept here" in page.locator("#library").inner_text()
    page.get_by_role("tab", name="Create").click()
    make_both(page)
    page.get_by_label("Search").fill("snow PENGUIN")
    wait_for_cards(page, 4)
    assert "4 clips" in page.locator("#library .told").inner_text()
    used = page.locator("#library .card p").first.inner_text().split(" ")[1]
    open_first(page)
    page.wait_for_function("document.querySelector('#library video').currentTime > 0")
    assert "Guidance" in page.locator("#library dialog dl").inner_text()
    page.locator("#library dialog").get_by_text("Use these settings").click()
    page.wait_for_function("document.querySelector('#lock input').checked")
    assert page.locator("#control-prompt textarea").input_value() == PENGUIN
    assert page.locator("#control-prompt textarea").is_visible()
    assert seed(page) == used


def test_the_grid_and_one_large_clip_fit_every_screen(program, open_page):
    make_both(open_page(program.url))
    for width, scheme in LOOKS:
        page = open_page(program.url, width=width, scheme=scheme)
        open_library(page)
        wait_for_cards(page, 8)
        open_first(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator("#library dialog").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_stars_names_and_the_bin(program, open_page):
    page = open_page(program.url)
    make_both(page)
    page.locator("#library .star").first.click()
    page.wait_for_selector("#library .star[aria-pressed=true]")
    open_first(page)
    page.get_by_label("Name", exact=True).fill("Pingu <b>one</b>")
    page.get_by_role("button", name="Rename").click()
    page.wait_for_function("document.querySelector('#library dialog h3').innerText"
                           " === 'Pingu <b>one</b>'")
    page.get_by_role("button", name="Put in the bin").click()
    wait_for_cards(page, 7)
    page.get_by_label("Bin", exact=True).check()
    wait_for_cards(page, 1)
    assert page.locator("#library .card h3").inner_text() == "Pingu <b>one</b>"
    open_first(page)
    page.get_by_role("button", name="Take out of the bin").click()
    page.get_by_text("The bin is empty").wait_for()
    page.get_by_label("Starred").check()
    wait_for_cards(page, 1)
    open_first(page)
    page.get_by_role("button", name="Put in the bin").click()
    page.get_by_label("Bin", exact=True).check()
    page.once("dialog", lambda question: question.accept())
    page.get_by_role("button", name="Empty the bin").click()
    page.get_by_text("The bin is empty").wait_for()
    assert len(program.files()) == 7


def test_a_clip_is_converted_and_upscaled(program, open_page):
    page = open_page(program.url)
    make_both(page)
    path = program.outputs / "got.gif"
    save_first_as_gif(page, path)
    assert read_clip(path).frames.shape == (16, 36, 64, 3)
    assert read_request(path).prompt == PENGUIN
    page.locator("#library dialog [name=upscale_steps]").fill("2")
    page.get_by_role("button", name="Upscale", exact=True).click()
    wait_for_cards(page, 9)
    assert "512×288 · 2 steps, freedom 0.1" in page.locator("#library .card p").first.inner_text()


def test_the_keyboard_alone_opens_clips_and_a_refresh_keeps_tab_and_search(program, open_page):
    page = open_page(program.url)
    make_both(page)
    page.keyboard.press("Tab")  # browsers outline a focus that follows a key, not a click
    page.locator("#library .open").first.focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("#library dialog[open] video")
    page.locator("#library dialog [data-act=use]").focus()
    for _ in range(2):
        first = page.locator("#library dialog .one").get_attribute("data-id")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            f"document.querySelector('#library dialog .one').dataset.id !== '{first}'")
    page.keyboard.press("Escape")
    page.wait_for_selector("#library dialog:not([open])", state="attached")
    assert page.evaluate("document.activeElement.classList.contains('open')")
    page.get_by_label("Search").fill("penguin")
    wait_for_cards(page, 4)
    page.wait_for_timeout(500)
    page.reload()
    wait_for_cards(page, 4)
    assert page.get_by_label("Search").is_visible()
    assert page.get_by_label("Search").input_value() == "penguin"


def test_the_open_tab_is_remembered_and_a_quick_visitor_is_not_sent_back_to_it(program, open_page):
    page = open_page(program.url)
    open_library(page)
    page.wait_for_timeout(1000)  # nothing on the page says that it is remembered
    page.reload()
    library, compare = (page.get_by_role("tab", name=name) for name in ("Library", "Compare"))
    expect(library).to_have_attribute("aria-selected", "true")
    page.add_init_script(HELD)
    page.reload()
    page.wait_for_timeout(3000)  # until it has asked
    compare.click()
    page.evaluate("answer()")
    page.wait_for_timeout(3000)
    expect(compare).to_have_attribute("aria-selected", "true")


def test_any_page_of_many_is_turned_to_by_its_number(tmp_path, open_page):
    journal = Journal(database_url(None, tmp_path), tmp_path)
    for number in range(3 * PAGE_CLIPS):
        add(journal, f"clip {number}")
    Job.update(request=GenerationRequest("a dog").to_json()).execute()
    journal.close()
    running = stand_in_program(tmp_path, 0.1)
    running.start()
    page = open_page(running.url)
    open_library(page)
    last, newest = PAGE_CLIPS - 1, 3 * PAGE_CLIPS - 1
    for typed, first, shown in (("3", last, "3"), ("99", last, "3"), ("", newest, "1"),
                                ("99", last, "3")):
        page.get_by_role("spinbutton", name="Page").fill(typed)
        page.keyboard.press("Enter")
        expect(page.locator("#library .card h3").first).to_have_text(f"clip {first}")
        expect(page.get_by_role("spinbutton", name="Page")).to_have_value(shown)
    page.get_by_role("button", name="Newer").click()
    expect(page.get_by_role("spinbutton", name="Page")).to_have_value("2")
    running.stop()


def test_stars_that_are_pressed_quickly_are_all_there(program, open_page):
    page = open_page(program.url)
    make_both(page)
    page.evaluate(SLOW_PRESSES)
    for place in range(3):
        page.locator("#library .star").nth(place).click()
    expect(page.locator("#library .star[aria-pressed=true]")).to_have_count(3)


def test_files_are_saved_without_settings_while_the_switch_is_off(program, open_page):
    page = open_page(program.url)
    page.locator("#advanced button").first.click()
    switch = page.get_by_label("Settings inside files")
    expect(switch).to_be_checked()
    switch.uncheck()
    page.wait_for_timeout(1000)  # nothing on the page says that it has arrived
    page.reload()
    page.wait_for_selector("#sheet .cards > *")
    page.locator("#advanced button").first.click()
    expect(switch).not_to_be_checked()
    make(page)
    wait_for_drafts(page)
    assert [read_metadata(path) for path in program.files()] == [{}] * 4
    open_library(page)
    page.locator("#library .open").first.click()
    page.get_by_role("button", name="Use these settings").click()
    expect(page.locator("#lock input")).to_be_checked()


def test_ticked_clips_are_compared_side_by_side_in_lockstep(program, open_page):
    page = open_page(program.url)
    make_both(page)
    button = page.locator("#library .compare")
    expect(button).to_be_disabled()
    ticks = page.locator("#library [data-pick]")
    for place in (0, 5, 6, 7, 1):
        ticks.nth(place).check()
    expect(button).to_be_disabled()  # four are the most
    ticks.nth(1).uncheck()
    ticks.nth(7).uncheck()
    expect(button).to_have_text("Compare 3 ticked")
    button.click()
    wait_for_cells(page, 3)
    heads = page.locator("#player figcaption").all_inner_texts()
    assert [PENGUIN in head for head in heads] == [True, False, False]
    seen = [page.evaluate(FRAMES) for _ in range(40) if page.wait_for_timeout(50) is None]
    assert all(len(set(frames)) == 1 for frames in seen), "the cells fell out of step"
    assert len({frames[0] for frames in seen}) > 1, "nothing played"
    page.reload()
    wait_for_cells(page, 3)
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        open_library(page)
        page.screenshot(path=SHOTS / f"library-ticks-{width}-{scheme}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_ticked_clips_go_to_the_bin_together_and_a_folder_s_place_is_told_in_the_dialog(
        program, open_page):
    page = open_page(program.url)
    make_both(page)
    ticks = page.locator("#library [data-pick]")
    for place in (0, 1, 7):
        ticks.nth(place).check()
    page.screenshot(path=SHOTS / "library-bin-ticked.png")
    page.get_by_role("button", name="Put 3 in the bin").click()
    wait_for_cards(page, 5)
    expect(page.locator("#library .discard")).to_be_hidden()
    assert page.locator("#library .is-ticked").count() == 0
    open_first(page)
    page.get_by_role("button", name="Open folder").click()  # there is no screen here
    where = page.locator("#library dialog .where")
    expect(where).to_contain_text(f"The clip is in {program.outputs.resolve()}")
    page.screenshot(path=SHOTS / "library-folder.png")
    page.keyboard.press("Escape")
    page.get_by_label("Bin", exact=True).check()
    wait_for_cards(page, 3)
    for place in (0, 2):
        ticks.nth(place).check()
    page.screenshot(path=SHOTS / "library-out-of-bin.png")
    page.get_by_role("button", name="Take 2 out of the bin").click()
    wait_for_cards(page, 1)
    assert page.locator("#library .is-ticked").count() == 0
    page.get_by_label("All", exact=True).check()
    wait_for_cards(page, 7)
    expect(page.locator("#library .put-back")).to_be_hidden()


def test_ticks_outlast_a_refusal_and_go_with_what_another_page_bins(program, open_page):
    page, other = open_page(program.url), open_page(program.url)
    make_both(page)
    open_library(other)
    wait_for_cards(other, 8)
    for place in (0, 1, 2, 7):
        page.locator("#library [data-pick]").nth(place).check()
    discard, compare = page.locator("#library .discard"), page.locator("#library .compare")
    page.get_by_label("Search").fill("penguin")  # the last of them is not shown any more
    wait_for_cards(page, 4)
    for place, left in ((0, 3), (-1, 2)):  # one that is shown, and one that is not
        other.locator("#library .open").nth(place).click()
        other.get_by_role("button", name="Put in the bin").click()
        expect(discard).to_have_text(f"Put {left} in the bin", timeout=SOON)
    expect(compare).to_have_text("Compare 2 ticked")
    page.get_by_label("Bin", exact=True).check()
    wait_for_cards(page, 1)
    expect(discard).to_be_hidden(timeout=SOON)
    other.get_by_label("Bin", exact=True).check()
    other.once("dialog", lambda question: question.accept())
    other.get_by_role("button", name="Empty the bin").click()
    page.get_by_text("No clip has all of these words").wait_for()
    expect(page.locator("#library .picks")).to_be_hidden(timeout=SOON)
    page.get_by_label("All", exact=True).check()
    wait_for_cards(page, 3)
    gone, kept = (box.get_attribute("data-pick")
                  for box in page.locator("#library .is-ticked [data-pick]").all())
    with closing(sqlite3.connect(program.outputs / "journal.db")) as journal, journal:
        journal.execute("delete from clip where id = ?", (gone,))  # no page hears of that
    discard.click()
    assert f"There is no clip number {gone} any more" in toast(page)
    expect(discard).to_have_text("Put 1 in the bin", timeout=SOON)
    program.stop()
    discard.click()
    page.get_by_text("The program does not answer").wait_for()
    expect(discard).to_have_text("Put 1 in the bin", timeout=SOON)
    assert page.locator(f"#library .is-ticked [data-pick='{kept}']").is_checked()
    program.start()
    expect(page.locator("#trouble")).to_be_empty()
