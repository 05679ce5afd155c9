"""- is stdin or stdout, @FILE what a file holds: in every option and for every word."""

from __future__ import annotations

import io
from inspect import unwrap
from pathlib import Path

import pytest
from kit.loopback import png
from kit.shell import run, run_bytes, run_process
from PIL import Image

from promptkit import Session
from promptkit.cli.main import GROUPS, build_parser
from promptkit.cli.parser import Parser
from promptkit.cli.texts import output, picture

OFFLINE = ("-s", "./a", "-e", "offline")


OF_THEIR_OWN = ("MONEY", "INPUT=VALUE", "NAME=HEADING", "GB")  # values that are read later, or in parts


def leaves(parser: Parser) -> list[Parser]:
    return [leaf for each in parser.commands.values() for leaf in leaves(each)] if parser.commands else [parser]


def test_every_option_and_word_reads_a_file() -> None:
    """Whatever takes a value takes it from a file too: texts, names, numbers, choices; a picture is the file itself."""
    Path("text").write_text("7\n", encoding="utf-8")
    for group in GROUPS:
        for leaf in leaves(build_parser(group)):
            for action in leaf.actions:
                if action.nargs == 0 or action.choices or action.type is None or action.metavar in OF_THEIR_OWN:
                    continue
                expected = Path("text") if unwrap(action.type) is picture else "7"
                assert str(action.type("@text")) in (str(expected), "7.0", "7"), (leaf.prog, action.dest)
                assert action.type is output or action.type("@text") != "@text"


@pytest.mark.parametrize("prompt", ["-", "@p.txt", "@-"])
def test_a_prompt_comes_from_stdin_or_a_file(prompt: str) -> None:
    """Without the line end behind it and a byte-order mark before it, whatever its script."""
    data = "\N{BYTE ORDER MARK}一家店 – a shop\r\nwith a cat\r\n".encode()
    Path("p.txt").write_bytes(data)
    run_process("generate", prompt, *OFFLINE, stdin=data)
    assert str(Session("./a")[1].prompt) == "一家店 – a shop\nwith a cat"


def test_so_do_inputs_labels_tags_and_patterns() -> None:
    """@@ begins a text with an @ of its own."""
    Path("p.txt").write_text("happy bear\n", encoding="utf-8")
    assert "happy bear" in run_process("render", "-t", "sticker", "-i", "subject=-", stdin=b"happy bear\n")[0]
    assert "happy bear" in run("render", "-t", "sticker", "-i", "subject=@p.txt")[0]
    assert "@p.txt" in run("render", "-t", "sticker", "-i", "subject=@@p.txt")[0]
    run("generate", "@@work", *OFFLINE, "--label", "@p.txt")
    step = Session("./a")[1]
    assert (str(step.prompt), step.label) == ("@work", "happy bear")
    assert "is now 'happy bear'" in run("tag", "@p.txt", "-s", "./a")[1]
    assert run("find", "@p.txt", "--in", ".")[0]
    Path("n").write_text("1")
    assert run("goto", "@n", "-s", "./a")[1].startswith("1 ")
    run_process("templates", "new", "x", ".", "--from-brackets", "-", stdin=b"A happy [subject]")
    assert "A happy {{" in Path("x.j2").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "hint"),
    [
        (("render", "-t", "sticker", "-i", "subject=-", "-i", "style=-"), b"a", 1, "stdin can be read once"),
        (("generate", "-", *OFFLINE), b"a caf\xe9", 1, "What came on stdin is not UTF-8 (byte 6 of 6): save it as UTF-8"),
        (("generate", "-", *OFFLINE), "a".encode("utf-16"), 1, "is not UTF-8"),
        (("generate", "@none.txt", *OFFLINE), b"", 1, "The file 'none.txt' cannot be read: No such file or directory; @@ begins"),
        (("generate", "-", *OFFLINE), b"\n", 1, "prompt"),
        (("generate", "a", "--seed", "@none", *OFFLINE), b"", 1, "'none'"),
        (("generate", "a", "--seed", "x", *OFFLINE), b"", 2, "--seed: 'x' is not a whole number"),
        (("vary", "a", "-n", "two", *OFFLINE), b"", 2, "-n: 'two' is not a whole number"),
        (("generate", "a", "--chain", "pictur", *OFFLINE), b"", 2, "'pictur' is none of picture, chat (did you mean 'picture'?)"),
    ],
)
def test_what_cannot_be_read_is_said(arguments: tuple[str, ...], stdin: bytes, code: int, hint: str) -> None:
    """In one line, and nothing is asked for or made."""
    said = run_process(*arguments, stdin=stdin, code=code)[1]
    assert hint in said
    assert said.count("\n") == 1
    assert not Path("a").exists()


def test_a_picture_comes_from_stdin() -> None:
    """Wherever one is named: add, --on, -r, which, embedded; an archive too."""
    own = png("green")
    run_process("add", "-", "-s", "./a", stdin=own)
    assert Session("./a")[1].picture.data == own
    assert "the very bytes" in run_process("which", "-", "--in", ".", stdin=own)[1]
    assert "holds no lineage" in run_process("embedded", "-", stdin=own, code=1)[1]
    run_process("edit", "a hat", "-s", "./b", "-e", "offline", "--on", "-", stdin=own)
    assert Session("./b")[1].picture.data == own
    run_process("edit", "a scarf", "-s", "./b", "-e", "offline", "-r", "@green.png", code=1)
    Path("green.png").write_bytes(png("red"))
    run_process("edit", "a scarf", "-s", "./b", "-e", "offline", "-r", "@green.png")
    assert [source.data for source in Session("./b").head.sources][1] == png("red")
    run("export", "-s", "./b", "-o", "b.zip")
    run_process("import", "-", "-s", "./c", stdin=Path("b.zip").read_bytes())
    assert Session("./c").head.id == Session("./b").head.id


def test_what_is_made_goes_to_stdout() -> None:
    """-o - writes the bytes there and nothing else: a picture, a copy with its lineage, an archive, a page."""
    out, said = run_bytes("generate", "a fox", *OFFLINE, "-o", "-")
    assert Image.open(io.BytesIO(out)).size == (1024, 1024)
    assert said == "1 a fox (offline draft)\n"
    assert run_bytes("save", "-s", "./a", "-o", "-")[0] == out == Session("./a")[1].picture.data
    Path("in.png").write_bytes(run_bytes("save", "-s", "./a", "-o", "-", "--embed")[0])
    assert "a fox" in run("embedded", "in.png")[0]
    run("export", "-s", "./a", "-o", "a.zip")
    assert run_bytes("export", "-s", "./a", "-o", "-")[0] == Path("a.zip").read_bytes()
    assert run_bytes("page", "-s", "./a", "-o", "-")[0].startswith(b"<!doctype html>")
    assert not Path("-").exists()
    for command in (("generate", "an owl", *OFFLINE), ("save", "-s", "./a"), ("export", "-s", "./a"), ("page", "-s", "./a")):
        assert "both write to stdout" in run(*command, "-o", "-", "--json", code=2)[1]
    assert len(Session("./a")) == 1, "and nothing was asked for"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-16", "cp932:strict"])
def test_what_a_file_or_a_pipe_gets_is_utf8(encoding: str) -> None:
    """Whatever the code page, and what it cannot say; on stderr too."""
    out, said = run_bytes("render", "-t", "sticker", "-i", "subject=狐狸 ñ", "--lang", "zh-CN", PYTHONIOENCODING=encoding)
    assert "狐狸 ñ" in out.decode()
    said = run_bytes("generate", "狐狸 ñ", *OFFLINE, PYTHONIOENCODING=encoding)[1]
    assert said == "1 狐狸 ñ (offline draft)\n"
    assert "狐狸 ñ" in run_bytes("log", "-s", "./a", PYTHONIOENCODING=encoding)[0].decode()
    assert "狐狸 ñ" in run_process("generate", "-", "-s", "./b", "-e", "offline", stdin="狐狸 ñ".encode())[1]


def test_a_file_of_inputs_comes_from_stdin_too() -> None:
    """`-i -` is what `-i @FILE` is."""
    assert "a happy bear" in run_process("render", "-t", "sticker", "-i", "-", stdin=b"subject: happy bear\n")[0]
