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
                            steps=64, guidance=4.5, sampler="heun", oscillating=True)
DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  for (const kind of ["dragover", "drop"]) document.body.dispatchEvent(
    new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried }));
}"""


def drop(page, path):
    page.evaluate(DROP, [path.name, base64.b64encode(path.read_bytes()).decode()])


def said(page):
    page.wait_for_selector("#restored [role=status]")
    return page.locator("#restored").inner_text()


def test_every_field_of_a_dropped_file_comes_back(program, open_page, tmp_path):
    page = open_page(program.url)
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
        assert page.locator("#control-guidance input[type=number]").input_value() == "4.5"
        assert page.get_by_label("Fine").is_checked()
        assert page.locator("#lock input").is_checked()


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
