"""What a user holds: a session with its head, and its steps.

`session` makes steps, `cursor` moves the head, `step` is one record seen through its session. `changes` measures an edit, `explanation`
tells how a picture came to be, `replay` asks for a trail again (`replay_preview` shows it before), `reprompt` puts its prompts into other
words, `squash` asks for several edits at once.
"""
