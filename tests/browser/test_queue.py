"""The queue panel in a real browser."""

import pytest

from tests.browser.test_create import make

pytestmark = pytest.mark.browser


def rows(page):
    return page.locator("#queue li").evaluate_all("rows => rows.map(row => row.dataset.key)")


def press(page, job, act):
    page.locator(f"#queue [data-key=queue-{job}] [data-act={act}]").click()


def test_jobs_are_moved_paused_and_gone_on_with(slow_program, open_page):
    page = open_page(slow_program.url)
    page.get_by_label("Fine").check()
    page.locator("#line button").first.click()
    for count in (1, 2, 3):
        make(page)
        page.wait_for_function(f"document.querySelectorAll('#queue li').length === {count}")
    page.wait_for_selector("#queue [data-key=queue-1].is-running")
    press(page, 3, "up")
    page.wait_for_function("document.querySelectorAll('#queue li')[1].dataset.key === 'queue-3'")
    assert rows(page) == ["queue-1", "queue-3", "queue-2"]
    pressed = page.locator("#queue [data-key=queue-3] [data-act=up]")
    assert pressed.evaluate("one => one === document.activeElement"), "moving it lost the focus"
    page.locator("#queue [data-act=pause_all]").click()
    page.wait_for_selector("#queue [data-key=queue-1].is-queued")
    assert page.locator("#queue .head .told").inner_text().startswith("Paused.")
    page.locator("#queue [data-act=resume_all]").click()
    page.wait_for_selector("#queue [data-key=queue-1].is-running")
    press(page, 2, "drop")
    page.wait_for_selector("#queue [data-key=queue-2].is-cancelled")
    press(page, 2, "retry")
    page.wait_for_selector("#queue [data-key=queue-2].is-queued")


def test_a_waiting_job_is_changed_and_a_wrong_value_is_one_sentence(slow_program, open_page):
    page = open_page(slow_program.url)
    page.get_by_label("Fine").check()
    page.locator("#line button").first.click()
    for count in (1, 2):
        make(page)
        page.wait_for_function(f"document.querySelectorAll('#queue li').length === {count}")
    page.wait_for_selector("#queue [data-key=queue-1].is-running")
    press(page, 2, "edit")
    dialog = page.locator("#queue dialog[open]")
    assert dialog.get_by_label("Guidance", exact=True).input_value() == "1.5"
    dialog.get_by_label("Seed").fill("seven")
    dialog.get_by_role("button", name="Save changes").click()
    dialog.get_by_text("Seed must be a whole number").wait_for()
    dialog.get_by_label("Seed").fill("7")
    dialog.get_by_label("Prompt", exact=True).fill("a <b>cat</b>")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Control+Enter")
    page.wait_for_function("document.querySelector('#queue [data-key=queue-2] .what').innerText"
                           " === 'a <b>cat</b>'")
    assert page.locator("#queue dialog[open]").count() == 0
    assert rows(page) == ["queue-1", "queue-2"], "the page behind the dialog took the keys too"
    assert "seeds 7 to 10" in page.locator("#sheet .job").first.inner_text()
