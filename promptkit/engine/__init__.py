"""From a request to its record: what a step asks, within which bounds, and what comes after each answer. Nothing here has a head.

`engine` belongs to a folder: it finds the step that asked for something already, or asks for it and records it. A `client` asks one model
at one endpoint through it, on the terms of a session. `options` checks what callers give, `plan` is a step before it is asked for, `ask`
the one loop that asks, `parallel` several such loops at once, `request_claim` the wait for another process that asks
for the same. `recovery` decides what comes after an answer, `failures` what to raise for a step without a picture. `rate_limit` holds
requests while a service is busy, `budget` holds what may be spent, `spending` adds up what was. `recorded_templates` makes a template
again of the sources that a step was recorded with.
"""
