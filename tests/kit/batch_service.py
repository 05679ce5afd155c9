"""The painter's server with batch mode, as google."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from promptkit import Endpoint
from promptkit.providers.offline.batch import Batch, Faults
from promptkit.providers.offline.service import serve


@dataclass
class BatchService:
    """The server's address, and its batch mode."""

    url: str
    batch: Batch

    @property
    def endpoint(self) -> Endpoint:
        """It, as google, whose prices are known."""
        return Endpoint("google", self.url, auth="none", key_env=(), key_required=False)

    def count(self, method: str, ends: str) -> int:
        """How many calls of batch mode had a path that ends so."""
        return sum(call == method and path.endswith(ends) for call, path in self.batch.calls)


@contextmanager
def batch_service(**faults: object) -> Iterator[BatchService]:
    """A server for as long as the block runs, with these faults."""
    server = serve(faults=Faults(**faults))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield BatchService(f"http://127.0.0.1:{server.server_address[1]}", server.batch)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
