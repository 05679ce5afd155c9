"""For people who write templates: what is wrong with them, what a change does to their prompts, and a new one to start from.

`check` goes through a library and finds faults, each with its code, file and line: `file_names` judges what files are called, `name_use`
finds the names that bodies use and nobody declares, `library_rules` judges a library's `library.yaml`, `glued_words` the words that a tag
glues together, `prompt_rules` judges the words of a rendered prompt, by the patterns that `language_rules` makes of each language's words.
`snapshots` renders each example into a file to keep in git, and compares it later; `prompt_changes` compares all prompts with those of a
git revision, which `git_revision` reads. `scaffold` writes a new template.

Nothing here asks a service or opens a session: templates are checked for nothing. Of providers it knows only which aspect ratios the models
have.
"""
