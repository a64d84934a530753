"""The shipped weights in a real browser, from a prompt to a file that brings its settings back."""

import os
import signal
import sqlite3

import pytest
from playwright.sync_api import expect

from engine.media import read_clip, read_metadata, read_request
from snapui.tabs.create import EXAMPLES
from tests.browser.conftest import LOOKS, PATIENCE
from tests.browser.test_compare import (
    compare,
    open_compare,
    play_in_lockstep,
    save_grid,
    vote_for_a,
    wait_for_cells,
)
from tests.browser.test_create import (
    PROMPT,
    make,
    previews_until,
    seed,
    type_prompt,
    wait_for_drafts,
)
from tests.browser.test_library import (
    open_first,
    open_library,
    save_first_as_gif,
    wait_for_cards,
)
from tests.browser.test_restore import drop

pytestmark = pytest.mark.browser
STEP = """() => Number((/step (\\d+) of 64/.exec(
  document.querySelector("#sheet .cards").innerText) || [0, 0])[1])"""


def wait_for_step(page, steps):
    """Wait until the sheet says one of these steps. Returns: which."""
    page.wait_for_function(f"({STEP})() >= {steps[0]} && ({STEP})() <= {steps[-1]}")
    return page.evaluate(STEP)


@pytest.mark.slow
def test_the_real_engines_upscale_outlives_its_worker_and_its_file_brings_all_back(
        real_program, open_page):
    page = open_page(real_program.url)
    page.get_by_label("Draft", exact=True).check()
    page.locator("#control-drafts input[type=number]").fill("2")
    page.locator("#advanced button").first.click()
    page.locator("#control-upscale_steps input[type=number]").fill("8")
    make(page)
    assert len(previews_until(page, 2)) >= 4, "the previews did not move on while the job ran"
    for place in range(2):
        page.locator("#sheet [data-pick]").nth(place).check()
    page.locator("#sheet .upscale").click()
    page.wait_for_function("/Upscaling: step [2-7] of 8/.test("
                           "document.querySelector('#sheet .cards').innerText)")
    with sqlite3.connect(real_program.outputs / "journal.db") as journal:
        (worker,) = journal.execute("select pid from worker").fetchone()
        os.kill(worker, signal.SIGKILL)
    page.get_by_text("The worker stopped unexpectedly; this job goes on").wait_for()
    page.wait_for_function("document.querySelectorAll('#sheet video').length === 2",
                           timeout=2 * PATIENCE)
    expect(page.locator("#sheet [data-pick]")).to_have_count(2)
    deaths, path = journal.execute("select deaths, path from job join clip on job.id = clip.job_id "
                                   "where job.kind = 'upscale' order by job.id").fetchone()
    journal.close()
    assert deaths == 1
    made = read_request(real_program.outputs / path)
    type_prompt(page, "something else")
    page.locator("#control-upscale_steps input[type=number]").fill("1")
    drop(page, real_program.outputs / path)
    page.get_by_text("are back").wait_for()
    assert page.locator("#control-prompt textarea").input_value() == made.prompt == PROMPT
    assert seed(page) == str(made.seed)
    assert page.locator("#control-upscale_steps input[type=number]").input_value() == "8"
    assert page.get_by_label("Draft", exact=True).is_checked()


@pytest.mark.slow
def test_the_real_engines_draft_outlives_its_worker_a_closed_tab_and_a_restart_to_the_same_bits(
        real_program, open_page):
    page = open_page(real_program.url)
    page.locator("#control-drafts input[type=number]").fill("1")
    page.get_by_label("Fine").check()
    make(page)
    wait_for_drafts(page, 1)
    page.locator("#lock input").check()
    page.keyboard.press("Control+Enter")
    wait_for_step(page, range(10, 40))
    with sqlite3.connect(real_program.outputs / "journal.db") as journal:
        (worker,) = journal.execute("select pid from worker").fetchone()
        os.kill(worker, signal.SIGKILL)
    page.reload()
    page.get_by_text("The worker stopped unexpectedly; this job goes on").wait_for()
    assert wait_for_step(page, range(1, 64)) >= 5, "it began anew, or its step was forgotten"
    page.wait_for_selector("#sheet .is-moving img")
    page.close()
    real_program.stop()
    real_program.start()
    page = open_page(real_program.url)
    wait_for_drafts(page, 2)
    (undisturbed, _), (interrupted, deaths) = journal.execute(
        "select clip.loop, deaths from job join clip on job.id = clip.job_id order by job.id")
    journal.close()
    assert deaths == 1
    first, second = ((real_program.outputs / path).read_bytes()
                     for path in (undisturbed, interrupted))
    assert first == second


@pytest.mark.slow
def test_the_real_engines_jobs_are_stopped_compared_and_found(real_program, open_page, tmp_path):
    page = open_page(real_program.url)
    page.locator("#control-drafts input[type=number]").fill("1")
    page.get_by_label("Fine").check()
    make(page)
    page.wait_for_function("/step \\d+ of 64/.test("
                           "document.querySelector('#sheet .cards').innerText)")
    page.locator("#stop").click()
    page.wait_for_selector("#sheet .empty")
    assert real_program.files() == []
    page.get_by_label("Draft", exact=True).check()
    open_compare(page)
    compare(page, "Guidance", "1\n3")
    wait_for_cells(page, 2)
    play_in_lockstep(page)
    page.get_by_role("button", name="Vote blind").click()
    page.wait_for_selector("#player .vote")
    vote_for_a(page)
    grid = save_grid(page, "Save as MP4", tmp_path)
    assert len(read_clip(grid).frames) == 16 and "comparison" in read_metadata(grid)
    open_library(page)
    page.get_by_label("Search").fill("meadow dog")
    wait_for_cards(page, 2)
    open_first(page)
    page.wait_for_function("document.querySelector('#library video').currentTime > 0")
    page.get_by_role("button", name="Put in the bin").click()
    wait_for_cards(page, 1)
    page.get_by_label("Bin", exact=True).check()
    wait_for_cards(page, 1)
    open_first(page)
    page.get_by_role("button", name="Take out of the bin").click()
    wait_for_cards(page, 0)
    page.locator("#view").get_by_label("All", exact=True).check()
    wait_for_cards(page, 2)
    save_first_as_gif(page, tmp_path / "got.gif")
    assert read_request(tmp_path / "got.gif").prompt == PROMPT
    assert len(real_program.files()) == 3    # two clips and their grid


@pytest.mark.slow
def test_an_example_of_the_real_engine_is_made_by_keyboard_and_fits_every_screen(
        real_program, open_page):
    page = open_page(real_program.url)
    page.get_by_label("Draft", exact=True).check()
    page.locator("#control-drafts input[type=number]").fill("1")
    example = page.locator("#sheet [data-act=example]").last
    example.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#control-prompt textarea")).to_have_value(example.inner_text())
    page.keyboard.press("Control+Enter")
    wait_for_drafts(page, 1)
    (file,) = real_program.files()
    assert read_request(file).prompt == EXAMPLES[-1]
    for width, scheme in LOOKS:
        other = open_page(real_program.url, width=width, scheme=scheme)
        other.wait_for_selector("#sheet [data-pick]")
        overflow = other.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"the page is {overflow} pixels too wide at {width}"
