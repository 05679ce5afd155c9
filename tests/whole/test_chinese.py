"""The notebook for Chinese users is true: the sentences that it explains are those that promptkit says, and its shell lines work.

That its cells run is tested in test_notebooks; each error in the folder of its package.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from kit.certificates import certificate, showing
from kit.config_file import write_config
from kit.loopback import Loopback, error_reply, json_reply, text_reply
from kit.places import ROOT

from promptkit import PromptkitError, Session
from promptkit.providers.endpoint_choice import choose_endpoint

NOTEBOOK = nbformat.read(ROOT / "notebooks/07_zh_first_picture.ipynb", as_version=4)
WORDS = "\n\n".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
ROWS = re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \|$", WORDS.partition("| 英文提示 |")[2], re.MULTILINE)
WAIT = {"Retry-After": "0.01"}


@pytest.fixture(autouse=True)
def _no_certificates_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def at(url: str) -> None:
    write_config(f'[endpoints.deerapi]\nbase_url = "{url}"\nauth = "raw"\nkey_env = "DEERAPI_API_KEY"\n')


def without_a_key(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEERAPI_API_KEY")


def beside_the_service(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    at("http://127.0.0.1:9")


def behind_a_dead_proxy(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    at("https://gateway.example")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")


def answering(*reply: object) -> Callable[[Loopback, pytest.MonkeyPatch], None]:
    def answer(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
        (service.always,) = reply

    return answer


SITUATIONS: list[tuple[int, Callable[[Loopback, pytest.MonkeyPatch], None]]] = [
    (1, without_a_key),
    (2, answering(error_reply(401, "无效的令牌"))),
    (3, answering(error_reply(403, "用户额度不足, 剩余额度: 0"))),
    (4, answering(error_reply(503, "当前分组 default 下对于模型 gemini-2.5-flash-image 无可用渠道"))),
    (5, answering(error_reply(400, "User location is not supported for the API use."))),
    (6, answering(error_reply(429, "Too many requests", headers=WAIT))),
    (7, answering(error_reply(503, "当前分组上游负载已饱和，请稍后再试", headers=WAIT))),
    (8, beside_the_service),
    (8, behind_a_dead_proxy),
    (10, answering(text_reply("好的！"))),
    (11, answering(json_reply({"promptFeedback": {"blockReason": "SAFETY"}}))),
    (11, answering(json_reply({"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "内容不合规"}}))),
]


def says(row: int, sentence: str) -> None:
    """Checks that the sentence is the one of that row, in which … stands for what was the case."""
    shown = ".*".join(map(re.escape, ROWS[row][0].split("…")))
    assert re.fullmatch(shown, sentence, re.DOTALL), (ROWS[row][0], sentence)


def test_there_are_twelve_each_with_its_meaning_and_what_to_do() -> None:
    """In Chinese, and no sentence twice."""
    assert len(ROWS) == len({sentence for sentence, _, _ in ROWS}) == 12
    assert all(re.search("[\u4e00-\u9fff]{2}", words) for _, *explained in ROWS for words in explained)
    assert {row for row, _ in SITUATIONS} == set(range(12)) - {0, 9}, "those two have tests of their own"


@pytest.mark.parametrize(("row", "happens"), SITUATIONS)
def test_the_english_sentence_is_the_one_that_is_said(
    row: int, happens: Callable[[Loopback, pytest.MonkeyPatch], None], service: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong at a gateway is said as the table has it."""
    at(service.url)
    monkeypatch.setenv("DEERAPI_API_KEY", "sk-of-a-test")
    happens(service, monkeypatch)
    with pytest.raises(PromptkitError) as told:
        Session("./pig", endpoint="deerapi").generate("一只小猪")
    says(row, str(told.value))


def test_a_certificate_that_is_not_trusted_is_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As what companies put in the way says it."""
    monkeypatch.setenv("DEERAPI_API_KEY", "sk-of-a-test")
    with showing(certificate(), tmp_path) as server:
        at(server.url)
        with pytest.raises(PromptkitError) as told:
            Session("./pig", endpoint="deerapi").generate("一只小猪")
    says(9, str(told.value))


def test_the_first_sentence_without_a_key_is_shown_whole() -> None:
    """As it is said where nothing is set; and the table has it."""
    with pytest.raises(PromptkitError) as told:
        choose_endpoint(None)
    (shown,) = re.findall(r"^```text\n(.*?)\n```$", WORDS, re.MULTILINE | re.DOTALL)
    assert str(told.value) == shown
    says(0, shown)


@pytest.mark.slow
def test_the_shell_lines_work() -> None:
    """Pasted together, in a shell of any locale, they end in a page to open."""
    (lines,) = re.findall(r"^```sh\n(.*?)^```$", WORDS, re.MULTILINE | re.DOTALL)
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-e"], input=lines, capture_output=True, text=True, encoding="utf-8", env=env)
    assert done.returncode == 0, done.stderr
    assert Path("猪/page.html").is_file()
