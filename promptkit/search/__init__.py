"""Over all sessions: which there are, where words stand, which step made a picture.

`search` has the three questions and `results` their answers, `locations` finds the sessions, `text_match` compares words in any script,
`fingerprint_cache` remembers how pictures look.
"""
