"""The Extend tab without a browser: its fields, what it draws, what its buttons do."""

import json
from dataclasses import replace
from functools import partial
from html import escape
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from engine.catalog import ModelCard, find_model
from engine.errors import RequestError
from engine.extension.request import EXTENSION_KEY, ExtensionRequest, GivenFrames
from engine.media import read_metadata, write_clip
from engine.request import GenerationRequest
from snapui import desk, extend_form, queue, refill
from snapui.asked import Asked
from snapui.desk import Beginning
from snapui.films import Films
from snapui.given import checked, kept_picture
from snapui.meter import meter
from snapui.outlook import outlook
from snapui.reel import Reel
from snapui.schema import Clip, Film, Job, JournalError
from snapui.tabs.compare import CompareTab
from snapui.tabs.create import Create
from snapui.tabs.extend import Awaited, ExtendTab, _is_awaited
from snapui.tabs.queue import Panel
from snapui.worker import Worker
from tests.snapui import stand_in
from tests.snapui.conftest import Card
from tests.snapui.test_sheet import NASTY, Tags

NAMES = ("prompt", "seed", "steps", "guidance")
SETTINGS = {"prompt": "", "seed": 5, "steps": 2, "guidance": 0.0}
DESK = SimpleNamespace(controls=SimpleNamespace(by_name=dict.fromkeys(NAMES)))
NO_FILES = ("", "", "")
BRIGHT = f"bright {NASTY}"


@pytest.fixture
def films(journal):
    return Films(journal)


@pytest.fixture
def worker(journal):
    return Worker(journal, stand_in.load(), "worker")


@pytest.fixture
def film(films, worker):
    """The last of two segments, the second of them bright."""
    asked = Asked(rows=((0, 2, NASTY), (2, 6, BRIGHT)), fps=8)
    job = films.extend(asked, SETTINGS, None)
    worker.drain()
    return films.journal.clips_of(job)[-1]


@pytest.fixture
def tab(journal):
    return ExtendTab(journal, DESK, None)


def fields(rows, seconds=None, work="Longer", weight=0.0):
    return (work, {"source": None, "rows": rows}, seconds, 8, False, False, "letterbox", weight,
            *NO_FILES, *SETTINGS.values())


def drawn(films, opened, jobs=()):
    reel = Reel(films.journal.output_directory, films.upscaling)
    value = reel.value(list(jobs), films.tree(opened), opened)
    return dict(value["cards"])


# ---- the fields

def test_the_fields_become_what_is_asked():
    asked = extend_form.asked(*fields([["0", "2", "a dog"]], 4, "Smooth ×4", 2.5)[:11])
    assert asked == Asked((("0", "2", "a dog"),), 4, 8, False, 4, "letterbox", False, 2.5)
    assert extend_form.asked(*fields([])[:11]).seconds == 0


def test_what_a_browser_remembers_is_checked():
    whole = ["Longer", {"source": 3, "rows": [[0, 2, "x"]]}, 4, 12, True, False, "crop", 80]
    assert extend_form.restored(whole) == whole
    bad = ["Wider", {"rows": [[1]]}, 99, "many", "yes", None, "stretch", 101]
    for kept in (bad, None, [], {"a": 1}):
        assert all(value == gr.skip() for value in extend_form.restored(kept))


def test_a_segment_is_offered_after_what_is_there(film):
    assert extend_form.first_rows(film)["rows"] == [[6, 8, ""]]
    assert extend_form.first_rows(None) == {"source": None, "begin": 0, "rows": [[0, 2, ""]]}


def test_a_file_that_cannot_be_kept_is_put_out_with_a_sentence(monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr(gr, "Warning", lambda text, **_: told.append(text))

    def refuse(*_):
        raise RequestError("No <such> file.")
    assert extend_form.taker(refuse, tmp_path)("x.png") == (None, "")
    assert told == ["No &lt;such&gt; file."]
    assert extend_form.taker(refuse, tmp_path)(None)[1] == ""


def test_files_that_were_handed_over_are_shown_again_and_no_others(tmp_path):
    folder = tmp_path / "outputs"
    (folder / "given").mkdir(parents=True)
    for path in ("given/a.png", "given/b.mp4", "journal.db", "given-not.png"):
        (folder / path).write_bytes(b"")
    kept = ["given/a.png", "", "given/b.mp4"]
    assert extend_form.files_shown(folder, kept) == [
        str(folder / "given/a.png"), None, str(folder / "given/b.mp4"), *kept]
    for path in ("given/gone.png", "given/../journal.db", "given/..", "journal.db", "/etc/passwd",
                 str(folder / "given/a.png"), "given-not.png", 3, None, "given/a.png\0"):
        assert extend_form.files_shown(folder, [path, "", ""]) == [None] * 3 + [""] * 3
    assert extend_form.files_shown(folder, {"a": 1}) == [None] * 3 + [""] * 3


def test_a_job_begins_with_no_file_but_a_given_one(tab, journal):
    (journal.output_directory / "given").mkdir()
    (journal.output_directory / "given" / "a.png").write_bytes(b"")
    assert checked(journal.output_directory, "given/a.png") == "given/a.png"
    sent = list(fields([[0, 2, "a dog"]]))
    for path in ("given/gone.png", "given/../journal.db", "/etc/passwd"):
        sent[extend_form.TYPED] = path
        assert "is no longer there" in tab.told(0, *sent)
        create = Create(journal, Panel(journal), None)
        for run in (partial(tab.run, 0, True, *sent), partial(create.run, True, path, "crop"),
                    partial(CompareTab(journal, DESK, None).run, path, "crop", "seed", "1\n2",
                            "Nothing", "", *SETTINGS.values())):
            with pytest.raises(RequestError, match="is no longer there"):
                run()
    assert Job.select().count() == 0


def test_a_start_picture_in_use_is_seen_and_named(tmp_path):
    panel, preview = desk.sign(tmp_path, "given/0123_<b>mine.png")
    assert (panel.open, panel.label) == (True, "Start picture: <b>mine.png")
    assert f"gradio_api/file={tmp_path}/given/0123_%3Cb%3Emine.png" in preview
    assert "with &lt;b&gt;mine.png" in preview
    panel, preview = desk.sign(tmp_path, "")
    assert panel.label == "Start picture" and "open" not in panel.constructor_args
    assert preview == ""


def test_a_start_picture_is_remembered_with_its_fit(tmp_path):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "a.png").write_bytes(b"")
    beginning = Beginning(tmp_path, None, None, None)
    kept = {"picture": "given/a.png", "fit": "crop"}
    assert beginning.restored(kept) == [str(tmp_path / "given/a.png"), "given/a.png", "crop"]
    for bad in (None, [], {}, kept | {"fit": "stretch"}, kept | {"picture": "given/b.png"},
                kept | {"picture": "../a.png"}):
        assert all(value == gr.skip() for value in beginning.restored(bad))


def test_the_settings_of_a_long_clip_fill_the_extend_form(tab, films, worker, film, tmp_path):
    """Also those of an edit of it; those of a draft go to the Create tab."""
    folder = films.journal.output_directory
    black = write_clip(tmp_path / "end.png", np.zeros((1, 9, 9, 3), np.uint8), 1)
    end = kept_picture(folder, black)
    job = films.extend(Asked(((6, 8, "a cat"), (8, 9, "a bee")), end_picture=end, fit="crop"),
                       SETTINGS | {"seed": 9}, film.id)
    worker.drain()
    cat = films.journal.clips_of(job)[0]
    edited = films.trim(cat.id, 7.0)
    worker.drain()
    short, = films.journal.clips_of(edited)
    draft = films.journal.submit(GenerationRequest("a dog", steps=2))
    worker.drain()
    desk = Recorded()
    longer = SimpleNamespace(tab=tab, form=SimpleNamespace(typed=[0] * 8, shown_files=[0] * 6))
    use = refill.use_of(desk, longer)
    for clip in (cat, short):
        tabs, _, chosen, *fields = use(SimpleNamespace(id=clip.id))
        work, rows, seconds, fps, is_loop, upscale, fit, _ = fields[:8]
        assert (tabs.selected, chosen.value, rows["source"]) == ("extend", film.id, film.id)
        assert rows["rows"] == [[6, 8, "a cat"], [8, 9, "a bee"]]
        assert (work, seconds, fps, is_loop, upscale, fit) == ("Longer", 9, 8, False, False, "crop")
        assert fields[8:] == [None, str(folder / end), None, "", end, ""]
        assert tab.turn_to(film.id, rows)[0] == gr.skip()    # these rows stay
        assert desk.values["seed"] == 9
    tabs, _, *untouched = use(SimpleNamespace(id=films.made_by(draft)))
    assert tabs.selected == "create" and all(one == gr.skip() for one in untouched)
    Clip.delete().where(Clip.id == film.id).execute()
    _, _, chosen, *fields = use(SimpleNamespace(id=cat.id))
    assert (chosen.value, fields[1]["source"]) == (0, None)


class Recorded:
    """Stands in for the Create tab's controls and knows what they were filled with."""

    def filled(self, values, opening=None):
        self.values = values
        return ["filled"]


# ---- the plan

def test_words_that_are_new_to_the_model_are_told_with_the_plan(tab):
    told = tab.told(0, *fields([[0, 2, "a dgo walking"], [2, 4, "a <b>zzyzx</b>"]]))
    assert '<p class="note">Words this model has not learnt and will guess at: dgo, b, ' in told
    assert "zzyzx.</p>" in told and "<b>" not in told
    told = tab.told(0, *fields([[0, 4, "a dog walking"]]))
    assert "learnt" not in told and "<details>" in told


def test_the_plan_is_told_and_bad_input_is_a_sentence_in_its_place(tab, monkeypatch):
    told = tab.told(0, *fields([[0, 4, "a dog"]]))
    assert "4 s, 32 frames" in told and "<td>Draft</td><td>8</td>" in told
    assert "not measured yet" in told
    tab.journal.measure("storybook/base", 1.0)
    assert "about 6 s on this machine" in tab.told(0, *fields([[0, 4, "a dog"]]))
    steered = tab.told(0, *fields([[0, 4, "a dog"]], weight=1.0))
    assert "about 14 s" in steered    # three windows, of which two know frames of the others
    shown = tab.told(0, *fields([[0, 4, "a dog"]], weight=None))
    assert "about 6 s" in shown       # the shipped model sees known frames
    monkeypatch.setattr(ModelCard, "sees_known_frames", False)
    assert "about 14 s" in tab.told(0, *fields([[0, 4, "a dog"]], weight=None))
    assert "Say what each segment shows" in tab.told(0, *fields([[0, 4, " "]]))
    assert "choose one to go on from" in tab.told(0, *fields([], work="Smooth ×2"))
    assert "Nothing says what the clip shows" in tab.told(0, *fields([], 4))
    assert "overlap" in tab.told(0, *fields([[0, 4, "a dog"], [3, 5, "<b>"]]))
    assert 'class="failed"' in tab.told(0, *fields([[0, 70, "a dog"]]))


def test_the_drafts_time_is_told_while_only_that_is_known(tab, with_upsampler):
    large = list(fields([[0, 4, "a dog"]]))
    large[5] = True
    assert "how long it takes on this machine is not measured yet" in tab.told(0, *large)
    tab.journal.measure("storybook/base", 1.0)
    assert ("about 6 s on this machine for the draft; how long the upscale takes is not measured "
            "yet") in tab.told(0, *large)
    tab.journal.measure("storybook/upsampler", 1.0)
    assert "about 18 s on this machine." in tab.told(0, *large)    # three windows of four steps


def test_an_upsampler_adds_its_windows_and_knows_what_is_large_enough():
    card = Card((8, 288), "big")
    clip = GenerationRequest("a dog", fps=8, steps=4, upscale=True, upscale_steps=3, guidance=0.0)
    request, there = ExtensionRequest(clip, 6.0), GivenFrames(video=16)
    small = outlook(request, there, 36, card, {})
    large = outlook(request, there, 288, card, {"storybook/base": 1.0, "storybook/upsampler": 2.0})
    assert small.seconds is None and small.levels[1].stage == "upsampler"
    assert (small.levels[1].new, large.levels[1].new) == (48, 32)
    windows = [level.windows for level in large.levels]
    assert large.evaluations == 4 * windows[0] + 3 * windows[1]
    assert large.seconds == 4 * windows[0] + 6 * windows[1]
    finished = outlook(replace(request, seconds=2.0), there, 36, card, {})
    assert [level.stage for level in finished.levels] == ["upsampler"]    # nothing else is made
    assert finished.evaluations == 3 * finished.windows
    assert find_model("storybook").upsampler_size in (None, (16, 288))


# ---- what is drawn

def test_the_meter_draws_every_measure_and_marks_what_is_outside(film):
    html = meter(film, Film.get(Film.clip == film))
    parsed = Tags(html)
    assert html.count("<svg") == 5 and html.count('outside"') >= 5
    assert json.loads(Film.get(Film.clip == film).seams) == [24, 32, 40]    # on 4 plots
    assert html.count('class="seam"') == 12 and html.count('class="join"') == 4
    assert html.count('class="seam-bar') == 3 and "faint: where windows meet" in html
    assert "Brightness: 0." in html and "brighter than its first segment" in html
    assert {"colour", "dissolve"} == {attributes["data-act"] for tag, attributes in parsed.tags
                                      if tag == "button"}
    assert not any("disabled" in attributes for _, attributes in parsed.tags)


def test_a_steady_film_says_so_and_offers_no_dissolve(films, worker):
    job = films.extend(Asked(rows=((0, 4, "a dog"),), fps=8), SETTINGS, None)
    worker.drain()
    clip = films.journal.clips_of(job)[0]
    row = Film.get(Film.clip == clip)
    row.warnings = "[]"
    html = meter(clip, row)
    assert "Nothing drifts" in html and html.count("<svg") == 5    # windows meet, if nothing else
    assert html.index("disabled") > html.index('data-act="dissolve"')


def test_texts_are_escaped_everywhere(films, film):
    job = films.journal.job(films.redo(film.id))
    cards = drawn(films, film.id, films.running())
    assert list(cards) == [f"job-{job.id}", f"clip-{film.id}", "tree", f"meter-{film.id}"]
    for html in cards.values():
        assert "<b>" not in html and not [tag for tag, _ in Tags(html).tags if tag == "script"]
    assert "Being made: Waiting" in cards["tree"]


def test_the_tree_shows_branches_the_open_clip_and_what_was_undone(films, worker, film):
    films.redo(film.id)
    worker.drain()
    again = Clip.select().order_by(Clip.id.desc()).get()
    films.undo(film.id)
    tree = drawn(films, again.id)["tree"]
    assert tree.count('class="branch"') == 1
    assert tree.index("is-undone") < tree.index(f'data-key="node-{again.id}"')
    assert tree.count('aria-current="true"') == 1 and "Take up again" in tree


def test_the_tree_shows_a_beginning_that_was_made_again(films, worker):
    job = films.extend(Asked(rows=((0, 2, "a dog"),), fps=8), SETTINGS, None)
    worker.drain()
    first = films.journal.clips_of(job)[0]
    assert "tree" not in drawn(films, first.id)
    again = films.redo(first.id)
    worker.drain()
    cards = drawn(films, films.made_by(again))
    assert cards["tree"].count('data-act="open"') == 2 and "Made again" in cards["tree"]
    assert 'data-act="undo"' not in cards[f"clip-{films.made_by(again)}"]


def look(tab, job_id):
    """What the reel shows to who waits for a job and has changed nothing since."""
    return tab.look(0, {}, Awaited(job=job_id, chosen=0, rows={}, is_told=True))


def test_what_went_wrong_is_said_in_the_reel(tab, films, worker):
    job_id = films.extend(Asked(rows=((0, 2, "fail"),), fps=8), SETTINGS, None)
    worker.drain()
    value, opened, left, _ = look(tab, job_id)
    assert "model.safetensors is missing" in dict(value["cards"])[f"job-{job_id}"]
    assert (opened, left) == (gr.skip(), gr.skip())
    assert "Make a clip longer" in dict(tab.look(0, {}, None)[0]["cards"])["empty"]


def test_a_long_job_that_waits_says_why_in_the_reel(tab, films):
    job_id = films.extend(Asked(rows=((0, 2, "a dog"),), fps=8), SETTINGS, None)
    films.journal.put_down(films.journal.claim("w"), "The disk is full.")
    assert "The disk is full." in dict(look(tab, job_id)[0]["cards"])[f"job-{job_id}"]


def test_what_there_is_can_be_kept_once_a_long_job_has_begun(tab, films):
    job_id = films.extend(Asked(rows=((0, 2, "a dog"),), fps=8), SETTINGS, None)

    def acts():
        card = dict(look(tab, job_id)[0]["cards"])[f"job-{job_id}"]
        return [told["data-act"] for tag, told in Tags(card).tags if tag == "button"]
    assert acts() == ["stop"]
    job = films.journal.claim("w")
    assert acts() == ["stop", "keep"]
    films.journal.put_down(job)
    assert acts() == ["stop"]
    films.journal.report(films.journal.claim("w"), step=3, steps=8)
    films.journal.put_down(job)
    assert acts() == ["stop", "keep"]


def test_a_long_job_says_while_it_is_made_what_the_model_has_to_guess_at(tab, films):
    job_id = films.extend(Asked(rows=((0, 2, "a dog"),), fps=8), SETTINGS, None)
    films.journal.report(films.journal.claim("w"), notes=json.dumps([f"New words: {NASTY}"]))
    card = dict(look(tab, job_id)[0]["cards"])[f"job-{job_id}"]
    assert f'<p class="note">New words: {escape(NASTY)}</p>' in card and "<progress" in card


def test_a_stopped_job_is_no_error_and_a_failed_one_is(tab, films):
    job_id = films.extend(Asked(rows=((0, 2, "a dog"),), fps=8), SETTINGS, None)
    films.journal.cancel(job_id)
    card = dict(look(tab, job_id)[0]["cards"])[f"job-{job_id}"]
    assert '<p class="note">Stopped. Nothing was kept.</p>' in card and "failed" not in card
    failed = films.extend(Asked(rows=((0, 2, "a dog"),), fps=8), SETTINGS, None)
    films.journal.end(films.journal.claim("w"), "failed", "It broke.")
    card = dict(look(tab, failed)[0]["cards"])[f"job-{failed}"]
    assert '<p class="failed">It broke.</p>' in card and "Stopped" not in card


@pytest.mark.parametrize("kept", [3, {"job": 1}, {"job": "1", "chosen": 0, "rows": {},
                                                  "is_told": True}])
def test_only_what_is_whole_is_waited_for_again(kept):
    assert not _is_awaited(kept)
    assert _is_awaited({"job": 1, "chosen": 0, "rows": {}, "is_told": True})


# ---- what is pressed

def press(tab, act, number, seconds=0):
    opened, awaited = tab.act(number, {}, SimpleNamespace(act=act, id=number, seconds=seconds))
    return opened, awaited.get("job", awaited)


def test_the_clip_of_an_awaited_job_is_opened(tab, worker):
    awaited = tab.run(0, True, *fields([[0, 2, "a dog"]]))
    job_id, rows = awaited["job"], {"source": None, "rows": [[0, 2, "a dog"]]}
    assert tab.look(0, rows, awaited)[1:] == (gr.skip(), gr.skip(), gr.skip())
    worker.drain()
    value, opened, left, unmade = tab.look(0, rows, awaited)
    made = tab.journal.clips_of(job_id)[0]
    assert (opened.value, left) == (made.id, None)
    assert tab.turn_to(made.id, unmade)[0]["rows"] == [[2, 4, ""]], "it is made, and not again"
    assert f"clip-{made.id}" in dict(value["cards"])
    assert made.seed == 5    # the Create tab's seed is locked
    assert tab.journal.job(tab.run(0, False, *fields([[0, 2, "a dog"]]))["job"]).request != (
        tab.journal.job(job_id).request)


def test_a_form_that_has_changed_meanwhile_only_gets_the_clip_listed(tab, film, worker):
    rows = extend_form.first_rows(film)
    _, awaited = tab.act(film.id, rows, SimpleNamespace(act="redo", id=film.id, seconds=0))
    worker.drain()
    made = tab.films.made_by(awaited["job"])
    for chosen, now in ((film.id, rows | {"rows": [[6, 8, "typed"]]}), (0, rows)):
        value, opened, left, unmade = tab.look(chosen, now, awaited)
        assert "value" not in opened.constructor_args, "the list must stay where it is"
        assert made in [number for _, number in opened.choices]
        assert left is None
        assert f"clip-{made}" not in dict(value["cards"])
        assert unmade == gr.skip()
    _, opened, _, unmade = tab.look(film.id, rows, awaited)
    assert (opened.value, unmade) == (made, gr.skip()), "what is made again was not in the rows"


def test_a_long_draft_is_made_large_where_there_is_an_upsampler(tab, films, film, with_upsampler):
    films.journal.measure("storybook/upsampler", 0.25)
    card = drawn(films, film.id)[f"clip-{film.id}"]
    assert "Upscale (4 windows, about 4 s)" in card and "Redo this segment" in card
    _, job_id = press(tab, "upscale", film.id)
    Worker(films.journal, stand_in.load(), "worker").drain()
    large, = films.journal.clips_of(job_id)
    cards = drawn(films, large.id)
    assert 'data-act="upscale"' not in cards[f"clip-{large.id}"]
    assert "Upscale again" in cards[f"clip-{large.id}"]
    assert "Upscaled: " in cards["tree"]


def test_no_upscale_is_offered_where_there_is_no_upsampler(films, film, without_upsampler):
    assert 'data-act="upscale"' not in drawn(films, film.id)[f"clip-{film.id}"]
    with pytest.raises(RequestError, match="no upsampler"):
        films.upscale(film.id)


def test_the_weight_of_known_frames_is_kept_in_the_file(tab, worker):
    job_id = tab.run(0, True, *fields([[0, 2, "a dog"]], weight=2.5))["job"]
    worker.drain()
    made = tab.journal.clips_of(job_id)[0]
    metadata = read_metadata(tab.journal.output_directory / made.path)
    kept = ExtensionRequest.from_json(metadata[EXTENSION_KEY])
    assert kept.known_weight == 2.5
    assert extend_form.filled(kept)[-1] == 2.5


def test_buttons_open_redo_trim_mend_undo_and_stop(tab, film):
    assert press(tab, "open", film.id)[0].value == film.id
    for act, kind in (("redo", "extension"), ("trim", "edit"), ("colour", "edit"),
                      ("dissolve", "edit")):
        opened, job_id = press(tab, act, film.id, 1.0)
        assert opened == gr.skip() and tab.journal.job(job_id).kind == kind
    assert "A stand-in made it." in drawn(tab.films, film.id)[f"clip-{film.id}"]
    press(tab, "stop", job_id)
    assert tab.journal.job(job_id).state == "cancelled"
    assert press(tab, "undo", film.id)[0].value == film.source
    assert film.id not in [number for _, number in tab.listed(0).choices]
    assert press(tab, "take_up", film.id)[0].value == film.id
    with pytest.raises(JournalError, match="another version"):
        press(tab, "sing", film.id)


def test_another_clip_brings_its_own_rows_and_rate(tab, film):
    rows, seconds, fps, upscale = tab.turn_to(film.id, {"source": None, "rows": []})
    assert (rows["source"], seconds, fps.value, upscale) == (film.id, 0, 8, False)
    kept = tab.turn_to(film.id, {"source": film.id, "rows": [[6, 9, "typed"]]})
    assert kept[0] == kept[1] == gr.skip()


def test_what_was_written_goes_on_after_another_clip(tab, film):
    written = {"source": None, "begin": 0, "rows": [["0", "2", ""], ["2.5", "4", "a cat"]]}
    moved = tab.turn_to(film.id, written)[0]
    assert moved == {"source": film.id, "begin": 6, "rows": [[6, 8, ""], [8.5, 10, "a cat"]]}
    assert tab.turn_to(0, moved)[0]["rows"] == [[0, 2, ""], [2.5, 4, "a cat"]]
    for rows in ([["0", "3", " "]], [["", "3", "a cat"]], []):
        assert tab.turn_to(film.id, written | {"rows": rows})[0] == extend_form.first_rows(film)


def test_a_clip_that_is_gone_leaves_the_list_at_nothing(tab, film):
    assert tab.listed(99).value == 0
    Clip.delete().where(Clip.id == film.id).execute()
    value, opened, *_ = tab.look(film.id, {}, None)
    assert (value["cards"][0][0], opened.value) == ("empty", 0)
    assert tab.listed_anew(film.id).value == 0


# ---- in line with the other jobs

def test_a_long_job_stands_in_line_under_its_name_and_keeps_its_order(films, film):
    job_id = films.redo(film.id)
    assert "Longer: " in dict(Panel(films.journal).value()["cards"])[f"queue-{job_id}"]
    job = films.journal.job(job_id)
    with pytest.raises(JournalError, match="changed on the Extend tab"):
        queue.edit(films.journal, job_id, GenerationRequest.from_json(job.request))
    snapshot = films.journal.snapshot(10)
    assert (snapshot.jobs, [one.id for one in snapshot.elsewhere]) == ([], [job_id])


def test_numbers_of_a_plot_stay_inside_it(film):
    told = json.loads(Film.get(Film.clip == film).measures)
    row = Film.get(Film.clip == film)
    row.measures = json.dumps({name: list(np.zeros(len(values))) for name, values in told.items()})
    html = meter(film, row)
    assert "nan" not in html and "inf" not in html.replace("inside", "").replace("info", "")
