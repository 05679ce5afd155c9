"""Who answers: the services' protocols, what is known of their models, and how a request gets there.

`gemini` is the generateContent protocol, `transport` sends one request, `models` knows ratios, sizes and prices (models.toml), `offline` is
a service inside this process. Nothing here knows what a step or a template is.
"""
