"""The image's entry point, started by hand: its user, its environment, a root that can't be written to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from deploy.image import Image, ready_image

from bot.demo.processes import Stage, stage
from bot.demo.story import Story
from bot.demo.telling import AsJson
from bot.demo.town import Town

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with ready_image() as made:
        yield made


@pytest.fixture
async def contained(image: Image, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose bot is the image's."""
    async with stage(tmp_path, {"SECONDKEY_POLL_SECONDS": "1"}) as set_up:
        env = {k: v for k, v in set_up.bot.env.items() if k.startswith("SECONDKEY_")}
        del env["SECONDKEY_DATABASE_URL"]  # the image says where
        set_up.bot.command = image.command(env=env, outside=(env["SECONDKEY_CA_BUNDLE"],))
        yield set_up


async def test_the_story_is_played_by_the_images_entry_point_and_user(
    image: Image, contained: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town.of(contained)
    await Story(town, AsJson()).play()
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(one["ok"] for one in told)
    assert {"conflict-refused", "graph-recorded", "cards-follow", "ops-pinged"} <= {
        one["step"] for one in told
    }

    process = contained.bot.process
    assert process is not None
    status = status_of(process.pid)
    assert set(status["Uid"].split()) == {str(image.ids[0])}
    assert set(status["Gid"].split()) == {str(image.ids[1])}
    assert (status["Groups"].strip(), status["NoNewPrivs"], int(status["CapBnd"], 16)) == ("", "1", 0)
    assert (image.home / "data" / "secondkey.db").stat().st_uid == image.ids[0]

    began = asyncio.get_running_loop().time()
    await contained.bot.stop()
    assert process.returncode == 0, "it was told to stop, and did not stop by itself"
    assert asyncio.get_running_loop().time() - began < 10


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return dict(line.split(":\t", 1) for line in lines)


READ_ONLY = ["/", "/opt", "/opt/secondkey/bin", "/opt/packages", "/etc", "/usr", "/dev", "/proc"]
WRITABLE = ["/data", "/tmp"]  # noqa: S108 (the image's)
_TRY = """
import json, os, sys
def may(path):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT)); os.unlink(path); return True
    except OSError:
        return False
import bot, cards, secrets
print(json.dumps({
    "writable": [one for one in sys.argv[1:] if may(os.path.join(one, "probe"))],
    "code": sorted({os.path.dirname(os.path.dirname(m.__file__)) for m in (bot, cards)}),
    "cwd": os.getcwd(), "env": sorted(os.environ),
}))
"""


async def test_nothing_can_be_written_but_the_volume_and_tmp(image: Image) -> None:
    said = await run(image, "/opt/secondkey/bin/python", "-c", _TRY, *READ_ONLY, *WRITABLE)
    assert said["writable"] == WRITABLE
    assert said["cwd"] == "/data"
    assert all(path.startswith("/opt/secondkey/") for path in said["code"])
    assert not [name for name in said["env"] if name.startswith(("PYTEST", "VIRTUAL", "PYTHONPATH"))]


async def run(image: Image, *arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *image.command(*arguments, env={}), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    said: dict[str, Any] = json.loads(out)
    return said


async def test_without_settings_it_says_what_is_missing_and_exits_2(image: Image) -> None:
    process = await asyncio.create_subprocess_exec(*image.command(env={}), stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert "SECONDKEY_TENANT_ID: is required and missing" in errors.decode()
