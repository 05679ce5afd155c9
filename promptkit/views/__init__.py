"""Records as people see them: in a notebook, on a page, in a terminal, on a sheet.

`facts` lists all that is told of a record, each fact on a line of its own: a further field to show is a line there. `cards` shows steps as
pictures, `tree` a lineage as text and `picture_tree` as pictures, `grid` variants by what varied, `charts` numbers over steps, `word_diff`
finds what differs between two prompts. `sheets` draws contact sheets of what `sheet_layout` puts where: `lettering` draws their captions
with the fonts that `fonts` finds, in the order in which `bidi` says that they are read. `page` is the whole history as one file:
`page_story` tells a step, `page_pictures` says how large pictures go in, `page_words` has the page's own words, which stand in
page_words.toml; page.css is its style, page.js makes a tree of it, and boxes.js knows boxes on a picture; live.js and live.css are what it
has beside where it is served. `review` is the page for readers, who choose, with review.css and review.js. Views know lineage and images
only, so that a history is shown offline, whatever service made it. Results that are no records, such as an explanation or what was spent,
show themselves where they are made.
"""
