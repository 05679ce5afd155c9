"""What is on disk: one folder for each session, one record for each step, all of it named by hashes that check it.

`record` reads one step back, field by field. `tree` is a folder's steps, with its head and tags; `pending` a step in flight, until it is
a record; `claims` are the hidden files by which processes tell one another what they have in flight. `layout` says where things stand in
a folder, `location` where a session's folder is, `verify` what disagrees with its hash. Nothing here knows how a picture is asked for,
which services there are, or what a template is.
"""
