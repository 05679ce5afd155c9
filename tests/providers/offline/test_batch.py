"""The painter's batch mode, as Google's own client sees it."""

from __future__ import annotations

import json
from pathlib import Path

from kit.batch_service import batch_service
from kit.conformance import needs_judges

MODEL = "gemini-2.5-flash-image"
REQUEST = {"contents": [{"parts": [{"text": "a red fox"}]}], "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}


@needs_judges
def test_googles_client_uploads_makes_polls_and_fetches(tmp_path: Path) -> None:
    """A file, a job of it, its state, and its answers by their keys: a picture, and the error of a request that is refused."""
    from google import genai
    from google.genai import types

    file = tmp_path / "requests.jsonl"
    lines = [{"key": "good", "request": REQUEST}, {"key": "bad", "request": {"contents": []}}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with batch_service(pending=1) as service:
        client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=service.url, api_version="v1beta"))
        sent = client.files.upload(file=str(file), config=types.UploadFileConfig(mime_type="application/jsonl"))
        job = client.batches.create(model=MODEL, src=str(sent.name), config=types.CreateBatchJobConfig(display_name="mine"))
        assert [each.display_name for each in client.batches.list()] == ["mine"]
        states = [client.batches.get(name=str(job.name)).state for _ in range(2)]
        assert states == [types.JobState.JOB_STATE_PENDING, types.JobState.JOB_STATE_SUCCEEDED]
        dest = client.batches.get(name=str(job.name)).dest
        assert dest is not None
        data = client.files.download(file=str(dest.file_name))
        client.batches.delete(name=str(job.name))
    answers = {line["key"]: line for line in map(json.loads, data.splitlines())}
    assert answers["good"]["response"]["candidates"][0]["finishReason"] == "STOP"
    assert answers["bad"]["error"]["code"] == 3
