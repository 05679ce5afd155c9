"""Runs a notebook and stores its outputs anew: `python -m kit.notebook NOTEBOOK [FOLDER]` from tests/, in that folder or a new one."""

from __future__ import annotations

import copy
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook with fresh outputs, run in `folder`. A cell that raises ends it, unless it is tagged raises-exception."""
    with closing(runs(path, folder)) as run:
        return next(run)


def runs(path: Path, folder: Path) -> Iterator[nbformat.NotebookNode]:
    """The notebook after one run from top to bottom, after a second one, and so on, all in one kernel, as for who runs all cells again."""
    notebook = nbformat.read(path, as_version=4)
    env = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    }  # as an activated environment has it
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", coalesce_streams=True, resources=where)
    with client.setup_kernel(env=env):
        while True:
            yield _run(client)


def _run(client: NotebookClient) -> nbformat.NotebookNode:
    client.reset_execution_trackers()
    for index, cell in enumerate(client.nb.cells):
        client.execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
    notebook = copy.deepcopy(client.nb)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran is news each time
        if cell.cell_type == "code":  # a line of progress that went away leaves an empty display
            cell.outputs = [o for o in cell.outputs if o.output_type != "display_data" or any(o.data.values())]
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def main(path: Path, folder: str | None = None) -> None:
    with tempfile.TemporaryDirectory() as fresh:
        nbformat.write(executed(path, Path(folder or fresh)), path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
