"""Records as people see them: in a notebook, on a page, in a terminal, on a sheet.

`facts` lists all that is told of a record, each fact on a line of its own: a further field to show is a line there. `cards` shows steps as
pictures, `tree` a lineage as text and as pictures, `grid` variants by what varied, `sheets` draws contact sheets, `charts` numbers over
steps, `word_diff` finds what differs between two prompts. `page` is the whole history as one file: `page_story` tells a step,
`page_pictures` says how large pictures go in, `page_words` has the page's own words, which stand in page_words.toml; page.css is its style,
page.js makes a tree of it, and boxes.js knows boxes on a picture. `review` is the page for readers, who choose, with review.css and
review.js. Views know lineage and images only, so that a history is shown offline, whatever service made it. Results that are no records,
such as an explanation or what was spent, show themselves where they are made.
"""
