"""The library as it is drawn: no text of a user becomes HTML, and files come from one folder."""

import queue
import threading
from types import SimpleNamespace

import pytest

from engine.errors import RequestError
from engine.media import known_suffixes
from engine.request import GenerationRequest
from snapui import folder
from snapui.library import Library, Page
from snapui.refill import told
from snapui.schema import JournalError
from snapui.sheet import Sheet
from snapui.shelf import FORMATS, Shelf
from snapui.tabs.library import LibraryTab
from tests.snapui.test_jobs import CLIP, finished
from tests.snapui.test_library import add, add_with_files
from tests.snapui.test_sheet import NASTY, Tags


@pytest.fixture
def shelf(journal):
    return Shelf(journal.output_directory)


def card(journal, shelf, clip_id):
    return Tags(shelf.value(Page([journal.clip(clip_id)], 0, 1, 1), "", "All")["cards"][0][1])


def test_every_text_of_a_user_shows_as_text(journal, shelf):
    request = GenerationRequest(prompt=NASTY, negative_prompt=NASTY)
    clip_id = add(journal, NASTY, request=request.to_json(), path=f"a/{NASTY}.mp4")
    for title in ("", NASTY):
        Library(journal).rename(clip_id, title)
        page = Tags(shelf.details(journal.clip(clip_id)))
        small = card(journal, shelf, clip_id)
        assert {tag for tag, _ in page.tags + small.tags} <= {
            "div", "header", "h3", "button", "video", "p", "form", "label", "input", "select",
            "option", "dl", "dt", "dd", "article", "img"}
        assert not any(name.startswith("on") for _, attributes in page.tags + small.tags
                       for name in attributes)
        assert page.text.count(NASTY) == 4  # name, prompt, negative prompt, file
        assert NASTY in small.text


def test_files_come_from_the_output_folder(journal, shelf):
    clip_id = add_with_files(journal)
    page = Tags(shelf.details(journal.clip(clip_id)))
    urls = [attributes["src"] for tag, attributes in page.tags if tag == "video"]
    assert urls == [f"gradio_api/file={journal.output_directory}/day/5.mp4"]


def test_a_clip_whose_file_is_gone_says_so_and_keeps_its_settings(journal, shelf):
    page = Tags(shelf.details(journal.clip(add(journal))))
    assert "gone from the output folder" in page.text and "Guidance" in page.text
    assert "video" not in {tag for tag, _ in page.tags}


def test_a_binned_clip_can_only_be_looked_at_used_and_put_back(journal, shelf):
    clip_id = add_with_files(journal)
    Library(journal).bin(clip_id)
    page = Tags(shelf.details(journal.clip(clip_id)))
    acts = {attributes.get("data-act") for tag, attributes in page.tags if tag == "button"}
    assert acts == {"close", "use", "put_back", None}


def test_a_clip_that_was_kept_early_says_so_small_and_large(journal, shelf):
    whole, early = add(journal), add(journal, kept_after="step 2 of 6")
    assert "after step 2 of 6" in Tags(shelf.details(journal.clip(early))).text
    assert "kept early" in card(journal, shelf, early).text
    assert "kept early" not in (Tags(shelf.details(journal.clip(whole))).text
                                + card(journal, shelf, whole).text).lower()


def test_a_card_says_how_long_the_clip_is_and_which_model_made_it(journal, shelf):
    request = GenerationRequest(prompt="a dog", model="some/<b>forty").to_json()
    clip_id = add(journal, request=request, frames=18, fps=8.0)
    assert " · 2.25 s · <b>forty · " in card(journal, shelf, clip_id).text


def test_only_drafts_are_upscaled(journal, shelf):
    large = GenerationRequest("a dog", upscale=True).to_json()
    drafts = [add(journal, kind=kind) for kind in ("draft", "extension", "edit")]
    others = [add(journal, kind="upscale"), add(journal, kind="extension", request=large)]
    offered = ['data-form="upscale"' in shelf.details(journal.clip(one))
               for one in (*drafts, *others)]
    assert offered == [True] * 3 + [False] * 2


def test_a_draft_is_upscaled_again_with_other_settings_and_labels_tell_them_apart(
        journal, shelf, monkeypatch):
    monkeypatch.setattr("snapui.tabs.library.gr.Info", lambda text: None)
    draft = finished(journal)
    tab = LibraryTab(journal)
    for steps, noise in (("4", "0.1"), ("1", "0.55")):
        tab.upscale(SimpleNamespace(id=draft.id, steps=steps, noise=noise))
    with pytest.raises(RequestError, match="Upscale freedom must be from 0"):
        tab.upscale(SimpleNamespace(id=draft.id, steps="4", noise="7"))
    sheet = Sheet(journal.output_directory)
    waiting = Tags(sheet.value(journal.snapshot(9))["cards"][0][1]).text
    for said in ("4 steps, freedom 0.1", "1 step, freedom 0.55"):
        job = journal.claim("w")
        journal.finish(job, [CLIP | {"request": job.request}], [])
        assert said in waiting and said in card(journal, shelf, journal.clips_of(job.id)[0].id).text
    done = Tags(sheet.value(journal.snapshot(9))["cards"][0][1]).text
    assert "64×36 · 4 steps, freedom 0.1" in done and "64×36 · 1 step, freedom 0.55" in done
    assert "freedom" not in card(journal, shelf, draft.id).text


def test_the_star_tells_its_state(journal, shelf):
    clip_id = add(journal)
    stars = []
    for is_starred in (False, True):
        Library(journal).star(clip_id, is_starred)
        stars += [attributes["aria-pressed"] for _, attributes
                  in card(journal, shelf, clip_id).tags if attributes.get("data-act") == "star"]
    assert stars == ["false", "true"]


@pytest.mark.parametrize(("words", "view", "lead"), [
    ("", "All", "Everything you make is kept here"), ("", "Starred", "No starred clips yet"),
    ("", "Bin", "The bin is empty"), ("giraffe", "All", "No clip has all of these words")])
def test_empty_views_teach(shelf, words, view, lead):
    value = shelf.value(Page([], 0, 1, 0), words, view)
    assert lead in value["cards"][0][1]


@pytest.mark.parametrize(("found", "said"), [(0, ""), (1, "1 clip"), (30, "30 clips")])
def test_the_number_of_clips_is_said(shelf, found, said):
    assert shelf.value(Page([], 0, 1, found), "", "All")["told"] == said


def test_the_page_gets_a_link_to_a_converted_clip(journal):
    tab, clip_id = LibraryTab(journal), add_with_files(journal)
    answer = tab.convert({"id": clip_id, "suffix": ".gif"})
    assert answer["name"] == "5.gif" and answer["url"].endswith(f"copies/{clip_id}/5.gif")


def test_every_format_that_is_offered_can_be_written():
    assert set(FORMATS) <= set(known_suffixes())


@pytest.mark.parametrize(("host", "client", "is_here"), [
    ("127.0.0.1:7860", "127.0.0.1", True), ("localhost:7860", "127.0.0.1", True),
    ("[::1]:7860", "::1", True), ("192.168.0.7:7860", "192.168.0.9", False),
    ("abc.gradio.live", "127.0.0.1", False), ("localhost:7860", "10.0.0.1", False),
    ("", "127.0.0.1", False)])
def test_folders_open_only_for_a_browser_on_this_machine(host, client, is_here):
    class Request:
        headers = {"host": host}

    Request.client = type("Client", (), {"host": client})
    assert folder.is_here(Request) is is_here


def test_without_a_file_manager_nothing_is_started(monkeypatch, tmp_path):
    monkeypatch.setattr(folder.shutil, "which", lambda _: None)
    assert folder.open_folder(tmp_path) is False


def test_what_did_not_come_back_shows_as_text():
    page = Tags(told(NASTY, (NASTY,)))
    assert {tag for tag, _ in page.tags} == {"div", "p", "ul", "li", "button"}
    assert page.text.count(NASTY) == 2
    assert "except" not in told("clip.mp4", ())


def test_the_file_manager_is_given_the_folder_of_the_clip(journal, monkeypatch):
    started = queue.Queue()

    def run(command, **_):
        started.put(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(folder.sys, "platform", "linux")
    monkeypatch.setattr(folder.shutil, "which", "/programs/{}".format)
    monkeypatch.setattr(folder.subprocess, "run", run)
    clip_id = add(journal, path="2026-01-02/a dog.mp4")
    browser = SimpleNamespace(headers={"host": "localhost:7860"},
                              client=SimpleNamespace(host="127.0.0.1"))
    assert LibraryTab(journal).open_folder({"id": clip_id}, browser) == {"told": ""}
    assert started.get(timeout=60) == [
        "/programs/xdg-open", str(journal.output_directory / "2026-01-02")]


@pytest.mark.parametrize(("platform", "code", "is_open"), [
    ("linux", 0, True), ("linux", 3, False), ("win32", 1, True)])
def test_a_file_manager_that_fails_is_not_taken_for_an_open_folder(
        monkeypatch, tmp_path, platform, code, is_open):
    monkeypatch.setattr(folder.sys, "platform", platform)
    monkeypatch.setattr(folder.shutil, "which", "/programs/{}".format)
    monkeypatch.setattr(folder.subprocess, "run",
                        lambda *_, **__: SimpleNamespace(returncode=code))
    assert folder.open_folder(tmp_path) is is_open


def test_a_file_manager_that_stays_is_not_waited_for(monkeypatch, tmp_path):
    closed = threading.Event()
    monkeypatch.setattr(folder, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(folder.shutil, "which", "/programs/{}".format)
    monkeypatch.setattr(folder.subprocess, "run", lambda *_, **__: (
        closed.wait(60), SimpleNamespace(returncode=3))[1])
    assert folder.open_folder(tmp_path) is True
    closed.set()


def test_from_another_machine_it_is_said_where_the_clip_is(journal):
    clip_id = add(journal, path="2026-01-02/a dog.mp4")
    away = SimpleNamespace(headers={"host": "studio:7860"}, client=SimpleNamespace(host="10.0.0.2"))
    told = LibraryTab(journal).open_folder({"id": clip_id}, away)["told"]
    assert str(journal.output_directory / "2026-01-02") in told


def test_ticked_clips_are_all_put_in_the_bin_or_none_is(journal, monkeypatch):
    said = []
    monkeypatch.setattr("snapui.tabs.library.gr.Info", said.append)
    tab, ids = LibraryTab(journal), [add(journal), add(journal)]
    with pytest.raises(JournalError, match="no clip number 9"):
        tab.bin_ticked(SimpleNamespace(ids=[*ids, 9]))
    assert tab.library.page(view="Bin").found == 0
    tab.bin_ticked(SimpleNamespace(ids=ids))
    assert tab.library.page(view="Bin").found == 2
    assert said[0].startswith("2 clips put in the bin.")


def test_ticked_clips_are_all_taken_out_of_the_bin_or_none_is(journal, monkeypatch):
    said = []
    monkeypatch.setattr("snapui.tabs.library.gr.Info", said.append)
    tab, ids = LibraryTab(journal), [add(journal), add(journal), add(journal)]
    for clip_id in ids:
        tab.library.bin(clip_id)
    with pytest.raises(JournalError, match="no clip number 9"):
        tab.put_back_ticked(SimpleNamespace(ids=[*ids, 9]))
    assert tab.library.page(view="Bin").found == 3
    tab.put_back_ticked(SimpleNamespace(ids=ids[:1]))
    assert [clip.id for clip in tab.library.page(view="All").clips] == ids[:1]
    assert said == ["1 clip taken out of the bin."]
