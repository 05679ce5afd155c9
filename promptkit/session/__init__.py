"""What a user holds: a session with its head, and its steps.

`session` makes steps, `cursor` moves the head and looks steps up, `opened` is a cursor with the terms on which it asks, and what of it is
pickled; `references` names pictures that go along; `step` is one record seen through its session, `listings` are tuples and dicts of its
parts that show themselves; `made_here` makes another one of its picture, `channels` says for which channels. `changes` measures an edit,
`keep_rules` says what it asked to keep, `explanation` tells how a picture came to be. `region` is what of a picture alone a step edited.
`own_picture` adds one of the user's own, as a root or made by hand from a step's; `likeness` tells which step it looks like, by the looks
that `fingerprint_cache` keeps. `drift` shows what a trail of edits did to what nobody asked to change: `trail_measures` measures it,
`measure_cache` keeps that, `drift_rules` judges it, `drift_advice` says what helps; `cache_lines` reads and writes both caches. `marking`
says who keeps and rejects what, `mark_values` reads what callers give for that, `marks_taken` lays what others sent against the steps that
are here, `marks` shows both as tables. `forgetting` takes steps' pictures and words away. `varying` asks for several steps from one call;
`variants` is the product of what differs between them, and a grid of them; `variant_prompts` puts each value into words. `showing` is how a
session is looked at in a browser: `page` writes it as one file, `live_page` serves it to its user, who marks steps in it; `sheet` chooses
what a contact sheet shows. `replay` asks for a trail again (`replay_preview` shows it before, `reprompt` puts its prompts into other
words), `squash` makes one edit of several, `recipe` is a trail as one file. `file_names` are those of saved pictures, by a pattern. A
session asks through a client, a client through a folder's engine.
"""
