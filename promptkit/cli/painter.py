"""The command `promptkit painter`: the offline painter behind a socket, for other clients."""

from __future__ import annotations

from argparse import Namespace

from promptkit.cli.flags import Commands, add_command
from promptkit.cli.output import say
from promptkit.errors import SettingsError

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Adds painter."""
    painter = add_command(commands, "painter", _painter, "answer requests with offline drafts, behind a socket")
    painter.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    painter.add_argument("--port", type=int, default=8765, help="the port, 0 for any free one (8765)")


def _painter(options: Namespace) -> int:
    from promptkit.providers.offline.service import greeting, serve

    try:
        server = serve(options.host, options.port)
    except (OSError, OverflowError) as error:
        where = f"{options.host}:{options.port}"
        raise SettingsError(f"The painter cannot listen at {where}: {error}; --port 0 picks a free port.") from None
    with server:
        host, port = server.server_address[:2]
        say(greeting(f"http://{host!s}:{port}"))
        server.serve_forever()
    return 0
