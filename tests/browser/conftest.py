"""A running program and a real Chromium to use it with.

By default the page runs with the stand-in worker of tests/snapui. Tests marked `real` use app.py
and its own worker with the model in SNAPUI_TEST_MODELS (a models folder) or else the shipped one,
and are skipped while there is neither.
"""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHOTS = Path(__file__).parent / "shots"
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, (
    "chromium", "chromium-browser", "google-chrome"))), "/usr/bin/chromium")  # as .ci/run looks
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update",
                  "--disable-sync"]
LOOKS = ((1440, "light"), (1440, "dark"), (390, "light"), (390, "dark"))
PATIENCE = 180_000  # milliseconds: the machine may be doing other things


class Program:
    """The program under test: start it, end it, start it again on the same outputs."""

    def __init__(self, outputs, command, environment):
        self.outputs, self._command, self._environment = outputs, command, environment
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._process = None

    def start(self):
        self._process = subprocess.Popen(
            [*self._command, "--port", str(self.port), "--output-directory", str(self.outputs)],
            cwd=ROOT, env=os.environ | self._environment)
        end = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the program did not answer")

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(60) == 0
            self._process = None
            self._tell_jobs()

    def _tell_jobs(self):
        """Print what became of each job, for a test that fails; nothing of a journal elsewhere."""
        path = self.outputs / "journal.db"
        with suppress(sqlite3.OperationalError), \
                closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as journal:
            for job in journal.execute(
                    "select id, kind, state, step, steps, deaths, error from job"):
                sys.stderr.write(f"{job}\n")

    @property
    def pid(self):
        """The process that serves the page; its workers have others."""
        return self._process.pid

    def files(self):
        """Return the finished clips on disk."""
        return sorted(self.outputs.glob("*/*.mp4"))


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no {CHROMIUM}: install Debian's chromium or set CHROMIUM")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


def stand_in_program(outputs, step_seconds, *flags):
    return Program(outputs, [sys.executable, "-m", "tests.browser.program", *flags],
                   {"STAND_IN_STEP_SECONDS": str(step_seconds)})


@pytest.fixture
def program(tmp_path):
    running = stand_in_program(tmp_path / "outputs", 0.1)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def slow_program(tmp_path):
    """A program whose steps leave time to do something in the middle of a job."""
    running = stand_in_program(tmp_path / "outputs", 0.5)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def real_program(tmp_path):
    models = os.environ.get("SNAPUI_TEST_MODELS")
    if not models and not (ROOT / "assets" / "storybook" / "base").is_dir():
        pytest.skip("there is no shipped model yet; set SNAPUI_TEST_MODELS to a models folder")
    command = [sys.executable, "app.py", *(["--models-directory", models] if models else [])]
    running = Program(tmp_path / "outputs", command, {})
    running.start()
    yield running
    running.stop()


@pytest.fixture
def open_page(chromium, request):
    """Return a function that opens a page in a fresh browser profile and leaves a screenshot."""
    contexts, strangers, failures = [], [], []

    def opened(url, width=1440, height=900, scheme="light", has_touch=False):
        context = chromium.new_context(viewport={"width": width, "height": height},
                                       color_scheme=scheme, has_touch=has_touch,
                                       is_mobile=has_touch)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("request", lambda sent: strangers.append(sent.url)
                if not sent.url.startswith((url, "data:", "blob:")) else None)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(url)
        page.wait_for_selector("#sheet .cards > *")
        contexts.append(context)
        return page

    yield opened
    SHOTS.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=SHOTS / f"{name}-{number}.png")
            sys.stderr.write(page.locator("body").inner_text())  # shown if the test failed
        context.close()
    assert strangers == [], "the page asked somebody else for something"
    assert failures == [], "the page's scripts failed"
