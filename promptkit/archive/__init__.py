"""A session taken along: as a zip, without words, or inside a PNG.

`export` writes a zip and `import_zip` brings it back; `manifest` says which files travel, and by which names. `redact` makes a lineage
without words, `png_embed` puts a picture's history into the picture. All are made of a session's folder and its records: nothing here
knows how one goes on from a step.
"""
