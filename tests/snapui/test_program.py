"""The page as a server: what it hands out, what it refuses, and the API as a program uses it."""

import http.client
import json
import random
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from gradio.utils import get_upload_folder

from engine.extension.request import EXTENSION_KEY, ExtensionRequest
from engine.media import OPENING_KEY, read_clip, read_metadata, write_clip
from snapui import launch
from snapui.jobs import Journal
from snapui.schema import Job, database_url
from tests.browser.conftest import stand_in_program
from tests.snapui.stand_in import moving_bar
from tests.snapui.test_worker import wait_for

SECRET = b"nobody may read this"
ATTEMPTS = 200


class Served:
    """A running program, its journal, and plain HTTP to it."""

    def __init__(self, program):
        self.outputs, self.url = program.outputs, program.url
        self._port, self._pid = program.port, program.pid
        self.journal = Journal(database_url(None, program.outputs), program.outputs)

    def has_torch(self):
        """Say whether the process that serves the page has torch in its memory."""
        mapped = Path(f"/proc/{self._pid}/maps").read_text()
        assert "_sqlite3" in mapped, "these are not the files of a running program"
        return "libtorch" in mapped

    def ask(self, method, path, body=None, headers=None):
        """Send a request whose path nothing on this side makes tidy. Returns: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=180)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    program = stand_in_program(tmp_path_factory.mktemp("program") / "outputs", 0.02)
    program.start()
    running = Served(program)
    yield running
    running.journal.close()
    program.stop()


def attempts(outputs: Path, secret: Path):
    """Return paths that try to reach a file outside of the outputs, or a private one in them."""
    up = "/".join([".."] * 12)
    links = outputs / "2026-01-01" / "link.mp4"
    links.parent.mkdir(exist_ok=True)
    links.symlink_to(secret)
    folder = outputs / "folder"
    folder.symlink_to(secret.parent)
    private = [outputs / "journal.db", outputs / "journal.db-wal", outputs / ".work" / "1" / "base"]
    private[2].parent.mkdir(parents=True)
    private[2].write_bytes(SECRET)
    wanted = [secret, links, folder / secret.name, *private, Path("/etc/passwd"),
              Path("/proc/self/environ"), Path(launch.__file__), Path.home() / ".bashrc",
              outputs / ".." / secret.name, outputs / up / str(secret)[1:],
              outputs / "2026-01-01" / ".." / ".." / secret.name]
    written = []
    for path in map(str, wanted):
        written += [path, path[1:], f"/{path}", f"./{path}", f"{up}{path}", f"file://{path}",
                    path.replace("/", "//"), path.replace("/", "/./"), path + "\0.mp4",
                    path.replace("..", "....//"), path.replace("/", "\\")]
    def whole(text):
        return quote(text, safe="")

    encoders = (lambda text: text.replace("\0", "%00").replace(" ", "%20"), quote, whole,
                lambda text: quote(whole(text), safe=""),
                lambda text: quote(text).replace(".", "%2e"),
                lambda text: quote(text).replace("/", "%c0%af"))
    doors = ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/",
             "/gradio_api/proxy=", "/gradio_api/stream/")
    every = [door + encode(text) for text in written for encode in encoders for door in doors]
    return random.Random(0).sample(every, ATTEMPTS)


def test_only_the_outputs_are_served(served, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_bytes(SECRET)
    clip = served.outputs / "clip.mp4"
    clip.write_bytes(b"a clip")
    assert served.ask("GET", f"/gradio_api/file={clip}") == (200, b"a clip")
    for path in attempts(served.outputs, secret):
        status, body = served.ask("GET", path)
        assert SECRET not in body and b"SQLite format" not in body and b"root:" not in body, path
        assert status >= 300 or b"<!doctype html>" in body.lower(), path


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal", ".work/1/base", "link.mp4"])
def test_private_files_in_the_outputs_are_not_served(served, tmp_path, name):
    secret = tmp_path / "secret.txt"
    secret.write_bytes(SECRET)
    path = served.outputs / name
    if name == "link.mp4":
        path.symlink_to(secret)
    elif not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SECRET)
    assert served.ask("GET", f"/gradio_api/file={path}")[0] in (403, 404)


@pytest.mark.parametrize(("origin", "status"), [
    (None, 200), ("own", 200), ("http://evil.example", 403), ("http://127.0.0.1:1", 403),
    ("null", 403)])
def test_posts_of_other_sites_pages_are_refused(served, origin, status):
    headers = {"Content-Type": "application/json"}
    if origin:
        headers["Origin"] = served.url.rstrip("/") if origin == "own" else origin
    before = Job.select().count()
    body = json.dumps({"data": ["a dog", "", "1", 1, {"steps": 1}]})
    assert served.ask("POST", "/gradio_api/run/create", body, headers)[0] == status
    assert Job.select().count() - before == (status == 200)


@pytest.mark.parametrize(("method", "origin", "forwarded", "site", "status"), [
    ("GET", "http://evil.example", None, None, 403), ("GET", "own", None, "same-origin", 200),
    ("GET", "https://studio.example", "studio.example", "same-origin", 200),    # behind a proxy
    ("GET", "https://evil.example", "evil.example", "cross-site", 403),
    ("POST", "https://evil.example", "evil.example", "cross-site", 403),
    ("POST", "https://evil.example", "evil.example", "same-site", 403)])
def test_pages_of_other_sites_read_nothing_and_feign_no_proxy(
        served, method, origin, forwarded, site, status):
    told = {"Origin": served.url.rstrip("/") if origin == "own" else origin,
            "X-Forwarded-Host": forwarded, "Sec-Fetch-Site": site}
    headers = {name: value for name, value in told.items() if value}
    assert served.ask(method, "/config", headers=headers)[0] == status


@pytest.mark.parametrize(("host", "status"), [
    ("127.0.0.1", 200), ("localhost:7860", 200), ("[::1]:7860", 200), ("evil.example", 403),
    ("127.0.0.1.evil.example:7860", 403), ("localhost.evil.example", 403), ("[::1", 403),
    ("192.168.0.7", 403), ("", 403)])
def test_only_names_of_this_machine_are_answered_to(served, host, status):
    told, body = served.ask("GET", "/config", headers={"Host": host})
    assert told == status
    assert (b"start it with --auth" in body) == (status == 403)


@pytest.mark.parametrize(("megabytes", "status"), [(1, 200), (201, 413)])
def test_an_upload_beyond_the_limit_is_refused(served, megabytes, status):
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
    parts = [head, *[bytes(2**20)] * megabytes, b"\r\n--x--\r\n"]
    assert served.ask("POST", "/gradio_api/upload", iter(parts), {
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": str(sum(map(len, parts)))})[0] == status


def test_a_program_creates_watches_fetches_upscales_and_cancels(served):
    from gradio_client import Client
    client = Client(served.url, verbose=False)
    try:
        job = client.predict("a dog", "", "7", 2, {"steps": 4}, api_name="/create")
        wait_for(lambda: client.predict(job, api_name="/status")["state"] == "done")
        told = client.predict(job, api_name="/status")
        assert [clip["request"]["seed"] for clip in told["clips"]] == [7, 8]
        status, body = served.ask("GET", f"/gradio_api/file={told['clips'][0]['file']}")
        assert (status, body[4:8]) == (200, b"ftyp")
        large = client.predict(told["clips"][1]["clip"], 2, 0.25, api_name="/upscale")
        wait_for(lambda: client.predict(large, api_name="/status")["state"] == "done")
        made, = client.predict(large, api_name="/status")["clips"]
        assert (made["width"], made["height"]) == (512, 288)
        assert [made["request"][name] for name in (
            "upscale", "upscale_steps", "upscale_noise", "seed")] == [True, 2, 0.25, 8]
        with pytest.raises(Exception, match="is an upscale already"):
            client.predict(made["clip"], api_name="/upscale")
        slow = client.predict("a dog", "", "7", 1, {"steps": 256}, api_name="/create")
        wait_for(lambda: client.predict(slow, api_name="/status")["step"] > 2)
        client.predict(slow, "keep", api_name="/cancel")
        wait_for(lambda: client.predict(slow, api_name="/status")["state"] == "done")
        assert "kept as it was" in client.predict(slow, api_name="/status")["notes"][0]
        last = client.predict("a dog", "", "7", 1, {"steps": 256}, api_name="/create")
        client.predict(last, api_name="/cancel")
        wait_for(lambda: client.predict(last, api_name="/status")["state"] == "cancelled")
        for seed, settings, sentence in (
                ("-1", {}, "from 0 to"), ("1", {"model": "storibook"}, "no model 'storibook'"),
                ("1", {"guidence": 3}, "There is no setting guidence. There are .*guidance"),
                ("1", [3], "settings must have names")):
            with pytest.raises(Exception, match=sentence):
                client.predict("a dog", "", seed, 1, settings, api_name="/create")
        for job, sentence in ((10**20, "whole number"), (1.9, "whole number"),
                              (True, "whole number"), (999, "no job number 999")):
            with pytest.raises(Exception, match=sentence):
                client.predict(job, api_name="/status")
        for values, settings, sentence in ((None, {}, "values must be a list"),
                                           ([1, 3], {"foo": 1}, "no setting foo")):
            with pytest.raises(Exception, match=sentence):
                client.predict("a dog", "guidance", values, "", None, settings,
                               api_name="/compare")
        assert not served.has_torch()
    finally:
        client.close()


def test_a_program_extends(served):
    from gradio_client import Client
    client = Client(served.url, verbose=False)
    try:
        first = client.predict(0, ["0-2: a dog", "2-3: a cat"], 0, False, 1,
                               {"steps": 2, "fps": 8, "seed": 7}, api_name="/extend")
        wait_for(lambda: client.predict(first, api_name="/status")["state"] == "done")
        told = client.predict(first, api_name="/status")["clips"]
        assert [(clip["frames"], clip["request"]["prompt"]) for clip in told] == [
            (16, "a dog"), (24, "a cat")]
        smooth = client.predict(told[1]["clip"], [], 0, False, 2, {}, api_name="/extend")
        wait_for(lambda: client.predict(smooth, api_name="/status")["state"] == "done")
        made, = client.predict(smooth, api_name="/status")["clips"]
        assert (made["frames"], made["request"]["fps"]) == (47, 16)
        for call, sentence in (
                ((0, ["0-2: a dog", "1-3: a cat"]), "overlap"), ((0, ["a dog"]), "not written as"),
                (("x", ["0-2: a dog"]), "clip must be a whole number"),
                ((0, ["0-2: a dog"], "long"), "Seconds must be a number"),
                ((0, "0-2: a dog"), r'segments must be a list, such as \["0-2: a dog"\]'),
                ((0, ["0-2: a dog"], 0, "false"), "loop must be true or false, not 'false'"),
                ((0, ["0-2: a dog"], 0, False, 1, {"plan_only": "no"}), "plan_only must be true"),
                ((0, ["0-2: a dog"], 0, False, "two"), "in_between must be a whole number"),
                ((0, ["0-2: a dog"], 0, False, 1, {"fps": "many"}), "Frames per second must be"),
                ((0, ["0-2: a dog"], 0, False, 1, {"fit": "stretch"}), "letterbox, crop"),
                ((0, ["0-2: a dog"], 0, False, 1, {"kept": 1}), "There is no setting kept"),
                ((told[1]["clip"], ["3-4: a dog"], 0, False, 1, {"model": "nope"}),
                 "A clip that goes on keeps its model"),
                ((0, ["0-2: a dog"], 0, False, 1, {"known_weight": 101}), "from 0 to 100")):
            with pytest.raises(Exception, match=sentence):
                client.predict(*call, api_name="/extend")
        assert not served.has_torch()
    finally:
        client.close()


def test_a_program_hands_pictures_and_a_video_over(served, tmp_path):
    from gradio_client import Client, handle_file
    first, last = (write_clip(tmp_path / f"{name}.png", np.full((1, 36, 64, 3), level, np.uint8), 1)
                   for name, level in (("first", 40), ("last", 200)))
    video = write_clip(tmp_path / "mine.mp4", moving_bar(3, 36, 64), 8)
    client = Client(served.url, verbose=False)

    def made(settings):
        job = client.predict(0, ["0-4: a dog"], 0, False, 1, {"steps": 2, "fps": 8} | settings,
                             api_name="/extend")
        wait_for(lambda: client.predict(job, api_name="/status")["state"] == "done")
        clip, = client.predict(job, api_name="/status")["clips"]
        metadata = read_metadata(clip["file"])
        kept = ExtensionRequest.from_json(metadata[EXTENSION_KEY])
        return read_clip(clip["file"]).frames, kept, json.loads(metadata["parents"])
    try:
        frames, kept, parents = made({
            "start_picture": handle_file(first), "end_picture": handle_file(last),
            "fit": "crop", "known_weight": 2.5})
        assert [int(frames[at].mean().round()) for at in (0, -1)] == [40, 200]
        assert (kept.fit, kept.known_weight) == ("crop", 2.5)
        assert [name.split("_")[1] for name in parents] == ["first.png", "last.png"]
        frames, _, parents = made({"video": handle_file(video)})
        assert np.abs(frames[:16].astype(int) - read_clip(video).frames).mean() < 8
        assert len(frames) == 32 and parents[0].endswith("_mine.mp4")
        for what, sentence in (({"video": handle_file(first)}, "still picture"),
                               ({"start_picture": handle_file(video)}, "no still picture")):
            with pytest.raises(Exception, match=sentence):
                made(what)
    finally:
        client.close()


def test_a_program_s_drafts_begin_with_its_picture(served, tmp_path):
    from gradio_client import Client, handle_file
    first = write_clip(tmp_path / "first.png", np.full((1, 36, 64, 3), 40, np.uint8), 1)
    client = Client(served.url, verbose=False)
    try:
        job = client.predict("a dog", "", "7", 1, {"steps": 2, "start_picture": handle_file(first),
                                                   "fit": "crop"}, api_name="/create")
        wait_for(lambda: client.predict(job, api_name="/status")["state"] == "done")
        clip, = client.predict(job, api_name="/status")["clips"]
        assert read_clip(clip["file"]).frames[0].mean().round() == 40
        assert read_metadata(clip["file"])[OPENING_KEY] == "crop"
        with pytest.raises(Exception, match="letterbox, crop"):
            client.predict("a dog", "", "7", 1, {"start_picture": handle_file(first),
                                                 "fit": "stretch"}, api_name="/create")
        with pytest.raises(Exception, match="is no uploaded file"):
            client.predict("a dog", "", "7", 1, {"start_picture": "/etc/passwd"},
                           api_name="/create")
    finally:
        client.close()


def test_a_call_may_name_no_file_that_was_not_uploaded(served, tmp_path):
    secret = write_clip(tmp_path / "secret.png", np.zeros((1, 4, 4, 3), np.uint8), 1)
    inside = Path(get_upload_folder()) / "link.png"
    inside.parent.mkdir(parents=True, exist_ok=True)
    inside.unlink(missing_ok=True)
    inside.symlink_to(secret)
    def there():
        return Job.select().count(), sorted(served.outputs.glob("given/*"))
    before = there()
    for named in (str(secret), {"path": str(secret)}, str(inside), str(inside.parent), ["a"], 7,
                  {"path": str(secret), "meta": {"_type": "gradio.FileData"}}, {"a": 1}, "\0",
                  "/etc/passwd", "http://127.0.0.1/first.png", f"{inside.parent}/../{secret}"):
        body = json.dumps({"data": [0, ["0-2: a dog"], 0, False, 1, {"start_picture": named}]})
        status, told = served.ask("POST", "/gradio_api/run/extend", body, {
            "Content-Type": "application/json"})
        by_gradio = isinstance(named, dict) and "meta" in named
        assert status == 500 and (by_gradio or b"is no uploaded file" in told), named
    inside.unlink()
    assert there() == before


def test_a_program_compares(served):
    from gradio_client import Client
    client = Client(served.url, verbose=False)
    try:
        made = client.predict("a dog", "guidance", [1, 3], "seed", [4, 5], {"steps": 2},
                              api_name="/compare")
        assert [len(row) for row in made["jobs"]] == [2, 2]
        wait_for(lambda: all(client.predict(job, api_name="/status")["state"] == "done"
                             for row in made["jobs"] for job in row))
        told = client.predict(made["jobs"][1][0], api_name="/status")["clips"][0]["request"]
        assert (told["guidance"], told["seed"], told["steps"]) == (1, 5, 2)
        with pytest.raises(Exception, match="at least 2"):
            client.predict("a dog", "guidance", [1], api_name="/compare")
        with pytest.raises(Exception, match="no model 'storibook'"):
            client.predict("a dog", "model", ["storybook", "storibook"], api_name="/compare")
        assert not served.has_torch()
    finally:
        client.close()


def test_what_is_new_is_told_only_to_pages_behind_the_password(tmp_path):
    program = stand_in_program(tmp_path / "outputs", 0.02, "--auth", "me:secret")
    program.start()
    try:
        with httpx.Client(base_url=program.url, timeout=180) as visitor:
            assert visitor.get("/snapui/live").status_code == 401
            assert visitor.get("/config").status_code == 401
            assert visitor.post("/login", data={"username": "me", "password": "secret"}).is_success
            sheet = next(part["props"] for part in visitor.get("/config").json()["components"]
                         if part["props"].get("elem_id") == "sheet")
        told = httpx.get(f"{program.url}snapui/live", params={"key": sheet["props"]["live_key"]})
        assert told.json()["parts"]["sheet"]["cards"][0][0] == "empty"
        assert httpx.get(f"{program.url}snapui/live", params={"key": "x"}).status_code == 401
    finally:
        program.stop()


def test_what_is_new_is_told_once(served):
    seen = ""

    def is_told():
        nonlocal seen
        status, body = served.ask("GET", f"/snapui/live?seen={seen}")
        seen = json.loads(body)["seen"] if status == 200 else seen
        return status == 204

    wait_for(is_told)
    assert seen
    foreign = {"Host": "evil.example"}
    assert served.ask("GET", "/snapui/live", headers=foreign)[0] == 403
