"""The command that shows and sets prices, and the limits that the commands take.

What a price makes of an answer is tested in tests/providers/test_models.py.
"""

from __future__ import annotations

import shlex
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from kit.config_file import write_config
from kit.loopback import Loopback, text_reply
from kit.shell import run, run_process

from promptkit import Cost, Session, config
from promptkit.engine.budget import price_command
from promptkit.providers import models

OWN = """\
# what we use
lang = "en"  # for now

[endpoints.work]
base_url = "https://gw.example"  # ours

[models.m.price.work]
# monthly, by mail
picture = 0.02   # per picture
as_of = 2020-01-01
"""


def prices(*arguments: object) -> list[list[str]]:
    """The rows that the command prints, without its headings."""
    return [line.split() for line in run("price", *arguments)[0].splitlines()[1:]]


def test_a_price_is_set_and_all_else_in_the_file_stays() -> None:
    """The file's comments, order and other values are as they were; the price is the one that requests are reckoned at."""
    path = write_config(OWN)
    run("price", "work", "m", "0.30", "CNY")
    (as_of,) = (line for line in path.read_text().splitlines() if line.startswith("as_of"))
    wanted = OWN.replace("0.02 ", "0.3 ").replace("as_of = 2020-01-01\n", f'{as_of}\ncurrency = "CNY"\n')
    assert path.read_text() == wanted
    assert as_of != "as_of = 2020-01-01"
    assert models.estimate("m", "work", image_size="2K") == Cost.of(0.3, "CNY")
    assert prices("work", "m")[0][:5] == ["work", "m", "any", "0.30", "CNY"]


@pytest.mark.parametrize("spelled", [["0.30", "CNY"], ["0.30CNY"], ["CNY", "0.30"], ["0.30 cny"], ["0.30", "RMB"], ["0.30元"]])
def test_a_price_is_read_as_people_write_it(spelled: list[str]) -> None:
    """Amount and currency as one word or two, in either order; without a currency it is USD; the file is made where there is none."""
    run("price", "deerapi", "models/m", *spelled)
    assert models.estimate("m", "deerapi", image_size=None) == Cost.of(0.3, "CNY")
    run("price", "https://api.deerapi.com/v1", "m", "0.04")
    assert models.estimate("m", "deerapi", image_size=None) == Cost.of(0.04)


def test_a_price_may_be_that_of_one_size() -> None:
    """A size is set for itself, the other sizes keep what they had; without a size it is the price of each."""
    write_config(OWN)
    run("price", "work", "m", "0.05", "--size", "2k")
    assert {size: models.estimate("m", "work", image_size=size) for size in (None, "1K", "2K", "4K")} == {
        None: 0.02,
        "1K": 0.02,
        "2K": 0.05,
        "4K": 0.02,
    }
    run("price", "--size", "4K", "work", "m", "0.09")
    assert [models.estimate("m", "work", image_size=size) for size in ("1K", "2K", "4K")] == [0.02, 0.05, 0.09]
    run("price", "work", "m", "0.03")
    assert [models.estimate("m", "work", image_size=size) for size in (None, "2K", "4K")] == [0.03] * 3
    run("price", "work", "n", "0.3 CNY", "--size", "1K")
    assert [models.estimate("n", "work", image_size=size) for size in (None, "1K")] == [None, Cost.of(0.3, "CNY")]


def test_one_price_list_has_one_currency() -> None:
    """Where other prices of the model stand in the file in another currency, nothing is written, and both ways out are said."""
    for more in ("picture = {1K = 0.02}", "tokens = [1, 2, 3]\npicture = 0.02"):
        path = write_config(text := f"[models.m.price.work]\n{more}\n")
        said = run("price", "work", "m", "0.3", "CNY", "--size", "2K", code=1)[1]
        assert f"are in USD, and this one is in CNY: give it in USD, or take the others out of {path} first" in said
        assert path.read_text() == text


@pytest.mark.parametrize(
    "words", [["-3"], ["abc"], ["0.3", "CNY", "USD"], ["1,5", "EUR"], ["¥3"], ["1e3"], ["1000000000"], ["nan"], ["0.3", "x"]]
)
def test_what_is_no_price_is_refused(words: list[str]) -> None:
    """A wrong price is a wrong command line that says what one looks like, and writes nothing."""
    said = run("price", "deerapi", "m", *words, code=2)[1]
    assert "is no price: write an amount and a currency, such as 0.30 CNY" in said
    assert not config.config_file().exists()


def test_what_has_no_price_to_set_is_refused() -> None:
    """Drafts cost nothing, a name that leads away from the endpoint is no model's, and the endpoint stands first."""
    write_config(OWN)
    for arguments, said, code in (
        (["offline", "m", "1"], "Offline drafts cost nothing", 1),
        (["work", "../m", "1"], "is no model's name", 1),
        (["gemini-2.5-flash-image", "work"], "promptkit price work gemini-2.5-flash-image", 2),
    ):
        assert said in run("price", *arguments, code=code)[1]
    assert config.config_file().read_text() == OWN


def test_prices_are_shown_with_who_set_them() -> None:
    """All that are known, those of an endpoint, or of a model there; what has none is said, with the command that sets one."""
    write_config(OWN)
    everything = prices()
    assert ["work", "m", "any", "0.02", "USD"] in [row[:5] for row in everything]
    assert ["google", "gemini-3-pro-image", "4K", "0.24", "USD"] in [row[:5] for row in everything]
    assert {row[0] for row in prices("google")} == {"google"}
    assert "your config file, as of 2020-01-01" in run("price", "work", "m")[0]
    assert run("price", "deerapi", "m") == ("", "no known price for m at deerapi; `promptkit price deerapi m 0.30 CNY` sets one\n")
    assert "(did you mean 'deerapi'?)" in run("price", "deerpai")[1]
    assert "cost nothing" in run("price", "offline")[1]


def test_a_file_keeps_what_it_is() -> None:
    """A link stays a link, a mode and a byte-order mark stay, and Windows' line ends too."""
    write_config("")
    real = Path("dotfiles.toml")
    real.write_bytes(b"\xef\xbb\xbf# mine\r\n")
    real.chmod(0o600)
    config.config_file().unlink()
    config.config_file().symlink_to(real.resolve())
    run("price", "work", "m", "0.3", "CNY")
    assert config.config_file().is_symlink()
    assert real.read_bytes().startswith(b"\xef\xbb\xbf# mine\r\n\r\n[models.m.price.work]\r\npicture = 0.3\r\n")
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert models.estimate("m", "work", image_size=None) == Cost.of(0.3, "CNY")


@pytest.mark.parametrize("text", ["models = 3", "a = ", "[models.m]\nprice = 0.1", "[models.m.price.work]\npicture = -1"])
def test_a_file_that_cannot_be_read_is_left_alone(text: str) -> None:
    """A config file with something wrong in it is named, and not touched."""
    path = write_config(text)
    said = run("price", "work", "m", "0.3", "CNY", code=1)[1]
    assert str(path) in said
    assert path.read_text() == text


NAMES = ["deerapi", "127.0.0.1:8000", "it's", "my gateway", "-odd", 'a"b', "$(x)", "熊猫", "a.b"]


@pytest.mark.parametrize("endpoint", NAMES)
def test_the_command_of_a_refusal_can_be_pasted(endpoint: str) -> None:
    """Whatever endpoint and model are called, the printed line is read by a shell as it was meant, and sets the price."""
    for size in (None, "2K"):
        line = price_command(endpoint, "-m;'$x", "CNY", size)
        run(*shlex.split(line)[1:])
        assert models.estimate("-m;'$x", endpoint, image_size="2K") == Cost.of(0.3, "CNY")
    assert tomllib.loads(config.config_file().read_text())["models"]["-m;'$x"]["price"][endpoint]["currency"] == "CNY"


# The limits


@pytest.mark.parametrize(
    ("limits", "status", "said"),
    [
        (
            ["--max-requests", "1"],
            4,
            "1 of the 1 that --max-requests allows in this folder are used: open the session with a larger --max-requests",
        ),
        (["--budget", "0.40 CNY"], 4, "may cost 0.3000 CNY, and 0.3000 of the budget of 0.4000 CNY are used"),
        (["--budget", "0.40CNY"], 4, "of the budget of 0.4000 CNY"),
        (["--budget", "2"], 1, "`promptkit price 127.0.0.1:"),
        (["--budget", "much"], 2, "'much' is no sum of money; write 2 for USD, or"),
        (["--max-requests", "-1"], 1, "--max-requests is a whole number from 0 on, not -1"),
        (["--max-requests", "2"], 0, ""),
        (["--budget", "20 CNY", "--max-requests", "2"], 0, ""),
    ],
)
def test_a_command_has_limits(service: Loopback, limits: list[Any], status: int, said: str) -> None:
    """A budget in any currency, and a number of requests, bound what a command asks; exit status 4 where one is reached."""
    run("price", service.url, "gemini-2.5-flash-image", "0.30 CNY")
    Session("./bear", endpoint=service.url).generate("a fox")
    assert said in run("generate", "an owl", "-s", "./bear", "-e", service.url, *limits, code=status)[1].replace("\n", " ")
    assert len(service.received) == (1 if status else 2)


def test_a_process_of_its_own_counts_what_others_asked(service: Loopback) -> None:
    """The number of requests is that of the folder, whoever sent them, replies in words included."""
    service.say(text_reply())
    Session("./bear", endpoint=service.url).generate("a fox")
    said = run_process("generate", "an owl", "-s", "./bear", "-e", service.url, "--max-requests", 2, code=4)[1]
    assert "2 of the 2 that --max-requests allows" in said
    assert len(service.received) == 2


def test_the_log_shows_what_is_not_known_as_not_known(service: Loopback) -> None:
    """Where no price is known, no list, table or card says 0."""
    Session("./bear", endpoint=service.url).generate("a fox")
    cost = run("log", "-s", "./bear", "--cost")[0]
    assert cost.startswith("1 step, 1 attempt: 1 attempt without a known price")
    assert "not known" in cost.splitlines()[3]
    shown = run("show", "-s", "./bear")[0], run("sessions", ".")[1], Session("./bear")[1]._repr_mimebundle_()["text/html"]
    assert all("0.00" not in each for each in (cost, *shown))
    assert "no known price" in shown[0]
    assert "1 unpriced" in shown[1]
    assert "no known price" in shown[2]
