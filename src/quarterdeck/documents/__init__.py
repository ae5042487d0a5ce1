"""Documents that people write: strict YAML with positions, and the schema layer that reads and explains it.

`strict_yaml` composes a tree, `schema` and `kinds` read it by tables of fields, `problems` is what they say.
"""
