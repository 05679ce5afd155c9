"""Records as people see them: in a notebook, on a page, in a terminal, on a sheet.

`cards` shows steps, trees, pages and sheets, `word_diff` what is new in a prompt. It knows lineage and images only, so that a history is
shown offline, whatever service made it.
"""
