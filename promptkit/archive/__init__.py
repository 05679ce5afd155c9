"""A session taken along: as a zip, without words, or inside a PNG.

`export` writes a zip and `import_zip` brings it back; `manifest` says which files travel and checks them. `redact` makes a lineage without
words, `png_embed` puts a picture's history into the picture.
"""
