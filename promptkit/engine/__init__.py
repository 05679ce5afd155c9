"""From a request to its record: what a step asks, within which bounds, and what comes after each answer.

`options` checks what callers give, `plan` is a step before it is asked for, `ask` the one loop that asks, `parallel` the same for several
steps at once, `failures` what to raise for one without a picture; `recovery` decides what comes after an answer, `rate_limit` holds
requests while a service is busy, `budget` holds what may be spent, `spending` adds up what was. `recorded_templates` makes a template
again of the sources that a step was recorded with. Nothing here has a head.
"""
