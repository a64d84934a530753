"""The page's work as MCP tools, used by a real client over HTTP against the running program."""

import base64
import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest

from tests.browser.conftest import stand_in_program

mcp = pytest.importorskip("mcp")
PATIENCE = 120  # seconds: the machine may be doing other things


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    running = stand_in_program(tmp_path_factory.mktemp("tools") / "outputs", 0.02, "--mcp")
    running.start()
    yield running
    running.stop()


@asynccontextmanager
async def session_with(program):
    from mcp.client.streamable_http import streamable_http_client
    async with (streamable_http_client(f"{program.url}gradio_api/mcp/") as (read, write, _),
                mcp.ClientSession(read, write) as session):
        await session.initialize()
        yield session


def run(use):
    """Run what uses a session in a thread of its own: browser tests leave a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(anyio.run, use).result()


async def call(session, tool, **given):
    """Return what a tool answers, or its sentence as an exception."""
    answer = await session.call_tool(tool, given)
    text = answer.content[0].text
    if answer.isError:
        raise RuntimeError(text)
    return json.loads(text)


async def wait_for(session, job, is_there):
    with anyio.fail_after(PATIENCE):
        while not is_there(told := await call(session, "status", job=job)):
            await anyio.sleep(0.05)
    return told


def test_every_endpoint_is_a_tool_that_explains_itself(program):
    async def use():
        async with session_with(program) as session:
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            assert {"create", "upscale", "extend", "compare", "status", "cancel"} <= set(tools)
            assert all(tool.description for tool in tools.values())
            assert tools["create"].inputSchema["required"] == ["prompt"]
    run(use)


def test_a_client_creates_watches_fetches_and_cancels(program):
    async def use():
        async with session_with(program) as session:
            job = await call(session, "create", prompt="a dog", seed="7", drafts=2,
                             settings={"steps": 4})
            told = await wait_for(session, job, lambda told: told["state"] == "done")
            assert [clip["request"]["seed"] for clip in told["clips"]] == [7, 8]
            with urllib.request.urlopen(program.url + told["clips"][0]["url"]) as file:
                assert file.read()[4:8] == b"ftyp"
            slow = await call(session, "create", prompt="a dog", settings={"steps": 256})
            await wait_for(session, slow, lambda told: told["step"] > 2)
            await call(session, "cancel", job=slow)
            told = await wait_for(session, slow, lambda told: told["state"] == "cancelled")
            assert told["clips"] == []
    run(use)


def test_a_comparison_is_answered_in_json(program):
    async def use():
        async with session_with(program) as session:
            made = await call(session, "compare", prompt="a dog", field="guidance", values=[1, 3],
                              settings={"steps": 2})
            assert sorted(made) == ["comparison", "jobs"]
            assert [len(row) for row in made["jobs"]] == [2]
    run(use)


def test_an_error_is_the_sentence_the_page_would_say(program):
    async def use():
        async with session_with(program) as session:
            with pytest.raises(RuntimeError, match="The prompt is empty"):
                await call(session, "create", prompt="")
            with pytest.raises(RuntimeError, match="no job number 4711"):
                await call(session, "status", job=4711)
    run(use)


def test_tools_ask_for_the_password_too(tmp_path):
    program = stand_in_program(tmp_path / "outputs", 0.02, "--mcp", "--auth", "me:secret")
    program.start()
    try:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        answers = [httpx.post(f"{program.url}gradio_api/mcp/", json=asked, timeout=PATIENCE,
                              headers={"Accept": "application/json, text/event-stream"} | headers)
                   for headers in ({}, login("me:wrong"), login("me:secret"))]
        assert [answer.status_code for answer in answers] == [401, 401, 200]
        assert "create" in answers[2].text
    finally:
        program.stop()


def login(user_and_password):
    return {"Authorization": f"Basic {base64.b64encode(user_and_password.encode()).decode()}"}
