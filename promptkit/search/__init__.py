"""Searches over all sessions: which there are, which steps hold some words, which step made a picture.

`search` has the three searches and `results` what they find, `locations` lists the sessions and the pictures in them, `text_match` compares
words in any script. Nothing here writes into a session.
"""
