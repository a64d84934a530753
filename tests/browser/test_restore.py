"""Dropping a file on the page: its settings come back, and what cannot is said."""

import base64
import json

import pytest

from engine.media import MEDIA_KEY, request_metadata, write_clip
from engine.request import GenerationRequest
from tests.browser.conftest import LOOKS
from tests.browser.test_create import seed
from tests.snapui.stand_in import moving_bar

pytestmark = pytest.mark.browser
REQUEST = GenerationRequest(prompt="a ghost <b>floating</b>", negative_prompt="rain", seed=2**62,
                            drafts=3, steps=64, guidance=4.5, fps=8, sampler="heun",
                            oscillating=True, upscale_steps=7, upscale_noise=0.35)
NUMBERS = ("drafts", "steps", "guidance", "fps", "upscale_steps", "upscale_noise")
# Carries a file over some elements and drops it on the last. Returns: whether the browser is kept
# from opening it, and whether the page's overlay was there over each and is there afterwards.
DROP = """([name, kind, data, ...path]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, { type: kind }));
  const send = (what, where) => document.querySelector(where).dispatchEvent(
    new DragEvent(what, { bubbles: true, cancelable: true, dataTransfer: carried }));
  const isCovered = () => document.body.classList.contains("is-dropping");
  const covered = path.map((where) => (send("dragover", where), isCovered()));
  return [!send("drop", path.at(-1)), [...covered, isCovered()]];
}"""


def drop(page, path, *over, kind=""):
    data = base64.b64encode(path.read_bytes()).decode()
    return page.evaluate(DROP, [path.name, kind, data, *(over or ["body"])])


def said(page):
    page.wait_for_selector("#restored [role=status]")
    return page.locator("#restored").inner_text()


def other_settings(page):
    """Change every setting, so that what stands there afterwards has come back."""
    page.locator("#control-negative_prompt textarea").fill("snow")
    for name in NUMBERS:
        page.locator(f"#control-{name} input[type=number]").fill("1")
    page.locator("#control-oscillating input").uncheck()
    page.locator("#control-sampler input").click()
    page.get_by_role("option", name="euler", exact=True).click()
    page.locator("#lock input").uncheck()


def test_every_field_of_a_dropped_file_comes_back(program, open_page, tmp_path):
    page = open_page(program.url)
    page.locator("#advanced button").first.click()
    other_settings(page)
    for suffix in (".mp4", ".webm", ".gif", ".webp", ".apng", ".png"):
        page.locator("#control-prompt textarea").fill("something else")
        page.get_by_role("tab", name="Library").click()
        page.wait_for_selector("#library .empty")
        drop(page, write_clip(tmp_path / f"ghost{suffix}", moving_bar(1, 36, 64), 12,
                              request_metadata(REQUEST)))
        page.get_by_text(f"The settings of ghost{suffix} are back").wait_for()
        prompt = page.locator("#control-prompt textarea")
        prompt.wait_for(state="visible")
        assert (prompt.input_value(), seed(page)) == (REQUEST.prompt, str(REQUEST.seed))
        assert page.locator("#control-negative_prompt textarea").input_value() == "rain"
        shown = {name: float(page.locator(f"#control-{name} input[type=number]").input_value())
                 for name in NUMBERS}
        assert shown == {name: getattr(REQUEST, name) for name in NUMBERS}
        assert page.locator("#control-sampler input").input_value() == "heun"
        assert page.locator("#control-oscillating input").is_checked()
        assert page.locator("#control-model input").input_value() == REQUEST.model
        assert page.get_by_label("Fine").is_checked()
        assert page.locator("#lock input").is_checked()
        other_settings(page)


def test_what_a_file_cannot_bring_back_is_listed(program, open_page, tmp_path):
    stored = json.loads(REQUEST.to_json()) | {"steps": 999, "model": "paper_3b9", "lora": "x"}
    path = write_clip(tmp_path / "other.webp", moving_bar(1, 36, 64), 12,
                      {MEDIA_KEY: json.dumps(stored)})
    for width, scheme in LOOKS:
        page = open_page(program.url, width=width, scheme=scheme)
        drop(page, path)
        text = said(page)
        for part in ("Steps was 999", "paper_3b9 is not on this machine", "does not know lora"):
            assert part in text
        assert page.locator("#control-prompt textarea").input_value() == REQUEST.prompt
    page.locator("#restored button").click()
    page.wait_for_selector("#restored [role=status]", state="detached")
    drop(page, path)
    assert "except:" in said(page)


def test_the_button_takes_a_file_and_one_made_elsewhere_changes_nothing(program, open_page,
                                                                       tmp_path):
    page = open_page(program.url)
    path = write_clip(tmp_path / "ghost.mp4", moving_bar(1, 36, 64), 12, request_metadata(REQUEST))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open a clip").click()
    chooser.value.set_files(path)
    assert "The settings of ghost.mp4 are back" in said(page)
    drop(page, write_clip(tmp_path / "other.gif", moving_bar(1, 36, 64), 12))
    page.get_by_text("carries no settings of this program").wait_for()
    assert page.locator("#control-prompt textarea").input_value() == REQUEST.prompt


def test_a_picture_dropped_on_a_field_of_its_own_goes_there(program, open_page, tmp_path):
    picture = write_clip(tmp_path / "mine.png", moving_bar(1, 36, 64)[:1], 1)
    page = open_page(program.url)
    page.locator("#beginning button").first.click()
    zone = "#beginning [aria-dropeffect]"
    page.wait_for_selector(zone)
    beside = drop(page, picture, "body", "#begin-fit", kind="image/png")
    assert beside == [True, [True, False, False]]
    assert drop(page, picture, "body", zone, kind="image/png") == [True, [True, False, False]]
    page.wait_for_selector("#beginning .file-preview")
    page.get_by_role("tab", name="Extend").click()
    page.locator("#extend-files button").first.click()
    page.wait_for_selector("#extend-files [aria-dropeffect]")
    assert drop(page, picture, "#extend-fit", kind="image/png") == [True, [False, False]]
    assert page.locator("#restored [role=status], .toast-body").count() == 0
