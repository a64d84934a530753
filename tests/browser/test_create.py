"""Making clips as a person would: typing, watching, keeping, stopping, coming back."""

import os
import re
import signal
import sqlite3

import numpy as np
import pytest
from playwright.sync_api import expect

from engine.catalog import find_model
from engine.media import OPENING_KEY, read_metadata, read_request, write_clip
from tests.browser.conftest import PATIENCE, SHOTS
from tests.snapui.test_worker import wait_for

pytestmark = pytest.mark.browser
PROMPT = "a dog walking to the left in the meadow"
# As on a busy machine: what the page asks for by itself is answered late.
SLOW_ANSWERS = """() => {
  const fetched = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await fetched(...asked);
    if (String(asked[0].url || asked[0]).includes("run/predict"))
      await new Promise((go) => setTimeout(go, 3000));
    return answer;
  };
}"""
# The cards are asked for only when the rest of the page has its answers.
NEWS_COME_LAST = """(() => {
  const fetched = window.fetch;
  window.fetch = async (...asked) => {
    while (String(asked[0].url || asked[0]).includes("snapui/live")
        && !document.querySelector("#estimate")?.innerText.trim())
      await new Promise((go) => setTimeout(go, 100));
    return fetched(...asked);
  };
})()"""
BAD_INPUT = (
    ("", "7", "The prompt is empty"),
    ("x" * 10_000, "7", "shorten it to 2000"),
    (PROMPT, "-1", "Seed must be from 0"),
    (PROMPT, str(2**63), "Seed must be from 0"),
    (PROMPT, "seven", "Seed must be a whole number"),
)


def type_prompt(page, text=PROMPT):
    page.locator("#control-prompt textarea").fill(text)


def make(page, text=PROMPT):
    type_prompt(page, text)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#sheet .job")


def wait_for_drafts(page, count=4):
    page.wait_for_function(
        f"document.querySelectorAll('#sheet [data-pick]').length === {count}", timeout=2 * PATIENCE)


def seed(page):
    return page.locator("#control-seed input, #control-seed textarea").input_value()


def told(page):
    return page.locator("#sheet .cards").inner_text()


def toast(page):
    return page.wait_for_selector(".toast-body").inner_text()


def previews_until(page, drafts):
    """Wait for so many drafts. Returns: the previews that were shown until then."""
    shown = set()
    while page.locator("#sheet [data-pick]").count() < drafts:
        shown |= set(page.eval_on_selector_all(
            "#sheet .is-moving img", "images => images.map(image => image.src)"))
        page.wait_for_timeout(100)
    return shown


def test_a_prompt_becomes_moving_drafts_and_the_ticked_ones_are_upscaled(slow_program, open_page):
    page = open_page(slow_program.url)
    assert "Type a prompt and press" in told(page)
    make(page)
    assert len(previews_until(page, 4)) >= 8, "the previews did not move on while the job ran"
    for place in (1, 2):
        page.locator("#sheet [data-pick]").nth(place).check()
    button = page.locator("#sheet .upscale")
    assert "Upscale 2 ticked" in button.inner_text()
    button.click()
    page.wait_for_function("document.querySelectorAll('#sheet video').length === 2")
    assert page.locator("#sheet [data-pick]").count() == 4, "the drafts stay"
    page.wait_for_function("document.querySelector('#sheet video').currentTime > 0")
    size = page.evaluate("(() => { const video = document.querySelector('#sheet video');"
                         "return [video.videoWidth, video.videoHeight]; })()")
    assert size == [512, 288]
    assert len(slow_program.files()) == 6


def test_a_refused_upscale_leaves_the_ticks(program, open_page):
    page = open_page(program.url)
    make(page)
    wait_for_drafts(page)
    with sqlite3.connect(program.outputs / "journal.db") as journal:    # behind the page's back
        journal.execute("DELETE FROM clip WHERE id = 2")
    first, gone = (page.locator(f"#sheet [data-pick='{number}']") for number in (1, 2))
    button = page.locator("#sheet .upscale")
    first.check()
    gone.check()
    button.click()
    assert "no clip number 2" in toast(page)
    expect(button).to_contain_text("Upscale 2 ticked")
    gone.uncheck()
    button.click()
    page.wait_for_selector("#sheet video")
    expect(button).to_be_disabled()


def test_a_finished_clip_can_be_downloaded(program, open_page):
    page = open_page(program.url)
    make(page)
    wait_for_drafts(page)
    with page.expect_download() as download:
        page.locator("#sheet .actions a").first.click()
    name = download.value.suggested_filename
    assert re.fullmatch(r"\d{6}_a-dog-walking-to-the-left-in-the-meadow_\d+_1\.mp4", name)
    assert download.value.path().stat().st_size > 500


def test_a_running_job_says_its_step_and_stops_at_once(slow_program, open_page):
    other, page = open_page(slow_program.url), open_page(slow_program.url)
    page.evaluate(SLOW_ANSWERS)
    page.get_by_label("Fine").check()
    make(page)
    page.wait_for_function("/step \\d+ of 64, .+ left/.test("
                           "document.querySelector('#sheet .cards').innerText)")
    other.locator("#stop").click()
    assert "Nothing that was asked for on this page is running" in toast(other)
    page.locator("#stop").click()
    page.wait_for_selector("#sheet .empty", timeout=30_000)  # it takes no place on the sheet
    page.locator("#line button").first.click()
    page.wait_for_selector("#queue .is-cancelled")
    assert slow_program.files() == []


def test_what_is_chosen_looks_chosen_under_the_pointer_too(program, open_page):
    page = open_page(program.url)
    chosen, colour = page.get_by_label("Fine"), "(one) => getComputedStyle(one).backgroundColor"
    chosen.check()
    page.locator("#control-prompt textarea").focus()
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)
    apart = chosen.evaluate(colour)
    chosen.hover()
    page.wait_for_timeout(1000)
    assert chosen.evaluate("(one) => one.matches(':hover')")
    assert chosen.evaluate(colour) == apart != page.get_by_label("Standard").evaluate(colour)


def test_the_sheet_and_the_settings_survive_a_refresh_and_a_second_tab(slow_program, open_page):
    page = open_page(slow_program.url)
    page.locator("#control-guidance input[type=number]").fill("5")
    page.get_by_label("Fine").check()
    make(page)
    used = seed(page)
    page.wait_for_timeout(1000)
    page.reload()
    page.wait_for_selector("#sheet .job")
    page.wait_for_function("document.querySelector('#control-prompt textarea').value !== ''")
    assert page.locator("#control-prompt textarea").input_value() == PROMPT
    assert page.locator("#control-guidance input[type=number]").input_value() == "5"
    assert page.get_by_label("Fine").is_checked()
    assert seed(page) == used
    other = open_page(slow_program.url)
    assert PROMPT in told(other)


def test_two_tabs_of_a_browser_keep_what_was_typed_in_each(program, open_page):
    first = open_page(program.url)
    type_prompt(first, "a dog")
    first.wait_for_timeout(1000)
    second = first.context.new_page()
    second.goto(program.url)
    expect(second.locator("#control-prompt textarea")).to_have_value("a dog"), "of the last tab"
    type_prompt(second, "a cat")
    second.wait_for_timeout(1000)
    for page, prompt in ((first, "a dog"), (second, "a cat")):
        page.reload()
        page.wait_for_selector("#sheet .cards > *")
        expect(page.locator("#control-prompt textarea")).to_have_value(prompt)
    third = first.context.new_page()
    third.goto(program.url)
    expect(third.locator("#control-prompt textarea")).to_have_value("a cat")


def test_ticks_survive_a_refresh_whatever_is_answered_first(program, open_page):
    page = open_page(program.url)
    make(page)
    wait_for_drafts(page)
    page.locator("#sheet [data-pick]").nth(1).check()
    page.add_init_script(NEWS_COME_LAST)
    page.reload()
    wait_for_drafts(page)
    expect(page.locator("#sheet .upscale")).to_contain_text("Upscale 1 ticked")
    expect(page.locator("#sheet [data-pick]").nth(1)).to_be_checked()
    page.get_by_role("button", name="Untick all").click()
    expect(page.locator("#sheet [data-pick]:checked")).to_have_count(0)
    expect(page.locator("#sheet .upscale")).to_be_disabled()


def test_the_sheet_survives_a_closed_tab_and_a_restart_of_the_program(slow_program, open_page):
    page = open_page(slow_program.url)
    make(page)
    page.wait_for_function("/step \\d+ of/.test("
                           "document.querySelector('#sheet .cards').innerText)")
    page.close()
    slow_program.stop()
    slow_program.start()
    page = open_page(slow_program.url)
    assert PROMPT in told(page)
    wait_for_drafts(page)


def test_a_killed_worker_is_replaced_and_its_job_is_done(slow_program, open_page):
    page = open_page(slow_program.url)
    make(page)
    page.wait_for_function("/step \\d+ of/.test("
                           "document.querySelector('#sheet .cards').innerText)")
    with sqlite3.connect(slow_program.outputs / "journal.db") as journal:
        (pid,) = journal.execute("select pid from worker").fetchone()
    journal.close()
    os.kill(pid, signal.SIGKILL)
    wait_for_drafts(page)
    assert "Waiting" not in told(page)


def test_new_words_are_named_while_typing_and_a_surprise_has_none(program, open_page):
    page = open_page(program.url)
    note = page.locator("#new-words")
    type_prompt(page, "a xylophone walking in the meadow")
    expect(note).to_contain_text("guess at: xylophone.")
    type_prompt(page, "a cat walking in the meadow")
    expect(note).to_contain_text("guess at: cat. The model storybook-forty has learnt it.")
    page.get_by_role("button", name="Surprise me").click()
    expect(note).to_be_hidden()
    prompt = page.locator("#control-prompt textarea").input_value()
    assert prompt in find_model("storybook").vocabulary.ideas
    make(page, prompt)
    wait_for_drafts(page)


def test_half_a_word_is_no_new_word_and_a_note_moves_no_button(program, open_page):
    page = open_page(program.url)
    note, button = page.locator("#new-words"), page.get_by_role("button", name="Make drafts")
    page.evaluate("""() => {
      window.notes = [];
      new MutationObserver(() => notes.push(document.querySelector("#new-words").innerText))
        .observe(document.body, { subtree: true, childList: true, characterData: true });
    }""")
    page.wait_for_timeout(1000)  # until what was remembered is judged
    page.locator("#control-prompt textarea").click()
    page.keyboard.type("a panda bouncing", delay=120)
    page.wait_for_timeout(3000)
    assert not [said for said in page.evaluate("notes") if "guess" in said]
    place = button.bounding_box()
    page.keyboard.type(" zebra", delay=50)
    expect(note).to_contain_text("guess at: zebra.")  # the typing rests
    assert button.bounding_box() == place
    page.screenshot(path=SHOTS / "new-words.png")
    page.get_by_role("button", name="Use storybook-forty").click()
    expect(note).to_be_hidden()
    assert page.locator("#control-model input").input_value() == "storybook-forty"
    page.keyboard.type(" blurs", delay=20)
    page.locator("#control-negative_prompt textarea").click()
    expect(note).to_contain_text("blurs")


def test_the_seed_changes_every_run_until_it_is_locked(program, open_page):
    page = open_page(program.url)
    make(page)
    box = page.locator("#control-seed input, #control-seed textarea")
    expect(box).not_to_have_value("0")  # the answer may come after the sheet has shown the job
    first = seed(page)
    page.keyboard.press("Control+Enter")
    expect(box).not_to_have_value(first)
    second = seed(page)
    page.locator("#lock input").check()
    page.keyboard.press("Control+Enter")
    page.wait_for_function("document.querySelectorAll('#sheet .job').length === 3")
    assert told(page).count(f"seeds {second} to") == 2
    assert seed(page) == second
    page.locator("#lock input").uncheck()
    page.get_by_role("button", name="Random").click()
    expect(box).not_to_have_value(second)
    expect(page.locator("#lock input")).to_be_checked()


def test_reuse_puts_the_settings_of_a_clip_back(program, open_page):
    page = open_page(program.url)
    make(page)
    wait_for_drafts(page)
    type_prompt(page, "something else")
    third = page.locator("#sheet figure .seed").nth(2).inner_text().removeprefix("seed ")
    page.locator("#sheet [data-act=reuse]").nth(2).click()
    page.wait_for_function(f"[...document.querySelectorAll('#control-seed input, "
                           f"#control-seed textarea')].some(one => one.value === '{third}')")
    assert page.locator("#control-prompt textarea").input_value() == PROMPT
    assert page.locator("#lock input").is_checked()


def test_a_draft_is_seen_large_and_the_keyboard_steps_and_keeps(program, open_page):
    page = open_page(program.url)
    make(page)
    wait_for_drafts(page)
    seeds = page.locator("#sheet figure .seed").all_inner_texts()
    page.locator("#sheet .look").nth(2).click()
    dialog = page.locator("#sheet dialog")
    expect(dialog.locator(".seed")).to_have_text(seeds[2])
    expect(dialog.locator("h3")).to_have_text(PROMPT)
    page.wait_for_function("document.querySelector('#sheet dialog img').naturalWidth > 0")
    assert dialog.locator("img").bounding_box()["width"] > 800
    page.keyboard.press("ArrowRight")
    expect(dialog.locator(".seed")).to_have_text(seeds[3])
    expect(dialog.get_by_role("button", name="Next")).to_be_disabled()
    expect(dialog.get_by_role("status")).to_have_text(seeds[3], timeout=5000)
    expect(dialog.get_by_role("checkbox")).to_have_accessible_name(
        f"Keep the draft with {seeds[3]}", timeout=5000)
    page.keyboard.press("Space")
    page.screenshot(path=SHOTS / "create-large-draft.png")
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_role("checkbox")).not_to_be_checked()
    dialog.get_by_role("button", name="Previous").click()
    expect(dialog.locator(".seed")).to_have_text(seeds[1])
    dialog.get_by_role("button", name="Previous").click()
    page.keyboard.press("ArrowRight")  # the button that was pressed is off at this end
    expect(dialog.locator(".seed")).to_have_text(seeds[1])
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#sheet .look").nth(1)).to_be_focused()
    assert [box.is_checked() for box in page.locator("#sheet [data-pick]").all()] == [
        False, False, False, True]
    expect(page.get_by_role("button", name="Upscale 1 ticked")).to_be_enabled()


def test_an_idea_that_cannot_be_had_writes_none_of_before(program, open_page):
    page = open_page(program.url)
    prompt, example = page.locator("#control-prompt textarea"), page.locator("#sheet .examples *")
    for _ in range(2):  # the same one twice
        example.first.click()
        page.wait_for_function("document.querySelector('#control-prompt textarea').value")
        type_prompt(page, "")
    type_prompt(page, PROMPT)
    example.first.evaluate("(one) => { one.dataset.id = 99; }")
    example.first.click()
    assert "went wrong" in toast(page)
    page.wait_for_timeout(1000)
    assert prompt.input_value() == PROMPT


def test_what_the_model_draws_is_pressed_for_a_prompt_about_it(program, open_page):
    page = open_page(program.url)
    page.get_by_role("button", name="What the model draws").click()
    prompt = page.locator("#control-prompt textarea")
    prompt.fill("my own words")
    page.locator("#offered").get_by_role("button", name="panda", exact=True).click()
    expect(prompt).to_have_value(re.compile("^a panda"))
    expect(page.locator("#offered").get_by_role("status")).to_have_text(prompt.input_value())
    prompt.press("Control+z")
    expect(prompt).to_have_value("my own words")
    expect(page.locator("#offered button")).to_have_count(12)
    page.locator("#control-model input").fill("storybook-forty")
    page.keyboard.press("Enter")
    expect(page.locator("#offered button")).to_have_count(40)
    page.locator("#offered").get_by_role("button", name="octopus", exact=True).focus()
    page.keyboard.press("Enter")
    expect(prompt).to_have_value(re.compile("^an octopus"))
    page.screenshot(path=SHOTS / "create-what-the-model-draws.png", full_page=True)


def test_the_estimate_beside_the_button_follows_drafts_and_steps(program, open_page):
    page = open_page(program.url)
    estimate = page.locator("#estimate")

    def seconds(words):
        expect(estimate).to_contain_text(words)
        return sum(int(count) * {"h": 3600, "min": 60, "s": 1}[unit] for count, unit in
                   re.findall(r"(\d+) (h|min|s)\b", estimate.inner_text()))

    four = seconds("for these 4 drafts on this machine")
    page.locator("#control-drafts input[type=number]").fill("8")
    eight = seconds("for these 8 drafts")
    assert 0 < four < eight
    page.get_by_label("Fine").check()
    wait_for(lambda: seconds("for these 8 drafts") > eight)
    page.locator("#control-drafts input[type=number]").fill("1")
    assert 0 < seconds("for this draft") < eight
    button, told = (page.locator(one).bounding_box() for one in ("#run", "#estimate"))
    assert 0 <= told["y"] - button["y"] < 120, "it does not stand beside the button"


def test_bad_input_is_answered_in_a_sentence(program, open_page):
    page = open_page(program.url)
    for prompt, typed_seed, said in BAD_INPUT:
        type_prompt(page, prompt)
        page.locator("#control-seed input, #control-seed textarea").fill(typed_seed)
        page.wait_for_function("document.querySelector('#lock input').checked")
        page.locator("#run").click()
        text = toast(page)
        assert said in text
        assert "Traceback" not in text
        page.locator(".toast-close").first.click()
        page.wait_for_selector(".toast-body", state="detached")
    assert page.locator("#sheet .job").count() == 0


def test_a_prompt_with_html_shows_as_text_and_runs_nothing(program, open_page):
    page = open_page(program.url)
    page.on("dialog", lambda dialog: pytest.fail("a prompt ran as a script"))
    nasty = '<img src=x onerror=alert(1)> <b>bold</b> "quoted" & 🐕 كلب'
    make(page, nasty)
    wait_for_drafts(page)
    assert page.locator("#sheet .job h3").inner_text() == nasty
    page.locator("#sheet .look").first.click()
    expect(page.locator("#sheet dialog h3")).to_have_text(nasty)
    assert page.locator("#sheet h3 *").count() == 0


def test_everything_is_reached_and_pressed_with_the_keyboard_alone(program, open_page):
    page = open_page(program.url)
    page.locator("#control-prompt textarea").focus()
    page.keyboard.type(PROMPT)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "run"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    wait_for_drafts(page)
    page.locator("#sheet [data-pick]").first.focus()
    page.keyboard.press("Space")
    assert "Upscale 1 ticked" in page.locator("#sheet .upscale").inner_text()
    page.locator("#sheet .upscale").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#sheet video")


def test_it_fits_every_screen_in_light_and_dark(program, open_page):
    first = open_page(program.url)
    make(first)
    wait_for_drafts(first)
    first.locator("#sheet [data-pick]").first.check()
    first.locator("#sheet .upscale").click()
    first.wait_for_selector("#sheet video")
    for scheme in ("light", "dark"):
        for width in (1440, 390):
            page = open_page(program.url, width=width, scheme=scheme)
            page.wait_for_selector("#sheet video")
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"the page is {overflow} pixels too wide at {width}"
            page.locator("#sheet .job").scroll_into_view_if_needed()


@pytest.mark.slow
def test_the_real_engine_makes_a_draft_that_can_be_made_again(real_program, open_page):
    page = open_page(real_program.url)
    page.get_by_label("Draft", exact=True).check()
    page.locator("#control-drafts input[type=number]").fill("1")
    make(page)
    wait_for_drafts(page, 1)
    (file,) = real_program.files()
    request = read_request(file)
    assert (request.prompt, request.steps, str(request.seed)) == (PROMPT, 12, seed(page))


def test_drafts_begin_with_a_picture_which_reuse_brings_back(program, open_page, tmp_path):
    pixels = np.random.default_rng(5).integers(0, 256, (1, 36, 64, 3), dtype=np.uint8)
    picture = write_clip(tmp_path / "mine.png", pixels, 1.0)
    page = open_page(program.url)
    page.locator("#beginning button").first.click()
    page.locator("#beginning input[type=file]").set_input_files(picture)
    page.locator("#beginning").get_by_text("mine.png").or_(
        page.locator("#beginning .file-preview")).first.wait_for()
    page.get_by_label("crop").first.check()
    while not list(program.outputs.glob("given/*")):
        page.wait_for_timeout(100)
    page.wait_for_timeout(1000)
    edges = [page.locator(one).first.bounding_box()["x"]
             for one in ("#beginning", "#settings .form")]
    assert abs(edges[0] - edges[1]) < 2, "what is open pushes the settings out of their column"
    make(page)
    wait_for_drafts(page)
    assert "from a picture" in told(page)
    page.reload()
    sign = page.locator("#begin-preview img")
    expect(sign).to_be_visible()
    wait_for(lambda: sign.evaluate("image => image.naturalWidth") == 64)
    expect(page.locator("#beginning button").first).to_contain_text("Start picture: mine.png")
    sign.scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / "start-picture.png")
    page.get_by_label("Remove this file").or_(page.get_by_label("Clear")).first.click()
    expect(sign).to_be_hidden()
    expect(page.locator("#beginning button").first).not_to_contain_text("mine.png")
    page.locator("#beginning button").first.click()
    page.locator("#sheet [data-act=reuse]").first.click()
    page.locator("#beginning .file-preview").wait_for()
    expect(sign).to_be_visible()
    page.wait_for_timeout(1000)
    make(page)
    wait_for_drafts(page, 5)
    with sqlite3.connect(program.outputs / "journal.db") as database:
        orders = [one for one, in database.execute('select "order" from job')]
    database.close()
    assert orders[0] == orders[1] and '"crop"' in orders[0]
    assert all(read_metadata(path)[OPENING_KEY] == "crop" for path in program.files())
