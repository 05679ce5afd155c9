"""What tests of several folders use: a service on loopback, steps on disk, processes to kill, the judges of requests.

`loopback` is a generateContent service on a real socket, `dialects` the rules that every dialect must pass, `config_file` writes the user's
config file and sets variables, `shell` runs the command line. `steps` makes lineages without asking anybody, `pictures` draws pictures that
differ in known ways, `effort` measures work on a busy machine, `views` has a session with all that a view shows. `writer` is run in
processes of its own, to be killed or to be rivals, `rivals` does something in several processes at once, which it kills at drawn moments,
`notebook` runs a notebook, `browser` is a chromium, `conformance` lets other parties read what was sent, `earlier` makes a session with
every kind of step, `places` finds the project, what lies beside it, and an environment that holds nothing but the built wheel. No test is
here.
"""
