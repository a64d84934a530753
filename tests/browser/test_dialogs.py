"""What is shown large over the page stays until it is meant to go."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_create import make, wait_for_drafts
from tests.browser.test_library import open_first, open_library
from tests.browser.test_queue import press

pytestmark = pytest.mark.browser
PADDING = 6  # pixels from a dialog's edge, where nothing of what it holds can be
BESIDE = -20


def drag(page, begin, end):
    page.mouse.move(*begin)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()


def check(page, dialog, field=None):
    """Press everywhere: only a press that begins and ends beside the dialog closes it."""
    box = dialog.bounding_box()
    middle = box["y"] + box["height"] / 2
    inside, beside = (box["x"] + PADDING, middle), (box["x"] + BESIDE, middle)
    drag(page, inside, inside)
    drag(page, inside, beside)
    drag(page, beside, inside)
    if field is not None:
        field.fill("a long text")
        place = field.bounding_box()
        within = (place["x"] + 60, place["y"] + 15)
        drag(page, within, (inside[0], within[1]))
        assert page.evaluate("String(getSelection())"), "nothing was selected"
        drag(page, within, beside)
    assert dialog.is_visible(), "it closed, and what was typed in it is gone"
    assert field is None or field.input_value() == "a long text"
    drag(page, beside, beside)
    expect(dialog).to_be_hidden()


def test_a_dialog_is_closed_by_a_press_beside_it_and_by_no_other(program, open_page):
    page = open_page(program.url)
    make(page)
    wait_for_drafts(page)
    page.locator("#sheet .look").first.click()
    check(page, page.locator("#sheet dialog"))
    page.locator("#line button").first.click()
    page.locator("#queue [data-act=pause_all]").click()
    make(page)
    page.locator("#queue [data-key=queue-2]").wait_for()
    press(page, 2, "edit")
    dialog = page.locator("#queue dialog")
    check(page, dialog, dialog.get_by_label("Prompt", exact=True))
    open_library(page)
    open_first(page)
    dialog = page.locator("#library dialog")
    check(page, dialog, dialog.get_by_label("Name", exact=True))
