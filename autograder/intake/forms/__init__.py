"""How a notebook may be dressed when it is handed in, one module a form; called by `read_notebook` alone.

`packing` takes it out of what it was packed in, `encoding` makes characters of bytes, `damaged` reads JSON that is
not quite JSON, `wrapped` finds a notebook within other JSON, `conflicts` parts the two sides of a merge; `script`,
`markdown` and `page` read what was exported in place of it; `cells` makes cells of what they found. Everything takes
time and memory in proportion to the file: the bytes are anybody's.
"""
