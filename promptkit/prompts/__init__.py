"""From a template's file to the words of a prompt, whatever the file's author tries.

A template is a file that people share; it may come from a stranger, and is never trusted. A prompt is the text that it renders, with all
that is needed to render it again: the inputs given, the language, and the sources with their digest.

Finding: `library` finds templates by name in folders, `packs` among what pip installed; `names` says what templates, inputs and files may
be called, `languages` which of a template's languages a tag means.
Reading: `source_file` reads a file and notices when it changes, `strict_yaml` reads the YAML of its front matter, `declarations` what that
declares, `inputs` what a caller gives, `next_step` what to write where a declared value does not
fit; `bundle` gathers the files that one language is rendered from; `library_file` reads what belongs to a library as a whole,
`library_look` is what a template takes of it, `library_pictures` opens those that go along.
Rendering: `template` turns inputs into a prompt; `sandbox` is Jinja with only what a template may use, `prose` what tags leave of the lines
around them, `filters` what its filters do to a text, `survey` what a body refers to, for those who check it. `brackets` makes a template of
a pattern such as "a [style] sticker".
Judging: `unfinished` tells a finished prompt from one that still holds what some tool should have filled in; `quotes` finds the lettering;
`language_words` reads the words by which prompts are judged, one file for each language in words/, and makes patterns of them.

Nothing here knows sessions, records, models or services: a library of prompts is used without any of them. jinja2 is imported by sandbox
only, yaml by strict_yaml only, and neither before a template is read.
"""
