"""Records as people see them: in a notebook, on a page, in a terminal, on a sheet.

`facts` tells a record in words, and is the one place that does: a further field to show is a line there. `cards` shows steps as pictures,
`tree` a lineage as text and as pictures, `page` the whole history as one file, `sheets` draws contact sheets, `word_diff` finds what
differs between two prompts. Views know lineage and images only, so that a history is shown offline, whatever service made it.
"""
