"""The command line.

`main` runs a command and `output` says things on stderr. Each other file holds the commands of one subject: `templates`, `search`,
`replay` (and squash), `archive` (export and import), `explain` (show). Commands use what a user of Python would use, and print it.
"""
