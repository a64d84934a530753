"""The contact sheet: what it says, and that no text of a user becomes HTML."""

import html.parser
import json
import time

import pytest

from engine.request import GenerationRequest
from snapui import crew, queue
from snapui.compare import Axis, Plan
from snapui.comparisons import Comparisons
from snapui.library import Library
from snapui.schema import Job, Worker
from snapui.sheet import Sheet, status
from snapui.tabs.queue import LABELS, TEMPLATE, Panel
from snapui.theme import STATIC
from tests.snapui.test_jobs import CLIP

NASTY = '<img src=x onerror=alert(1)>"\'><script>alert(2)</script>'


class Tags(html.parser.HTMLParser):
    """Collects the tags and attributes of some HTML, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def sheet(journal):
    return Sheet(journal.output_directory, ("a dog",))


def cards(journal, sheet):
    return dict(sheet.value(journal.snapshot(10))["cards"])


def submit(journal, **fields):
    return journal.submit(GenerationRequest(**{"prompt": "a dog", "seed": 5} | fields))


def test_an_empty_sheet_teaches_and_offers_examples(journal, sheet):
    text = Tags(cards(journal, sheet)["empty"])
    assert "Type a prompt and press Ctrl+Enter" in text.text
    assert ("button", {"type": "button", "data-act": "example", "data-id": "0"}) in text.tags


def test_every_text_of_a_user_shows_as_text(journal, sheet):
    job_id = submit(journal, prompt=NASTY, negative_prompt=NASTY, drafts=2)
    job = journal.claim("w")
    clip = CLIP | {"prompt": NASTY, "request": job.request, "path": f"a/{NASTY}.mp4"}
    journal.finish(job, [clip], [NASTY])
    upscale = journal.submit_upscale(journal.clips_of(job_id)[0].id, steps=2, noise=0.1)
    journal.end(journal.claim("w"), "failed", NASTY)
    assert journal.job(upscale).state == "failed"
    page = Tags("".join(cards(journal, sheet).values()))
    assert {tag for tag, _ in page.tags} <= {"article", "header", "h3", "p", "div", "figure", "img",
                                             "figcaption", "label", "input", "span", "button", "a"}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
    assert page.text.count("<script>alert(2)</script>") == 4  # prompt, negative, note, error


def test_pictures_come_from_the_output_folder_only(journal, sheet):
    submit(journal)
    journal.finish(journal.claim("w"), [CLIP | {"path": "2026-01-01/ä b#?.mp4"}], [])
    page = Tags("".join(cards(journal, sheet).values()))
    urls = [value for _, attributes in page.tags for name, value in attributes.items()
            if name in ("src", "href")]
    folder = str(journal.output_directory)
    assert len(urls) == 2
    assert all(url.startswith(f"gradio_api/file={folder}/") for url in urls)
    assert urls[1].endswith("2026-01-01/%C3%A4%20b%23%3F.mp4")


def test_a_running_job_says_its_step_and_the_seconds_left(journal, sheet):
    job_id = submit(journal, drafts=3)
    job = journal.claim("w")
    journal.report(job, stage="base", step=5, steps=24, seconds_left=3.2,
                   previews=json.dumps(["previews/1/base-1-0.webp"]))
    card = Tags(cards(journal, sheet)[f"job-{job_id}"])
    assert "step 5 of 24, 3 s left" in card.text
    assert [tag for tag, _ in card.tags].count("figure") == 3
    assert [tag for tag, _ in card.tags].count("img") == 1


def test_a_waiting_job_says_how_many_are_ahead(journal, sheet):
    submit(journal)
    second = submit(journal)
    text = Tags(cards(journal, sheet)[f"job-{second}"]).text
    assert "Waiting, 1 ahead" in text and LABELS["drop"] in text


def test_a_job_that_waits_for_room_says_so_and_the_queue_is_held(journal, sheet, monkeypatch):
    job_id = submit(journal)
    Worker.create(name="w", host="h", pid=1, state="ready")
    journal.put_down(journal.claim("w"), "The disk is full.")
    page = Tags(cards(journal, sheet)[f"job-{job_id}"])
    assert "The disk is full." in page.text
    assert ("p", {"class": "failed"}) not in page.tags
    assert sheet.value(journal.snapshot(10))["status"] == "1 waiting"
    monkeypatch.setattr("snapui.space.free_bytes", lambda folder: 0)
    for told in (sheet.value(journal.snapshot(10))["status"], Panel(journal).value()["told"]):
        assert told.endswith("1 waiting. Held until the output folder takes clips again, and then "
                             "it goes on by itself.")
    journal.claim("w")
    assert "The disk is full." not in cards(journal, sheet)[f"job-{job_id}"]


def test_a_card_names_the_model_and_the_day_unless_it_is_today(journal, sheet, monkeypatch):
    job_id = submit(journal, model="my/<b>models</b>/storybook-forty")
    text = Tags(cards(journal, sheet)[f"job-{job_id}"]).text
    made = time.localtime(journal.job(job_id).created)
    assert f'{time.strftime("%H:%M", made)} · storybook-forty · seed' in text
    tomorrow = time.time() + 86_400
    monkeypatch.setattr("snapui.sheet.time.time", lambda: tomorrow)
    monkeypatch.setattr("snapui.sheet.time.localtime",
                        lambda moment=tomorrow, real=time.localtime: real(moment))
    assert time.strftime("%d %b %Y, %H:%M · ", made) in Tags(
        cards(journal, sheet)[f"job-{job_id}"]).text


def test_a_failed_job_says_why_and_a_stopped_one_takes_no_place(journal, sheet):
    failed, stopped = submit(journal), submit(journal)
    journal.end(journal.claim("w"), "failed", "The disk is full.")
    journal.cancel(stopped)
    assert "The disk is full." in Tags(cards(journal, sheet)[f"job-{failed}"]).text
    assert list(cards(journal, sheet)) == [f"job-{failed}"]
    queue.retry(journal, stopped)
    assert list(cards(journal, sheet)) == [f"job-{stopped}", f"job-{failed}"]


def test_a_comparison_is_not_on_the_sheet_but_counts(journal, sheet):
    draft = submit(journal)
    Comparisons(journal).submit(Plan(GenerationRequest(prompt="a cat"), Axis("seed", (7, 8))))
    later = submit(journal)
    crew.hello(journal, "w", "here", 1)
    crew.tell(journal, "w", "ready")
    shown = sheet.value(journal.snapshot(10))
    assert [key for key, _ in shown["cards"]] == [f"job-{later}", f"job-{draft}"]
    assert shown["status"] == "4 waiting"
    assert "Waiting, 3 ahead" in Tags(shown["cards"][0][1]).text


def test_the_newest_job_comes_first(journal, sheet):
    ids = [submit(journal) for _ in range(3)]
    assert list(cards(journal, sheet)) == [f"job-{job_id}" for job_id in reversed(ids)]


@pytest.mark.parametrize(("workers", "queue", "said"), [
    ([], [], ""),
    ([], ["queued"], "Starting the worker."),
    (["loading"], ["queued"], "Loading the model; what you ask for starts as soon as it is ready."),
    (["ready"], ["running", "queued", "queued"], "1 running, 2 waiting"),
    (["ready"], [], ""),
    (["failed"], [], "There is no model."),
    (["failed", "ready"], ["running"], "1 running"),
])
def test_the_status_says_what_the_workers_do(workers, queue, said):
    rows = [Worker(name=str(place), state=state, message="There is no model.")
            for place, state in enumerate(workers)]
    assert status(rows, [Job(state=state) for state in queue]) == said


@pytest.mark.parametrize("queue", [[], ["queued"]])
def test_where_no_worker_is_started_the_status_asks_for_one_until_there_is_one(queue):
    jobs = [Job(state=state) for state in queue]
    assert status([], jobs, help_wanted="Start one.") == "Start one."
    assert status([Worker(name="w", state="ready")], jobs, help_wanted="Start one.") != "Start one."


def test_a_card_is_drawn_again_only_when_what_it_shows_has_changed(journal, sheet, monkeypatch):
    first, second = submit(journal), submit(journal)
    drawn = []
    draw = sheet._card
    monkeypatch.setattr(sheet, "_card", lambda job, *rest: drawn.append(job.id) or draw(job, *rest))

    def look():
        drawn.clear()
        cards(journal, sheet)
        return sorted(drawn)

    assert look() == [first, second]
    assert look() == []
    job = journal.claim("w")
    assert look() == [first]
    journal.finish(job, [CLIP], [])
    assert look() == [first, second], "one is done and the other has nothing ahead of it now"
    upscale = journal.submit_upscale(journal.clips_of(first)[0].id, steps=2, noise=0.1)
    assert look() == [first]
    journal.cancel(upscale)
    assert look() == [first]


def test_an_upscale_of_an_older_draft_has_a_card_and_is_counted(journal, sheet):
    old = submit(journal, seed=5)
    journal.finish(journal.claim("w"), [CLIP], [])
    newer = submit(journal)
    journal.finish(journal.claim("w"), [CLIP], [])
    upscale = journal.submit_upscale(journal.clips_of(old)[0].id, steps=2, noise=0.1)
    waiting = submit(journal)
    journal.claim("w")
    Worker.create(name="w", host="h", pid=1, state="ready")
    shown = sheet.value(journal.snapshot(2))
    drawn = dict(shown["cards"])
    assert list(drawn) == [f"job-{one}" for one in (waiting, upscale, newer)]
    assert shown["status"] == "1 running, 1 waiting"
    assert "Waiting, 1 ahead" in Tags(drawn[f"job-{waiting}"]).text
    assert Tags(drawn[f"job-{upscale}"]).text.count("Preparing") == 1
    journal.finish(journal.job(upscale), [CLIP], [])
    card = Tags(dict(sheet.value(journal.snapshot(2))["cards"])[f"job-{upscale}"])
    assert [tag for tag, _ in card.tags].count("video") == 1


def test_an_upscale_whose_clip_is_in_the_bin_leaves_nothing_beside_its_draft(journal, sheet):
    draft = submit(journal)
    journal.finish(journal.claim("w"), [CLIP], [])
    upscale = journal.submit_upscale(journal.clips_of(draft)[0].id, steps=2, noise=0.1)
    journal.finish(journal.claim("w"), [CLIP], [])
    assert "<video" in cards(journal, sheet)[f"job-{draft}"]
    Library(journal).bin(journal.clips_of(upscale)[0].id)
    assert "is-large" not in cards(journal, sheet)[f"job-{draft}"]


def test_a_paused_queue_says_so(journal, sheet):
    submit(journal)
    queue.pause_all(journal)
    assert sheet.value(journal.snapshot(10))["status"] == (
        "The queue is paused. Press Go on with the queue under Queue.")
    assert "Go on with the queue</button>" in TEMPLATE


def test_the_scripts_build_no_html_of_their_own():
    script = "".join(path.read_text() for path in STATIC.glob("*.js"))
    assert script.count("innerHTML") == 1
    assert "holder.innerHTML = html;" in script
    assert "insertAdjacentHTML" not in script
