"""What is on disk: one folder for each session, one record for each step, all of it named by hashes that check it.

`record` reads one step back, `record_row` makes it one row of a table.
 `schema` is the one table of a record's fields, `fields` what a row of it can say, and `outcomes` the one
table of what an outcome means. `tree` is a folder's steps, read and looked up; `names` what the names of its files say, `head_and_tags`
what points to steps, `prompt_key` what a rendered prompt is looked up by. A new step takes its number in `claims`, the hidden files by
which processes tell one another what they have in flight, and is a `pending_step` until it is a record. By `request_claims` one of several
processes asks for the same thing, and `holding` touches what this process has claimed. `layout` says where things stand in a folder,
`files` reads and checks one of its files, `location` says where a session's folder is, `verify` what disagrees with its hash. Nothing here
knows how a picture is asked for, which services there are, or how a template is rendered.
"""
