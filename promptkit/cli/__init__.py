"""The command line.

`main` runs a command, `output` says things on stderr; each other file holds the commands of one subject.
"""
