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
    page.locator("#queue [data-act=pause_all]").click()
    page.wait_for_selector("#queue [data-key=queue-1].is-queued")
    assert page.locator("#queue .head .told").inner_text().startswith("Paused.")
    page.locator("#queue [data-act=resume_all]").click()
    page.wait_for_selector("#queue [data-key=queue-1].is-running")
    press(page, 2, "drop")
    page.wait_for_selector("#queue [data-key=queue-2].is-cancelled")
    press(page, 2, "retry")
    page.wait_for_selector("#queue [data-key=queue-2].is-queued")
