"""Pictures as the bytes that they came as: what kind they are, how large, whether they are whole, and how two of them compare.

`picture` holds the bytes and reads what their header says; Pillow decodes them only when someone looks. `changes` measures what differs
between a picture and the one before it, `fingerprint` tells a picture that was saved anew from another one. Nothing here knows steps,
sessions, prompts or services.
"""
