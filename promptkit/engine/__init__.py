"""From a request to its record: what a step asks, within which bounds, and what comes after each answer. Nothing here has a head.

An `engine` belongs to a folder: it finds the step that asked for something already, or asks for it and records it; `request_claim` waits
where another process asks for the same. A `client` asks one model at one endpoint through an engine, on the terms of a session. `options`
checks what callers give, `labels` says which picture is which, `plan` is a step before it is asked for, `region_plan` what of its picture
alone it edits, `ask` the one loop that asks, `parallel` several such loops at once; `made` records what promptkit does to a picture itself.
`recovery` decides what comes after an answer, and in which words is asked again; `failures` what to raise for a step without a picture.
`rate_limit` holds requests after a service said that they are too many, `budget` holds what may be spent and how often may be asked,
`spending` adds up what was, and both count in `sums` of several currencies. `recorded_templates` makes the template of a recorded step
again, and finds what it was asked for in other words; `nearest_step` names the step that a request may be taken for. `asked_models` knows
which models this user has asked where, so that one that only a record names is said.
"""
