"""The command line: what a person types, as calls of what a user of Python would use, printed.

`main` holds the table of all commands and runs one of them. The other files hold the commands of one group each, and are imported when one
of them runs: `demo`, `doctor`, `templates` (templates, render), `generate` (generate, edit, vary, add), `make`, `reference`, `head` (undo,
redo, goto, tag), `run` (run, recipe), `history` (log, show, drift, verify), `page`, `sheet`, `search` (sessions, find, which), `archive`
(export, import, save, embedded), `replay` (replay, squash), `marks` (mark, marks), `price`, `painter`, `completion`, `forget`. Each has
`add(commands)`, which adds their parsers.

What groups share: `parser` (options and words in any order, and what is mistyped), `flags` (those that several commands take), `texts`
(what - and @FILE stand for), `prompt` (from the options to a prompt and its inputs), `each` (from --each to what varies), `session` (from
the options to a session, and its steps as printed lines), `steps` (from words to several steps), `written` (the file that -o names),
`browser` (a page that is opened), `output` (words on stderr, and a wrong command line), `shell_words` (what the library says in Python's
words), `examples` (what --help shows), `completers` (what a shell's Tab may mean) and `prompt_changes` (changed prompts as Markdown). A
group imports these, and never `main` or another group. What is printed is decided here; what is true is decided below.
"""
