"""What all tests share: an environment of their own, and a real server on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import conformance
import pytest
from loopback import Loopback, serving

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
PIP = (sys.executable, "-m", "pip")
OURS = ("PROMPTKIT_", "GEMINI_", "GOOGLE_", "DEERAPI_", "AAIGC_")


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has folders of its own for settings, templates and sessions, and no key of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(OURS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PROMPTKIT_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a test that skips fails: where all is there, a skip is a hole")


def pytest_configure(config: pytest.Config) -> None:
    conformance.configure(config)
    # a shell ignores it for what runs in its background, and what a test starts would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.config.getoption("--no-skips"):
        report.outcome, report.longrepr = "failed", f"skipped, with --no-skips: {report.longrepr}"
    return report


@pytest.fixture
def service() -> Iterator[Loopback]:
    """A generateContent server on loopback; it paints, unless a test says otherwise."""
    with serving() as loopback:
        yield loopback


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock on the wall that is nine hours ahead of UTC."""
    if not hasattr(time, "tzset"):
        pytest.skip("here the environment does not say where one is")
    with monkeypatch.context() as there:
        there.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@dataclass(frozen=True)
class FreshEnvironment:
    """A virtual environment in which only the built wheel is, with what it depends on."""

    wheel: Path
    python: Path

    def install(self, project: Path) -> None:
        """Installs a project that lies in a folder, built as its author would build it."""
        subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", project / "dist", project], check=True)
        self._install(*(project / "dist").glob("*.whl"))

    def _install(self, *wheels: Path) -> None:
        subprocess.run([*PIP, f"--python={self.python}", "install", "-q", *wheels], check=True)

    def run(self, *arguments: str, cwd: Path) -> str:
        """What its interpreter prints."""
        return subprocess.run([self.python, *arguments], cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="session")
def fresh_environment(tmp_path_factory: pytest.TempPathFactory) -> FreshEnvironment:
    """The wheel, built and installed where nothing else is."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", folder, ROOT], check=True)
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    made = FreshEnvironment(next(folder.glob("promptkit_image-*.whl")), python)
    made._install(made.wheel)
    return made


def shared(name: str) -> Path:
    """A folder of data that lies beside the project; the test skips where it is not."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here; it is data to test against and no part of the project")
    return folder
