"""What all tests share: an environment of their own, and a real server on loopback."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from kit import conformance
from kit.loopback import Loopback, serving
from kit.places import TESTS, FreshEnvironment

from promptkit.providers import endpoint_choice

# a busy machine is no failure: hypothesis judges by the clock unless it is told not to
settings.register_profile("no clock", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("no clock")

OURS = ("PROMPTKIT_", "GEMINI_", "GOOGLE_", "DEERAPI_", "AAIGC_")


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has folders of its own for settings, templates and sessions, no key of whoever runs it, and knows no endpoint that another
    test named in this process.
    """
    endpoint_choice._given.clear()
    for name in list(os.environ):
        if name.startswith(OURS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PROMPTKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]))  # processes find kit
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


@pytest.fixture(scope="session")
def fresh_environment(tmp_path_factory: pytest.TempPathFactory) -> FreshEnvironment:
    """The wheel, built and installed where nothing else is, once for all workers."""
    own = tmp_path_factory.getbasetemp()
    of_the_run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return FreshEnvironment.made_once(of_the_run / "fresh-environment")
