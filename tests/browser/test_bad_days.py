"""What the page says when the program, its files or the disk's space are gone."""

import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, stand_in_program
from tests.browser.test_create import make, toast, type_prompt, wait_for_drafts
from tests.browser.test_library import open_library, wait_for_cards
from tests.snapui.small_disk import small_disk

pytestmark = pytest.mark.browser


def test_a_program_that_ends_is_said_and_the_open_page_goes_on_with_the_next(program, open_page):
    page = open_page(program.url)
    make(page)
    program.stop()
    expect(page.locator("#trouble")).to_contain_text("The program does not answer. Nothing is lost")
    program.start()
    expect(page.locator("#trouble")).to_be_hidden()
    wait_for_drafts(page)
    page.locator("#line button").first.click()
    page.locator("#queue [data-act=again]").click()
    wait_for_drafts(page, 8)


def test_a_part_of_the_page_that_fails_is_reported_and_keeps_no_news_from_the_others(
        program, open_page):
    page = open_page(program.url)
    page.evaluate("""() => {
        window.reported = [];
        window.reportError = (error) => window.reported.push(error.message);
        let isFirst = true;  // what is known already is shown at once, to whoever asks
        snapui.show("queue", document.body, () => {
            if (!isFirst) throw new Error("a part that fails");
            isFirst = false;
        });
    }""")
    make(page)
    wait_for_drafts(page)
    assert set(page.evaluate("window.reported")) == {"a part that fails"}


def test_an_upscale_that_the_program_never_heard_of_leaves_the_ticks(program, open_page):
    page = open_page(program.url)
    make(page)
    wait_for_drafts(page)
    page.locator("#sheet [data-pick]").first.check()
    page.evaluate("() => { window.isAsBefore = true }")
    program.stop()
    button = page.locator("#sheet .upscale")
    button.click()
    expect(button).to_contain_text("Upscale 1 ticked")
    program.start()
    page.wait_for_function("!window.isAsBefore")  # Gradio loads a page anew that was not answered
    expect(button).to_contain_text("Upscale 1 ticked")
    button.click()
    page.wait_for_selector("#sheet video")
    expect(button).to_be_disabled()


def test_files_that_were_deleted_are_said_and_the_clip_can_be_made_again(program, open_page):
    page = open_page(program.url)
    make(page)
    wait_for_drafts(page)
    for folder in program.outputs.glob("[l2]*"):  # loops, and the clips' folder of the day
        shutil.rmtree(folder)
    page = open_page(program.url)
    page.wait_for_function("document.querySelectorAll('#sheet .clip.is-gone').length === 4")
    assert page.locator("#sheet .clip a").first.is_hidden()
    open_library(page)
    page.wait_for_function("document.querySelectorAll('#library .is-gone').length === 4")
    page.locator("#library .open").first.click()
    page.get_by_text("Its file is gone from the output folder. The settings").wait_for()
    page.get_by_role("button", name="Download").click()
    failed = page.locator("#library dialog [role=alert]")
    expect(failed).to_contain_text("cannot be read")
    make(open_page(program.url))    # news come twice a second, and what was said stays
    wait_for_cards(page, 8)
    expect(failed).to_contain_text("cannot be read")
    page.get_by_role("button", name="Use these settings").click()
    page.wait_for_function("document.querySelector('#lock input').checked")
    page.locator("#run").click()
    page.wait_for_function("document.querySelectorAll('#sheet .clip:not(.is-gone) [data-pick]')"
                           ".length === 5")


def test_a_disk_without_space_is_said_on_the_page_and_takes_no_job(tmp_path, open_page):
    with small_disk(tmp_path / "disk", 50) as disk:
        program = stand_in_program(disk.path / "outputs", 0.1)
        program.start()
        try:
            page = open_page(program.url)
            expect(page.locator("#trouble")).to_contain_text("free some space")
            type_prompt(page)
            page.locator("#run").click()
            assert "free some space" in toast(page)
            assert page.locator("#sheet .job").count() == 0
        finally:
            program.stop()


def test_without_a_worker_the_page_says_how_to_start_one_until_one_works(tmp_path, open_page):
    program = stand_in_program(tmp_path / "outputs", 0.05, "--workers", "0")
    program.start()
    worker = None
    try:
        page = open_page(program.url)
        status = page.locator("#sheet .status")
        expect(status).to_contain_text("No worker runs here")
        make(page)
        expect(status).to_contain_text("python -m snapui.worker --database sqlite:///")
        written = status.inner_text().split("snapui.worker ")[1].split()
        worker = subprocess.Popen([sys.executable, "-m", "tests.snapui.stand_in", *written],
                                  cwd=ROOT)
        wait_for_drafts(page)
        expect(status).to_be_empty()
        worker.kill()
        worker.wait()
        expect(status).to_contain_text("No worker runs here")
    finally:
        if worker is not None:
            worker.kill()
            worker.wait()
        program.stop()
