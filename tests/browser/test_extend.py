"""Making clips longer as a person would: two segments, a redo, a branch, a loop, the meter."""

import json
import sqlite3
import time
from contextlib import closing

import httpx
import numpy as np
import pytest

from engine.extension.request import EXTENSION_KEY, ExtensionRequest
from engine.media import (
    OPENING_KEY,
    read_clip,
    read_metadata,
    request_metadata,
    write_clip,
)
from engine.request import GenerationRequest
from tests.browser.conftest import LOOKS, PATIENCE, stand_in_program
from tests.browser.test_create import make, toast, type_prompt, wait_for_drafts
from tests.browser.test_restore import drop, said
from tests.test_catalog import give_network, make_model

pytestmark = pytest.mark.browser
DOG = "a dog walking to the left in the meadow"
SNOW, BEACH = "a dog walking to the left in the snow", "a bright dog walking on the beach"


def number(page, name, value):
    """Type a number until it stands: a field that Gradio is still mounting takes it back."""
    box, stands = page.locator(f"#{name} input[type=number]"), 0
    end = time.monotonic() + PATIENCE / 1000
    while stands < 3:
        assert time.monotonic() < end, f"{name} does not keep {value}"
        if box.input_value() == str(value):
            stands += 1
        else:
            stands = 0
            box.fill(str(value))
            box.press("Tab")
        page.wait_for_timeout(400)


def open_two_seconds(page):
    """Make one draft of two seconds and press its Extend."""
    page.get_by_role("button", name="Advanced").click()
    number(page, "control-fps", 8)
    number(page, "control-drafts", 1)
    make(page, DOG)
    page.locator("#sheet [data-act=extend]").click()
    page.wait_for_selector("#reel .one video")
    wait_for_plan(page, "4 s, 32 frames")


def wait_for_plan(page, words):
    page.wait_for_function("(words) => document.querySelector('#extend-plan')"
                           ".innerText.includes(words)", arg=words)


def wait_for_nodes(page, count):
    page.wait_for_function(
        f"document.querySelectorAll('#reel .node').length === {count}", timeout=2 * PATIENCE)


def wait_for_open(page, words):
    page.wait_for_function("(words) => (document.querySelector('#reel .one header') || {innerText:"
                           " ''}).innerText.includes(words)", arg=words, timeout=2 * PATIENCE)


def nodes(page):
    return page.locator("#reel .node .what").all_inner_texts()


def opened(page):
    return page.locator("#reel .node[aria-current=true]").get_attribute("data-id")


def fill_row(page, place, prompt, start=None, end=None):
    row = page.locator("#rows li").nth(place)
    for name, value in ((".from", start), (".to", end)):
        if value is not None:
            row.locator(name).fill(str(value))
    row.locator("textarea").fill(prompt)


def extend_to_six_seconds(page):
    fill_row(page, 0, SNOW)
    page.get_by_role("button", name="Add a segment").click()
    assert page.locator("#rows .from").nth(1).input_value() == "4"
    fill_row(page, 1, BEACH)
    wait_for_plan(page, "6 s, 48 frames")
    page.keyboard.press("Control+Enter")


def test_a_clip_grows_by_segments_that_are_redone_branched_and_looped(program, open_page):
    page = open_page(program.url)
    open_two_seconds(page)
    extend_to_six_seconds(page)
    page.wait_for_selector("#reel .job img")    # previewed while it grows
    assert "Window" in page.locator("#reel .job .told").inner_text()
    wait_for_nodes(page, 3)
    assert nodes(page) == [DOG, SNOW, BEACH]
    wait_for_open(page, "6 s · 48 frames at 8 fps")
    page.wait_for_function("document.querySelector('#rows .from').value === '6'")
    assert page.locator("#rows textarea").evaluate_all("rows => rows.map(row => row.value)") == [""]
    request = ExtensionRequest.from_json(read_metadata(program.files()[-1])[EXTENSION_KEY])
    assert [one.prompt for one in request.segments] == [SNOW, BEACH]

    first = opened(page)
    page.get_by_role("button", name="Redo this segment").click()
    wait_for_nodes(page, 4)
    page.wait_for_function(f"document.querySelector('#reel .node[aria-current=true]').dataset.id"
                           f" !== '{first}'")
    page.get_by_role("button", name="Undo").click()
    wait_for_open(page, SNOW)
    page.wait_for_selector("#reel .is-undone")
    assert "Take up again" in page.locator("#reel .is-undone").inner_text()

    wait_for_plan(page, "6 s, 48 frames")    # goes on from the snow: this is the branch
    fill_row(page, 0, "a dog on the road", 4, 5)
    wait_for_plan(page, "5 s, 40 frames")
    page.locator("#run-extension").click()
    wait_for_nodes(page, 5)
    wait_for_open(page, "5 s · 40 frames")

    page.get_by_label("Loop").check()
    fill_row(page, 0, "", 5, 8)
    page.locator("#run-extension").click()
    wait_for_nodes(page, 6)
    wait_for_open(page, "Loop: a dog on the road")
    assert len(program.files()) == 6


def test_what_is_written_while_a_clip_is_made_stays(slow_program, open_page):
    page = open_page(slow_program.url)
    page.get_by_role("tab", name="Extend").click()
    fill_row(page, 0, SNOW, 0, 1)
    wait_for_plan(page, "1 s, 12 frames")
    page.locator("#run-extension").click()
    page.wait_for_selector("#reel .job")
    page.get_by_role("button", name="Add a segment").click()
    fill_row(page, 1, BEACH)
    page.wait_for_function("!document.querySelector('#reel .job')", timeout=2 * PATIENCE)
    assert len(slow_program.files()) == 1
    page.wait_for_timeout(2000)
    assert page.locator("#rows textarea").evaluate_all(
        "rows => rows.map(row => row.value)") == [SNOW, BEACH]
    chosen = page.locator("#extend-from input")
    assert chosen.input_value() == "Nothing: start anew"
    chosen.click()
    page.locator("#extend-from").get_by_role("option", name=f"1: {SNOW}").wait_for()


def test_the_meter_warns_and_its_remedies_make_a_child(program, open_page):
    page = open_page(program.url)
    open_two_seconds(page)
    fill_row(page, 0, BEACH, 2, 6)
    page.locator("#run-extension").click()
    page.wait_for_selector("#reel .meter", timeout=2 * PATIENCE)
    assert page.locator("#reel .meter svg").count() == 5
    assert "brighter than its first segment" in page.locator("#reel .warnings").inner_text()
    page.get_by_role("button", name="Match colours").click()
    wait_for_open(page, "Colours matched")
    assert "brighter" not in page.locator("#reel .meter [role=status]").inner_text()
    fill_row(page, 0, SNOW)
    page.locator("#reel .node").nth(1).click()
    page.wait_for_function("document.querySelectorAll('#reel .node')[1].ariaCurrent === 'true'")
    page.get_by_role("button", name="Cross-dissolve the joins").click()
    wait_for_open(page, "Joins dissolved")
    page.locator("#reel form input").fill("3")
    page.get_by_role("button", name="Trim", exact=True).click()
    wait_for_open(page, "Trimmed")
    page.wait_for_function("document.querySelector('#rows .from').value === '3'")
    assert page.locator("#rows textarea").input_value() == SNOW, "what was written is lost"
    assert len(program.files()) == 5


def test_bad_input_is_one_sentence_and_a_refresh_keeps_what_was_typed(program, open_page):
    page = open_page(program.url)
    open_two_seconds(page)
    page.get_by_role("button", name="Add a segment").click()
    for start, end, sentence in ((3, 6, "overlap"), (4, 4, "is empty"), (4, 61, "from 0 to 60")):
        fill_row(page, 1, SNOW, start, end)
        wait_for_plan(page, sentence)
    page.locator("#run-extension").click()
    assert "Seconds must be a number from 0 to 60" in toast(page)
    fill_row(page, 1, SNOW, 4, 7)
    wait_for_plan(page, "7 s, 56 frames")
    page.wait_for_timeout(1000)
    page.reload()
    page.wait_for_selector("#reel .one video")
    page.wait_for_function("document.querySelectorAll('#rows li').length === 2")
    assert page.locator("#rows textarea").nth(1).input_value() == SNOW
    wait_for_plan(page, "7 s, 56 frames")


def test_a_job_survives_a_restart_and_a_picture_begins_a_clip(slow_program, open_page, tmp_path):
    page = open_page(slow_program.url)
    page.get_by_role("tab", name="Extend").click()
    assert "Make a clip longer" in page.locator("#reel").inner_text()
    page.get_by_role("button", name="Pictures and a video of your own").click()
    picture = write_clip(tmp_path / "first.png", np.full((1, 40, 40, 3), 90, np.uint8), 1.0)
    page.locator("#extend-files input[type=file]").first.set_input_files(picture)
    fill_row(page, 0, SNOW, 0, 2)
    number(page, "extend-fps", 8)
    wait_for_plan(page, "2 s, 16 frames")
    page.locator("#run-extension").click()
    page.wait_for_selector("#reel .job")
    page.wait_for_function("/step [1-9]/.test(document.querySelector('#reel .job').innerText)")
    page.goto("about:blank")    # Gradio reloads an open page when another program answers it
    slow_program.stop()
    slow_program.start()
    page.goto(slow_program.url)
    page.get_by_role("tab", name="Extend").click()
    page.wait_for_selector("#reel .job")
    wait_for_open(page, SNOW)    # it is still waited for
    page.wait_for_function("document.querySelector('#rows .from').value === '2'")
    made = slow_program.files()
    assert len(made) == 1 and len(read_clip(made[0]).frames) == 16
    assert "first" in read_metadata(made[0])["parents"]
    fill_row(page, 0, "something else", 0, 3)
    drop(page, made[0])
    assert "It was made from" in said(page)
    page.wait_for_function("(words) => document.querySelector('#rows textarea').value === words",
                           arg=SNOW)


def test_a_clip_that_was_deleted_leaves_the_tab_with_what_was_written(program, open_page):
    page = open_page(program.url)
    open_two_seconds(page)
    fill_row(page, 0, SNOW)
    page.get_by_role("tab", name="Library").click()
    page.locator("#library .card .open").click()
    page.get_by_role("button", name="Put in the bin").click()
    page.get_by_label("Bin", exact=True).click()
    page.on("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Empty the bin").click()
    page.get_by_text("The bin is empty").wait_for()
    page.get_by_role("tab", name="Extend").click()
    page.locator("#reel .empty").wait_for()
    assert page.locator("#extend-from input").input_value() == "Nothing: start anew"
    assert page.locator("#rows textarea").input_value() == SNOW
    page.locator("#run-extension").click()
    wait_for_open(page, SNOW)


def test_pictures_that_were_handed_over_survive_a_refresh(program, open_page, tmp_path):
    first, last = (write_clip(tmp_path / f"{name}.png", np.full((1, 40, 40, 3), level, np.uint8), 1)
                   for name, level in (("first", 90), ("last", 160)))

    def open_files():
        page.get_by_role("tab", name="Extend").click()
        page.get_by_role("button", name="Pictures and a video of your own").click()

    page = open_page(program.url)
    page.locator("#beginning button").first.click()
    page.locator("#beginning input[type=file]").set_input_files(first)
    page.get_by_label("crop").first.check()
    open_files()
    page.locator("#extend-files input[type=file]").nth(1).set_input_files(last)
    while len(list(program.outputs.glob("given/*"))) < 2:
        page.wait_for_timeout(100)
    page.wait_for_timeout(2000)
    page.reload()
    open_files()
    page.locator("#extend-files .file-preview").wait_for()
    assert "last" in page.locator("#extend-files .file-preview").inner_text()
    fill_row(page, 0, SNOW, 0, 2)
    number(page, "extend-fps", 8)
    wait_for_plan(page, "2 s, 16 frames")
    page.locator("#run-extension").click()
    wait_for_open(page, SNOW)
    assert json.loads(read_metadata(program.files()[0])["parents"]) == [
        path.name for path in program.outputs.glob("given/*last*")]
    page.get_by_role("tab", name="Create").click()
    page.locator("#beginning .file-preview").wait_for()  # it opens by itself
    make(page)
    wait_for_drafts(page)
    assert {read_metadata(path).get(OPENING_KEY) for path in program.files()} == {None, "crop"}


def test_a_dropped_long_clip_takes_out_the_pictures_of_another(program, open_page, tmp_path):
    picture = write_clip(tmp_path / "last.png", np.full((1, 40, 40, 3), 160, np.uint8), 1)
    request = ExtensionRequest(GenerationRequest(SNOW, fps=8), 3.0)
    path = write_clip(tmp_path / "snow.mp4", np.zeros((24, 36, 64, 3), np.uint8), 8,
                      request_metadata(request.clip, {EXTENSION_KEY: request.to_json()}))
    page = open_page(program.url)
    page.get_by_role("tab", name="Extend").click()
    page.get_by_role("button", name="Pictures and a video of your own").click()
    page.locator("#extend-files input[type=file]").nth(1).set_input_files(picture)
    page.locator("#extend-files .file-preview").wait_for()
    drop(page, path)
    assert "The settings of snow.mp4 are back." in said(page)
    page.locator("#extend-files .file-preview").wait_for(state="detached")
    wait_for_plan(page, "3 s, 24 frames")
    page.locator("#run-extension").click()
    page.wait_for_selector("#reel .one video")
    assert read_metadata(program.files()[0])["parents"] == "[]"


@pytest.mark.parametrize(("tab", "button", "told"), [
    ("Create", "#run", "picture"), ("Extend", "#run-extension", "end_picture")])
def test_pictures_of_an_open_page_are_used_when_the_program_was_restarted(
        program, open_page, tmp_path, tab, button, told):
    first = write_clip(tmp_path / "first.png", np.full((1, 40, 40, 3), 90, np.uint8), 1)
    page = open_page(program.url)
    page.locator("#beginning button").first.click()
    page.locator("#beginning input[type=file]").set_input_files(first)
    page.locator("#begin-preview img").wait_for()
    page.get_by_role("tab", name="Extend").click()
    page.get_by_role("button", name="Pictures and a video of your own").click()
    page.locator("#extend-files input[type=file]").nth(1).set_input_files(first)
    page.locator("#extend-files .file-preview").wait_for()
    fill_row(page, 0, SNOW, 0, 2)
    number(page, "extend-fps", 8)
    wait_for_plan(page, "2 s, 16 frames")
    page.get_by_role("tab", name="Create").click()
    type_prompt(page)
    page.get_by_role("tab", name=tab).click()
    page.wait_for_timeout(1000)
    page.reload()    # a page that has just been used is loaded again when the program comes back
    page.locator(button).wait_for()
    page.wait_for_timeout(3000)
    program.stop()
    program.start()
    while not orders(program):    # a press is lost if this one is loaded again all the same
        page.locator(button).click()
        page.wait_for_timeout(2000)
    (kept,) = program.outputs.glob("given/*")
    assert all(json.loads(one or "{}").get(told) == f"given/{kept.name}" for one in orders(program))


def orders(program):
    """Return what the jobs ask for."""
    with closing(sqlite3.connect(program.outputs / "journal.db")) as database:
        return [one for one, in database.execute('select "order" from job')]


def test_a_clip_is_made_smooth_and_keeps_its_length(program, open_page):
    page = open_page(program.url)
    open_two_seconds(page)
    assert page.locator("#rows").is_visible()
    page.get_by_label("Smooth ×4").check()
    for name in ("rows", "extend-seconds", "extend-loop"):    # of no use to a smoother clip
        page.locator(f"#{name}").wait_for(state="hidden")
    wait_for_plan(page, "61 frames")
    page.locator("#run-extension").click()
    wait_for_nodes(page, 2)
    wait_for_open(page, "61 frames at 32 fps")
    draft, smooth = (read_clip(path).frames for path in program.files())
    kept = np.abs(smooth[::4].astype(int) - draft).mean()
    between = np.abs(smooth[2::4].astype(int) - draft[:-1]).mean()
    assert len(smooth) == 61 and kept < 1 and kept < between / 2    # both files are lossy
    page.get_by_label("Longer").check()
    page.locator("#rows").wait_for()


def test_the_weight_of_known_frames_goes_into_the_file(program, open_page):
    page = open_page(program.url)
    page.get_by_role("tab", name="Extend").click()
    fill_row(page, 0, SNOW, 0, 4)
    wait_for_plan(page, "4 s, 48 frames")
    page.get_by_role("button", name="Advanced").click()
    number(page, "extend-known-weight", 2.5)
    page.wait_for_timeout(1000)
    page.reload()
    page.wait_for_selector("#extend-plan")
    wait_for_plan(page, "4 s, 48 frames")
    page.locator("#run-extension").click()
    page.wait_for_selector("#reel .one video", timeout=2 * PATIENCE)
    request = ExtensionRequest.from_json(read_metadata(program.files()[-1])[EXTENSION_KEY])
    assert request.known_weight == 2.5


@pytest.fixture
def with_upsampler(tmp_path):
    """A program with a model called mine, which has an upsampler."""
    folder = make_model(tmp_path / "models" / "mine", upsampler=True)
    for name, height in (("base", 36), ("upsampler", 288)):
        give_network(folder / name, frames=16, height=height)
    running = stand_in_program(tmp_path / "outputs", 0.1, "--models-directory",
                               str(tmp_path / "models"))
    running.start()
    yield running
    running.stop()


def test_a_finished_long_draft_is_made_large(with_upsampler, open_page):
    settings = {"steps": 2, "fps": 8, "model": "mine"}
    httpx.post(f"{with_upsampler.url}gradio_api/run/extend", timeout=PATIENCE / 1000, json={
        "data": [0, [f"0-2: {DOG}", f"2-4: {SNOW}"], 0, False, 1, settings]}).raise_for_status()
    page = open_page(with_upsampler.url)
    page.get_by_role("tab", name="Library").click()
    page.wait_for_function("document.querySelectorAll('#library .card').length === 2",
                           timeout=2 * PATIENCE)
    page.locator("#library .card .open").first.click()
    page.locator("#library dialog [data-act=extend]").click()
    wait_for_open(page, "4 s · 32 frames")
    page.get_by_role("button", name="Upscale (3 windows)").click()
    wait_for_open(page, f"Upscaled: {SNOW}")
    assert "512×288" in page.locator("#reel .one header").inner_text()
    assert page.get_by_role("button", name="Upscale (").count() == 0
    assert nodes(page) == [DOG, SNOW, f"Upscaled: {SNOW}"]
    large = with_upsampler.files()[-1]
    assert read_clip(large).frames.shape == (32, 288, 512, 3)


def test_the_tab_fits_every_screen(program, open_page):
    page = open_page(program.url)
    open_two_seconds(page)
    extend_to_six_seconds(page)
    wait_for_nodes(page, 3)
    for width, scheme in LOOKS:
        page = open_page(program.url, width=width, scheme=scheme)
        page.locator("#sheet [data-act=extend]").click()
        page.wait_for_selector("#reel .node")
        page.locator("#reel .node").last.click()
        page.wait_for_selector("#reel .meter")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


# How far what is written in the last segment lies under the plan, in pixels.
COVERED = """() => {
  const [written, plan] = ["#rows li:last-child textarea", "#extend-go"].map(
    (one) => document.querySelector(one).getBoundingClientRect());
  return Math.round(written.bottom - plan.top);
}"""


def test_on_a_laptop_the_plan_does_not_cover_what_is_written(program, open_page):
    page = open_page(program.url, width=1280, height=720)
    open_two_seconds(page)
    fill_row(page, 0, "a dgo walking", 2, 4)
    wait_for_plan(page, "guess at: dgo")
    assert page.evaluate(COVERED) <= 0
    page.get_by_role("button", name="Add a segment").click()
    page.locator("#rows textarea").nth(1).focus()
    assert page.evaluate(COVERED) <= 0
    page.locator("#rows .drop").last.click()
    table = page.locator("#extend-plan table")
    assert not table.is_visible()
    page.locator("#extend-plan summary").click()
    table.wait_for()
    fill_row(page, 0, SNOW, 2, 6)
    wait_for_plan(page, "6 s, 48 frames")
    assert table.is_visible(), "the next plan has closed it"
    assert "guess at" not in page.locator("#extend-plan").inner_text()
