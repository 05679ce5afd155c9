"""A service inside this process that paints drafts, for tests, demos and whoever has no key.

`service` answers requests as a service would, also behind a real socket, where `batch` takes jobs of many. `words` reads what a prompt asks
for, `scene` holds what a draft shows and what an edit makes of it, `detail` reads which part of a detail may change, `painter` draws it.
All words, figures, ways of drawing, ratios, refusals and the request's shape are in tables.toml, where whoever speaks one of the languages
may mend them. Nothing here uses the code that writes requests or reads replies: this is the other party, and must not judge what was sent
by the code that wrote it.
"""
