"""Documents that people write: strict YAML with positions, and the schema layer that reads and explains it.

`strict` composes a tree, `reader` and `kinds` read it by tables of fields, `problems` is what they say.
"""
