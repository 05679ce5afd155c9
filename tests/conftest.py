"""What all tests share: an environment of their own, and a real server on loopback."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from loopback import Loopback, serving

SHARED = Path(__file__).resolve().parents[2] / "shared"
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


def shared(name: str) -> Path:
    """A folder of data that lies beside the project; the test skips where it is not."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here; it is data to test against and no part of the project")
    return folder
