"""For people who write templates: what is wrong with them, what a change does to their prompts, and where to start.

`check` finds faults in a library's files, `prompt_rules` in the words that they render to, for five languages. `snapshots` renders each
example into files to keep in git, and compares them. `scaffold` writes a new template. Nothing here asks for a picture.
"""
