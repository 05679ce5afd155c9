"""The user's config file, and the variables of the environment, as a test wants them."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptkit import config

WORK = '[endpoints.work]\nbase_url = "https://gw.example/ai/"\nauth = "bearer"\nkey_env = ["WORK_KEY", "OLD_KEY"]\nmodel = "m"\n'


def write_config(text: str) -> Path:
    """Makes this the whole config file."""
    path = config.config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def set_env(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    """Sets these variables for the test."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
