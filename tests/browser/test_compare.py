"""Comparing as a person would: one noise, lockstep, step by step, a blind vote, one file."""

import pytest
from playwright.sync_api import expect

from engine.media import read_clip, read_metadata
from snapui.compare import Plan
from tests.browser.conftest import LOOKS, PATIENCE
from tests.browser.test_create import type_prompt

pytestmark = pytest.mark.browser
FRAMES = "[...document.querySelectorAll('#player canvas')].map((one) => one.frame)"
PIXEL = """(place) => { const canvas = document.querySelectorAll('#player canvas')[place];
  return [...canvas.getContext('2d').getImageData(60, 4, 1, 1).data].slice(0, 3); }"""


def open_compare(page):
    type_prompt(page)
    page.get_by_role("tab", name="Compare").click()
    page.locator("#columns-values textarea").wait_for()


def choose(page, axis, label):
    box = page.locator(f"#{axis}-field input")
    box.click()
    field = page.locator(f"#{axis}-field")    # another field's list may still be closing
    field.get_by_role("option", name=label, exact=True).click()


def compare(page, label, values, key="Control+Enter"):
    choose(page, "columns", label)
    page.locator("#columns-values textarea").fill(values)
    page.keyboard.press(key)


def wait_for_cells(page, count):
    page.wait_for_function(
        f"document.querySelectorAll('#player canvas').length === {count}", timeout=2 * PATIENCE)
    page.wait_for_function(f"({FRAMES}).every((frame) => frame !== undefined)")


def step_to(page, frame):
    page.locator("#player .scrub").fill(str(frame))
    page.wait_for_function(f"({FRAMES}).every((one) => one === {frame})")


def play_in_lockstep(page):
    """Watch for some seconds: all cells show the same frame, and not always the same."""
    seen = [page.evaluate(FRAMES) for _ in range(60) if page.wait_for_timeout(50) is None]
    assert all(len(set(frames)) == 1 for frames in seen), "the cells fell out of step"
    assert len({frames[0] for frames in seen}) > 1, "nothing played"


def vote_for_a(page):
    for aspect in ("alignment", "motion", "looks"):
        page.locator(f"#player input[name={aspect}][value=A]").check()
    page.get_by_role("button", name="Vote", exact=True).click()
    page.wait_for_selector("#player .tally table")


def save_grid(page, button, folder):
    """Press a button that saves the comparison. Returns: the file."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_cells_play_in_lockstep_under_one_bar(program, open_page):
    page = open_page(program.url)
    open_compare(page)
    assert "See what one setting does" in page.locator("#player").inner_text()
    compare(page, "Seed", "0\n4\n1")
    wait_for_cells(page, 3)
    play_in_lockstep(page)
    step_to(page, 5)
    page.locator("#player .forth").click()
    assert page.evaluate(FRAMES) == [6, 6, 6]
    page.locator("#player .back").click()
    page.locator("#player .back").click()
    assert page.evaluate(FRAMES) == [4, 4, 4]
    assert "5 / 16" in page.locator("#player .place").inner_text()
    difference_is_black_where_clips_are_the_same(page)
    page.locator("#player .loop").uncheck()
    page.locator("#player .speed").select_option("2")
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    assert page.evaluate(FRAMES) == [15, 15, 15]
    for width, scheme in LOOKS:
        page = open_page(program.url, width=width, scheme=scheme)
        page.get_by_role("tab", name="Compare").click()
        wait_for_cells(page, 3)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def difference_is_black_where_clips_are_the_same(page):
    """The seeds 0, 4 and 1 have these colours in the stand-in: see moving_bar."""
    step_to(page, 0)
    plain = [page.evaluate(PIXEL, place) for place in range(3)]
    assert plain == [[60, 120, 200], [60, 120, 80], [100, 120, 170]]
    page.locator("#player .difference").check()
    shown = [page.evaluate(PIXEL, place) for place in range(3)]
    assert shown == [[60, 120, 200], [0, 0, 120], [40, 0, 30]]
    page.locator("#player .difference").uncheck()


def test_a_blind_vote_hides_the_names_until_it_is_cast(program, open_page):
    page = open_page(program.url)
    open_compare(page)
    compare(page, "Guidance", "1\n3")
    wait_for_cells(page, 2)
    assert "Guidance 3" in page.locator("#player").inner_text()
    page.get_by_role("button", name="Vote blind").click()
    page.wait_for_selector("#player .vote")
    assert "Guidance" not in page.locator("#player").inner_html()
    assert page.locator("#player figcaption").all_inner_texts() == ["A", "B"]
    page.get_by_role("button", name="Vote", exact=True).click()
    assert page.locator("#player .vote").count() == 1, "an empty ballot was taken"
    vote_for_a(page)
    cells = page.locator("#player tbody tr").first.locator("td").all_inner_texts()
    assert sorted(cell.split("\n")[0] for cell in cells) == ["0 of 1", "1 of 1"]
    assert any("21 to 100%" in cell for cell in cells)


def test_a_comparison_survives_a_refresh_and_a_restart(slow_program, open_page):
    page = open_page(slow_program.url)
    open_compare(page)
    compare(page, "Guidance", "1\n3")
    page.locator("#player .blank").first.wait_for()
    page.wait_for_timeout(1000)
    page.goto("about:blank")    # Gradio reloads an open page when another program answers it
    slow_program.stop()
    slow_program.start()
    page.goto(slow_program.url)
    wait_for_cells(page, 2)
    expect(page.locator("#columns-values textarea")).to_have_value("1\n3")
    expect(page.locator("#player figcaption")).to_have_text(["Guidance 1", "Guidance 3"])


def test_comparisons_of_another_page_are_listed_when_the_tab_is_opened(program, open_page):
    first, second = open_page(program.url), open_page(program.url)
    for page, values in ((first, "1\n3"), (second, "2\n4")):
        open_compare(page)
        compare(page, "Guidance", values)
        wait_for_cells(page, 2)
    first.get_by_role("tab", name="Create").click()
    first.get_by_role("tab", name="Compare").click()
    chosen = first.locator("#comparisons input")
    chosen.click()
    first.locator("#comparisons").get_by_role("option", name="2: Guidance").wait_for()
    assert chosen.input_value().startswith("1: Guidance")
    first.get_by_role("option", name="2: Guidance").click()
    first.get_by_text("Guidance 4").wait_for()


def test_a_comparison_is_saved_as_one_file(program, open_page, tmp_path):
    page = open_page(program.url)
    open_compare(page)
    choose(page, "rows", "Steps")
    page.locator("#rows-values textarea").fill("2\n4")
    compare(page, "Prompt", "a dog\na cat")
    wait_for_cells(page, 4)
    for button, suffix, count in (("Save as MP4", ".mp4", 16),
                                  ("Save this frame as PNG", ".png", 1)):
        path = save_grid(page, button, tmp_path)
        assert path.name.endswith(f"_comparison_1{suffix}")
        assert len(read_clip(path).frames) == count
        plan = Plan.from_json(read_metadata(path)["comparison"])
        assert plan.columns.values == ("a dog", "a cat")


def test_the_keyboard_alone_compares_and_a_wrong_value_is_one_sentence(program, open_page):
    page = open_page(program.url)
    open_compare(page)
    compare(page, "Guidance", "1\n99")
    page.locator("#compare-told").get_by_text("Guidance must be from 0.0").wait_for()
    page.locator("#columns-values textarea").fill("1\n9")
    page.keyboard.press("Tab")
    page.locator("#run-comparison").focus()
    page.keyboard.press("Enter")
    wait_for_cells(page, 2)
    page.locator("#player .play").focus()
    page.keyboard.press("Enter")
    page.locator("#player .scrub").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Home")
    assert page.evaluate(FRAMES) == [0, 0]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FRAMES) == [1, 1]


def test_a_comparison_is_stopped_on_its_own_tab(slow_program, open_page):
    page = open_page(slow_program.url)
    open_compare(page)
    compare(page, "Seed", "0\n4\n1")
    stop = page.locator("#player .stop")
    stop.wait_for()
    page.wait_for_function("document.querySelector('#player .blank').innerText.includes('Step')")
    stop.click()
    stop.wait_for(state="hidden")
    assert page.locator("#player .blank").all_inner_texts() == ["Stopped"] * 3
    assert slow_program.files() == []


def test_each_field_has_values_of_its_own_and_what_is_wrong_is_told(program, open_page):
    page = open_page(program.url)
    open_compare(page)
    values, told = page.locator("#columns-values textarea"), page.locator("#compare-told")
    values.fill("a dog\na yeti")
    expect(told).to_contain_text("will guess at: yeti")
    choose(page, "columns", "Model")
    expect(values).to_have_value("storybook\nstorybook-forty")
    expect(page.locator("#columns-values")).to_contain_text("Out of storybook, storybook-forty")
    expect(told).to_contain_text("2 clips")
    values.fill("storybook\nstoribook")
    expect(told).to_contain_text("There is no model 'storibook'. Known models: storybook,")
    choose(page, "columns", "Guidance")
    expect(values).to_have_value("")
    values.fill("1\n2\n3\n4\n5")
    expect(told).to_contain_text("not 5")
    choose(page, "columns", "Prompt")
    expect(values).to_have_value("a dog\na yeti")
    page.wait_for_timeout(1000)
    page.reload()
    values.wait_for()
    expect(values).to_have_value("a dog\na yeti")
    choose(page, "columns", "Steps")
    expect(values).to_have_value("")
    choose(page, "columns", "Guidance")
    expect(values).to_have_value("1\n2\n3\n4\n5"), "also those of a field that was not chosen"
    page.wait_for_timeout(1000)
    page.reload()
    expect(values).to_have_value("1\n2\n3\n4\n5")
    choose(page, "columns", "Prompt")
    expect(values).to_have_value("a dog\na yeti"), "a refresh keeps them too"
