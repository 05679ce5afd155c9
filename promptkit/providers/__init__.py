"""Who answers: the services' protocols, what is known of their models, and how a request gets there.

`message` has the values that pass between all others: a turn, a request, a response, a reply. `dialect` is the seam that makes requests of
turns and replies of responses, `gemini` the first dialect behind it, and `installed_dialects` finds those that pip installed;
`gemini_batch` has the jobs by which Google answers many requests for half the price; `body` finds JSON and pictures in whatever an answer's
body holds, `service_errors` knows the wordings of services' and relays' errors. `transport` sends one request, and `network_errors` says
what was in the way where no answer came. `endpoints` says where requests go, `endpoint_choice` which endpoint a session asks, `keys` which
key goes along. `models` knows ratios, sizes and prices (models.toml), `price_list` shows the prices and sets the user's own, `options` what
may be asked of a request besides its words. `offline` is a service inside this process, which judges requests with code of its own and
imports no dialect.

A further gateway is a row in `endpoints`; a further protocol is one more file beside `gemini`, named in the table of `dialect`, or a
distribution of its own; a further model is a row in models.toml. Nothing here knows what a step or a template is.
"""
