"""What is on disk: one folder for each session, one record for each step, all of it named by hashes that check it.

`record` reads one step back, and `record_row` makes it one row of a table. `schema` is the one table of a record's fields, `fields` what a
row of it can say, `json_schema` the same as JSON Schemas for readers in any language, and `outcomes` the one table of what an outcome
means. `tree` is a folder's steps, read and looked up; `index` is what it knows of all of them without reading them: `names` what the names
of their files say, `rows` what each asked and cost, `journal` the file derived from the records that says so, `prompt_key` what a rendered
prompt is looked up by. `head_and_tags` is what points to steps, `references` what names pictures; `marks` are what readers make of steps,
`marked` says on which all of them agree, `marks_file` reads what a reader sends. A new step takes its number in `claims`, the files by
which processes tell one another what they have in flight, and is a `pending_step` until it is a record. By `request_claims` one of several
processes asks for the same thing, and `holding` touches what this process has claimed. `layout` says where things stand in a folder,
`files` reads and checks one of its files, `location` says where a session's folder is, `recorded_bytes` whether a session has a picture,
`verify` what disagrees with its hash. `forgetting` takes a step's files away, and `forgotten` is the note that says so. Nothing here knows
how a picture is asked for, which services there are, or how a template is rendered.
"""
