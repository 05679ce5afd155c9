"""A session taken along: as a zip, whole or stripped of all words, or inside a picture.

`export` writes a zip and `import_zip` brings it back; `manifest` says which files travel, and by which names. `redact` makes a lineage
without words: what of each field survives stands in the table of fields, lineage.schema. `png_embed` puts a picture's history into the
picture. All are made of a session's folder and its records: nothing here asks a model, or knows a session's head.
"""
