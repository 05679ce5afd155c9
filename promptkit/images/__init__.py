"""Pictures as the bytes that they came as: what kind they are, how large, whether they are whole, and how two of them compare.

`formats` tells a file's type by its bytes, and whether it is whole. `picture` holds the bytes; Pillow decodes them only when someone looks;
`thumbnails` keeps small ones on disk. `metadata` reads what other tools wrote into the file. `changes` measures what differs between a
picture and the one before it (who asks tells it what was asked for), `measures` how far it has moved from an earlier one where nothing was
edited, `box` reads and writes a box in a picture, `fingerprint` tells a picture that was saved again from another one. `region` says what
of a picture is to be edited, and which cut around it is sent; `region_fit` lays the answer into the picture; `still` has a picture's pixels
to work on, or refuses it. `operations` crop, resize, pad and convert a picture, and `operation_numbers` reads what callers give for that,
`channels` what they and files say of channels; `pixels` are what they work on: its pixels as they are meant, and back into a file. Nothing
here knows records, prompts or services.
"""
