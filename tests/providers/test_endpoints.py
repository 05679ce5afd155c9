"""What an endpoint may be, what the config file may say of one, and how its base URL is read."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from kit.config_file import write_config

from promptkit.errors import SettingsError
from promptkit.providers.endpoint_choice import choose_endpoint
from promptkit.providers.endpoints import Endpoint

SECRET = "sk-sEcReT0123"
BAD_URLS = ["https://", "ftp://h", "://h", "https://h:99999", "https://h:x", "file:///etc/passwd", "https://[::1", "https:///path"]
TELLING = [f"https://user:{SECRET}@gw.example", f"https://{SECRET}@gw.example/", f"https://gw.example/?key={SECRET}", f"https://gw.example#{SECRET}"]
TELLING += [f"https://u:{SECRET}@gw.example:x", f"https://gw.example\\@{SECRET}"]


@pytest.mark.parametrize("url", BAD_URLS + TELLING)
def test_urls_that_are_refused(url: str) -> None:
    """A base URL without a host, or with user information, a query or a fragment, is refused, and what it carries is not quoted."""
    for make in (choose_endpoint, lambda u: Endpoint("x", u)):
        with pytest.raises(SettingsError) as failed:
            make(url)
        assert SECRET not in str(failed.value)
        assert failed.value.__context__ is None or failed.value.__suppress_context__


BROKEN: dict[str, tuple[str, str]] = {
    "no TOML": ("lang = zh", "cannot be read"),
    "an unknown key": ('lagn = "zh"', "an unknown key 'lagn'"),
    "a lang that is none": ("lang = 3", "has lang = 3"),
    "endpoints that are none": ("endpoints = 3", "has endpoints = 3"),
    "an endpoint that is none": ("[endpoints]\nwork = 3", "needs base_url"),
    "no base_url": ('[endpoints.work]\nmodel = "m"', "needs base_url"),
    "an empty base_url": ('[endpoints.work]\nbase_url = ""', "needs base_url"),
    "a key": (f'[endpoints.work]\nbase_url = "https://h"\napi_key = "{SECRET}"', "an unknown key 'api_key'"),
    "a key as key_env": (f'[endpoints.work]\nbase_url = "https://h"\nkey_env = "{SECRET}"', "key_env that names no variable"),
    "Google's key as key_env": ('[endpoints.work]\nbase_url = "https://h"\nkey_env = "AIzasEcReT"', "key_env that names no variable"),
    "a number as key_env": ('[endpoints.work]\nbase_url = "https://h"\nkey_env = 3', "key_env that names no variable"),
    "a slip": ('[endpoints.work]\nbase_url = "https://h"\nkeyenv = "A"', r"'keyenv' \(did you mean 'key_env'\?\)"),
    "an unknown auth": (f'[endpoints.work]\nbase_url = "https://h"\nauth = "Bearer {SECRET}"', "one of x-goog-api-key, bearer, raw, none"),
    "a model that is none": ('[endpoints.work]\nbase_url = "https://h"\nmodel = 3', "has model 3"),
    "a URL with a key": (f'[endpoints.work]\nbase_url = "https://h?key={SECRET}"', "carries user information, a query"),
    "offline redefined": ('[endpoints.offline]\nbase_url = "https://h"', "choose another name"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=list(BROKEN))
def test_broken_config(text: str, said: str) -> None:
    """A config file that cannot be meant is an error with its path and the key's name, and without the value of what may be a key."""
    path = write_config(text)
    with pytest.raises(SettingsError, match=said) as failed:
        choose_endpoint("work")
    assert str(path) in str(failed.value)
    assert SECRET not in str(failed.value)
    assert "sEcReT" not in str(failed.value)


def test_endpoints_are_frozen() -> None:
    """An Endpoint cannot be changed, takes one variable's name as a list of one, and shows no key, for it holds none."""
    endpoint = Endpoint("x", "https://X.example:443/v1beta/", key_env="A")  # type: ignore[arg-type]
    assert (endpoint.base_url, endpoint.key_env, endpoint.auth) == ("https://x.example", ("A",), "x-goog-api-key")
    with pytest.raises(FrozenInstanceError):
        endpoint.base_url = "https://evil.example"  # type: ignore[misc]
