"""The command `promptkit completion`: the lines by which a shell asks this program what may be typed next."""

from __future__ import annotations

import sys
from argparse import Namespace

from promptkit.cli.flags import Commands, add_command
from promptkit.cli.output import as_json, print_objects, say
from promptkit.errors import SettingsError

__all__ = ["add"]

SHELLS = {
    "bash": 'put into ~/.bashrc: eval "$(promptkit completion bash)"',
    "zsh": 'put into ~/.zshrc, after compinit: eval "$(promptkit completion zsh)"',
    "fish": "write into ~/.config/fish/completions/promptkit.fish",
}


def add(commands: Commands) -> None:
    """Adds completion."""
    about = "print the lines that teach bash, zsh or fish to complete commands, sessions, steps and templates"
    made = add_command(commands, "completion", _completion, about)
    made.add_argument("shell", metavar="SHELL", choices=tuple(SHELLS), help="bash, zsh or fish")


def _completion(options: Namespace) -> int:
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError:
        said = 'Completion needs argcomplete, which is an extra: pip install "promptkit-image[completion]".'
        raise SettingsError(said) from None
    lines = shellcode(["promptkit"], shell=options.shell)
    if as_json():
        print_objects([{"schema": "promptkit.completion/1", "shell": options.shell, "lines": lines}])
    else:
        print(lines)
        if sys.stdout.isatty():  # a person looks; a shell that evaluates the lines would show this at each of its starts
            say(SHELLS[options.shell])
    return 0
