"""The queue panel: what it shows of each job, and what its buttons do."""

from types import SimpleNamespace

import pytest

from snapui import crew, queue
from snapui.schema import JournalError
from snapui.tabs.queue import ACTIONS, LABELS, OFFERED, Panel
from tests.snapui.test_jobs import CLIP, REQUEST
from tests.snapui.test_sheet import NASTY, Tags


@pytest.fixture
def panel(journal):
    return Panel(journal)


def cards(panel):
    return dict(panel.value()["cards"])


def offered(panel, job_id):
    """Return the buttons of a job."""
    return [attributes["data-act"] for tag, attributes in
            Tags(cards(panel)[f"queue-{job_id}"]).tags if tag == "button"]


def press(panel, act, job_id=0):
    panel.act(SimpleNamespace(act=act, id=job_id))


def test_it_shows_the_line_in_order_and_then_what_ended(journal, panel):
    ended, running, one, two = (journal.submit(REQUEST) for _ in range(4))
    journal.finish(journal.claim("w"), [CLIP], [])
    journal.report(journal.claim("w"), stage="base", step=5, steps=24, seconds_left=3.2)
    queue.move(journal, two, "up")
    assert list(cards(panel)) == [f"queue-{job_id}" for job_id in (running, two, one, ended)]
    assert "Drafting: step 5 of 24, 3 s left" in cards(panel)[f"queue-{running}"]
    assert "Waiting, 2 ahead" in cards(panel)[f"queue-{one}"]
    assert panel.value()["told"] == "1 running, 2 waiting"


def test_every_button_of_every_state_does_something_and_says_what(panel):
    for state, acts in OFFERED.items():
        assert set(acts) <= {*ACTIONS, "edit"} & set(LABELS), state


def test_the_buttons_of_a_job_follow_its_state(journal, panel):
    job_id = journal.submit(REQUEST)
    assert offered(panel, job_id) == ["up", "down", "front", "edit", "pause", "drop"]
    press(panel, "pause", job_id)
    assert "resume" in offered(panel, job_id)
    press(panel, "resume", job_id)
    job = journal.claim("w")
    assert offered(panel, job_id) == ["pause", "drop", "keep", "after"]
    press(panel, "keep", job_id)
    assert journal.wish(job) == "keep"
    journal.end(job, "failed", "why")
    assert offered(panel, job_id) == ["retry", "again"]
    press(panel, "again", job_id)
    press(panel, "retry", job_id)
    assert panel.value()["told"] == "0 running, 2 waiting"


def test_a_job_says_why_it_failed_or_waits(journal, panel):
    failed, waiting = journal.submit(REQUEST), journal.submit(REQUEST)
    journal.end(journal.claim("w"), "failed", f"No {NASTY} model.")
    journal.put_down(journal.claim("w"), "The disk is full.")
    assert f"No {NASTY} model." in Tags(cards(panel)[f"queue-{failed}"]).text
    assert "The disk is full." in cards(panel)[f"queue-{waiting}"]
    press(panel, "retry", failed)
    assert "model." not in cards(panel)[f"queue-{failed}"]


def test_the_whole_queue_is_paused_and_gone_on_with(journal, panel):
    press(panel, "pause_all")
    assert (panel.value()["is_paused"], panel.value()["told"]) == (True, "Paused. Nothing waits.")
    press(panel, "resume_all")
    assert not panel.value()["is_paused"]


def test_it_says_how_many_workers_are_alive_and_where(journal, panel):
    assert panel.value()["crew"] == "No worker alive"
    crew.hello(journal, "one", "here", 1)
    assert panel.value()["crew"] == "1 worker alive"
    crew.hello(journal, "two", "there", 1)
    crew.hello(journal, "three", "there", 2)
    crew.tell(journal, "three", "failed", "why")
    assert panel.value()["crew"] == "2 workers alive on 2 machines"


def test_an_unknown_button_is_a_sentence(panel):
    with pytest.raises(JournalError, match="load the page again"):
        press(panel, "explode", 1)


def test_a_row_names_the_model(journal, panel):
    job_id = journal.submit(type(REQUEST)(prompt="a cat", model="storybook-<forty>"))
    assert "Waiting · storybook-<forty>" in Tags(cards(panel)[f"queue-{job_id}"]).text


def test_a_prompt_shows_as_text(journal, panel):
    job_id = journal.submit(type(REQUEST)(prompt=NASTY))
    tags = Tags(cards(panel)[f"queue-{job_id}"])
    assert {tag for tag, _ in tags.tags} == {"li", "span", "button"}
    assert NASTY in tags.text
