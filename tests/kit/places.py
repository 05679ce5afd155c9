"""Where the project is and what lies beside it, and an environment in which nothing but the built wheel is."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
SHARED = ROOT.parent / "shared"
PIP = (sys.executable, "-m", "pip")


def shared(name: str) -> Path:
    """A folder of data that lies beside the project; the test skips where it is not."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here; it is data to test against and no part of the project")
    return folder


@dataclass(frozen=True)
class FreshEnvironment:
    """A virtual environment in which only the built wheel is, with what it depends on."""

    wheel: Path
    python: Path

    @classmethod
    def made_once(cls, folder: Path) -> FreshEnvironment:
        """The one in that folder: the first process that asks makes it, the others wait for it."""
        folder.mkdir(exist_ok=True)
        made = folder / "made"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                cls._make(folder)
                made.touch()
        return cls._in(folder)

    @classmethod
    def _make(cls, folder: Path) -> None:
        """Builds the wheel and installs it where nothing else is."""
        subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", folder, ROOT], check=True)
        venv.create(folder / "env", with_pip=False, clear=True)
        fresh = cls._in(folder)
        fresh._install(fresh.wheel)

    @classmethod
    def _in(cls, folder: Path) -> FreshEnvironment:
        return cls(next(folder.glob("promptkit_image-*.whl")), folder / "env/bin/python")

    def install(self, project: Path) -> None:
        """Installs a project that lies in a folder, built as its author would build it."""
        subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", project / "dist", project], check=True)
        self._install(*(project / "dist").glob("*.whl"))

    def _install(self, *wheels: Path) -> None:
        subprocess.run([*PIP, f"--python={self.python}", "install", "-q", *wheels], check=True)

    def run(self, *arguments: str, cwd: Path) -> str:
        """What its interpreter prints."""
        return subprocess.run([self.python, *arguments], cwd=cwd, capture_output=True, text=True, check=True).stdout
