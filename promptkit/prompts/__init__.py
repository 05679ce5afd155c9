"""From a template's file to the words of a prompt, whatever the file's author tries.

`library` finds templates in folders, `packs` those that pip installed. `source_file` reads a file with its front matter, `strict_yaml` the
YAML, `declarations` the inputs that it declares. `sandbox` is Jinja with only what a template may use, `filters` what its filters do to a
text, `survey` what a body names. `template` renders a prompt, `brackets` turns the bracket patterns of guides into templates. Nothing here
knows sessions or services.
"""
