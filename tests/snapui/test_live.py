"""What open pages are told: everything once, then what is new, drawn once for all of them."""

import json
import threading

import pytest

from engine.request import GenerationRequest
from snapui import live, space
from snapui.launch import shown_of
from snapui.live import PAGE_SECONDS, POLL_SECONDS, POLLS_A_SECOND, Audience, Live
from snapui.schema import Job
from tests.snapui.test_jobs import CLIP


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    monkeypatch.setattr(live, "REST", 0)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0)


@pytest.fixture
def told(journal):
    return Live(journal, shown_of(journal), is_locked=False)


def submit(journal):
    return journal.submit(GenerationRequest(prompt="a dog"))


class Page:
    """A page that keeps what it was told, as live.js does."""

    def __init__(self, told):
        self.told, self.seen, self.parts, self.trouble = told, "", {}, ""

    def look(self):
        """Ask once. Returns: the keys of the cards that came with their HTML, or None."""
        if self.told.is_due:
            self.told.look()
        answer = self.told.answer(self.seen)
        if answer is None:
            return None
        news = json.loads(answer)
        self.seen, self.trouble = news["seen"], news["trouble"]
        sent = []
        for name, part in news["parts"].items():
            known = dict(self.parts.get(name, {}).get("cards", []))
            sent += [key for key, html in part["cards"] if html is not None]
            part["cards"] = [[key, html or known[key]] for key, html in part["cards"]]
        self.parts = news["parts"]
        return sorted(sent)


def test_a_page_is_told_everything_once_and_then_what_is_new(journal, told):
    page = Page(told)
    assert page.look() == ["empty"]
    assert page.look() is None
    first = submit(journal)
    assert page.look() == [f"job-{first}", f"queue-{first}"]
    second = submit(journal)
    assert page.look() == [f"job-{second}", f"queue-{second}"]
    journal.report(journal.claim("w"), step=3, steps=24)
    assert page.look() == [f"job-{first}", f"queue-{first}"]
    assert page.parts["queue"]["told"] == "1 running, 1 waiting"


def test_a_page_that_comes_late_lacks_nothing(journal, told):
    early, late = Page(told), Page(told)
    late.look()
    for _ in range(3):
        submit(journal)
        early.look()
    journal.finish(journal.claim("w"), [CLIP], [])
    early.look()
    late.look()
    fresh = Page(told)
    fresh.look()
    assert early.parts == late.parts == fresh.parts


def test_what_a_page_saw_of_an_earlier_program_means_nothing(journal, told):
    submit(journal)
    page = Page(told)
    page.look()
    page.told = Live(journal, shown_of(journal), is_locked=False)
    page.parts = {}
    assert page.look() == ["job-1", "queue-1"]
    for nonsense in ("x", ".", "1.", f"{told._epoch}.x", f"{told._epoch}.-1", "\0"):
        assert json.loads(told.answer(nonsense))["parts"]["sheet"]["cards"][0][1]


def test_a_change_is_drawn_once_for_all_pages(journal, monkeypatch):
    looks, snapshot = [], journal.snapshot
    monkeypatch.setattr(journal, "snapshot", lambda *asked: looks.append(1) or snapshot(*asked))
    told = Live(journal, shown_of(journal), is_locked=False)
    pages = [Page(told) for _ in range(5)]
    for page in pages:
        page.look()
    submit(journal)
    assert all(page.look() for page in pages)
    assert len(looks) == 2


def test_the_journal_is_asked_once_for_many_pages_and_at_once_for_what_is_pressed_here(
        journal, told, monkeypatch):
    page = Page(told)
    page.look()
    monkeypatch.setattr(live, "LOOK_SECONDS", 1e6)
    mine = submit(journal)
    assert page.look() == [f"job-{mine}", f"queue-{mine}"]
    before = journal.changes
    journal.claim("w")
    journal.changes = before  # as if a worker's process had done it
    assert page.look() is None, "the journal was asked a moment ago"
    told._next_look = 0
    assert page.look() == [f"job-{mine}", f"queue-{mine}"]


def test_drawing_takes_a_tenth_of_the_time_at_most(journal, told, monkeypatch):
    page = Page(told)
    page.look()
    monkeypatch.setattr(live, "REST", 1e6)
    submit(journal)
    assert page.look() is not None
    submit(journal)
    assert page.look() is None, "it rests"
    told._rest_until = 0
    assert page.look() is not None


def test_measured_times_reach_the_pages(journal, told):
    page = Page(told)
    page.look()
    journal.measure("storybook/base", 0.5)
    page.look()
    assert page.parts["sheet"]["timings"] == {"storybook/base": 0.5}


def test_a_full_disk_is_said_on_every_page_until_there_is_space(journal, told, monkeypatch):
    page = Page(told)
    page.look()
    with monkeypatch.context() as full:
        full.setattr(space, "MIN_FREE_BYTES", 2**62)
        assert page.look() == []
        assert "free some space" in page.trouble
        assert page.look() is None
    page.look()
    assert page.trouble == ""


def test_a_journal_that_does_not_answer_is_one_sentence_and_nothing_is_taken_away(
        journal, told, monkeypatch):
    job_id = submit(journal)
    page = Page(told)
    page.look()
    with monkeypatch.context() as broken:
        broken.setattr(journal, "revision", lambda: Job.raw("select broken").execute())
        page.look()
        assert "The job journal did not answer" in page.trouble
        assert page.parts["sheet"]["cards"][0][0] == f"job-{job_id}"
    page.look()
    assert page.trouble == ""


def test_a_page_that_waits_for_the_journal_holds_up_no_other(journal, told, monkeypatch):
    page = Page(told)
    page.look()
    waits, may_go = threading.Event(), threading.Event()
    monkeypatch.setattr(journal, "revision", lambda: waits.set() or may_go.wait(60))
    other = threading.Thread(target=told.look)
    other.start()
    assert waits.wait(60)
    assert page.look() is None
    may_go.set()
    other.join()


def test_pages_ask_less_often_the_more_there_are(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    audience = Audience()
    assert audience.rest("one") == audience.rest("one") == POLL_SECONDS
    told = [audience.rest(f"page {number}") for number in range(99)]
    assert told[0] == POLL_SECONDS and told == sorted(told)
    assert 100 / told[-1] == POLLS_A_SECOND
    now[0] = PAGE_SECONDS + 1
    assert audience.rest("one") == POLL_SECONDS, "pages that are gone still count"
