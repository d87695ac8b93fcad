"""The image's file system and start, made by hand: there is no engine here that could build it.

What the Dockerfile installs is installed from the same files; the dependencies are this
environment's, shown read-only. How it is started is read from the Dockerfile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from deploy.dockerfile import ROOT, read

FILE = read()
ENTER = Path(__file__).with_name("enter_image.sh")


def why_not() -> str | None:
    """Why the image can't be entered on this machine; None when it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can mount and change users"
    missing = [tool for tool in ("unshare", "setpriv", "chroot") if shutil.which(tool) is None]
    if missing:
        return f"there is no {', '.join(missing)}"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)  # noqa: S607
    return None if tried.returncode == 0 else "this machine does not let us have a mount namespace"


@dataclass(frozen=True, slots=True)
class Image:
    home: Path

    @classmethod
    def make(cls, home: Path) -> Image:
        """Install into ``home``, which everybody has to be able to look into. Skips the test where
        the image could not be entered.
        """
        if reason := why_not():
            pytest.skip(reason)
        image = cls(home)
        (home / "root").mkdir()
        data = home / "data"
        data.mkdir(mode=0o700)
        os.chown(data, *image.ids)
        image.install()
        return image

    @property
    def ids(self) -> tuple[int, int]:
        user, group = FILE.final.one("USER").split(":")
        return int(user), int(group)

    def install(self) -> None:
        """The build stage, without the download. Done where the image has it, since scripts name
        their interpreter by its full path.
        """
        context, packages = self.home / "context", self.home / "opt" / "packages"
        packages.mkdir(parents=True)
        context.mkdir()
        for name in {word for rest in FILE.stages[0].all("COPY") for word in rest.split()[:-1]}:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, context / name)
        site = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        done = subprocess.run(
            [
                *("unshare", "--mount", "--propagation", "private", "sh", "-euc", _INSTALL, "sh"),
                *(str(self.home / "opt"), sys.executable, str(context), site, sysconfig.get_path("purelib")),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def command(self, *arguments: str, outside: tuple[str, ...] = (), env: Mapping[str, str]) -> list[str]:
        """What runs ``arguments`` (the image's own command without any) in the image, with the
        image's environment and ``env``, and nothing of ours.
        """
        final = FILE.final
        said = [*final.words("ENTRYPOINT"), *final.words("CMD")] if not arguments else list(arguments)
        own = {**final.pairs("ENV"), **env}
        own["PATH"] = own["PATH"].replace("$PATH", "/usr/local/bin:/usr/bin:/bin")
        shown = (sys.base_prefix, f"{sysconfig.get_path('purelib')}=/opt/packages", *outside)
        return [
            *("unshare", "--mount", "--propagation", "private", "sh", str(ENTER)),
            *(str(self.home / one) for one in ("root", "opt", "data")),
            *(final.one("USER"), final.one("WORKDIR"), *shown, "--"),
            *("env", "-i", *(f"{name}={value}" for name, value in own.items()), *said),
        ]


@contextmanager
def ready_image() -> Iterator[Image]:
    # Not below pytest's own directory, into which only root can look.
    home = Path(tempfile.mkdtemp(prefix="secondkey-image-"))
    try:
        home.chmod(0o755)
        yield Image.make(home)
    finally:
        shutil.rmtree(home)


_INSTALL = """
mount --bind "$1" /opt
mount --bind "$5" /opt/packages
"$2" -m venv --without-pip /opt/secondkey
echo /opt/packages > "/opt/secondkey/$4/packages.pth"
"$2" -m pip --python /opt/secondkey/bin/python install --quiet --disable-pip-version-check \
    --root-user-action=ignore --no-deps --no-index --no-build-isolation "$3"
"""
