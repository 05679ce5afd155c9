"""A service inside this process that paints drafts, for tests, demos and whoever has no key.

`service` answers requests as a service would, also behind a real socket; `painter` draws, and `detail` reads
what is said of a detail. None of them uses the code that writes requests or
reads replies: this is the other party, and must not judge what was sent by the code that wrote it.
"""
