"""The panes of the screen: each shows one thing of the snapshot, and asks nobody for anything.

`base` paints rows; the others only say what stands in them. `quarterdeck.console.layout` puts them together.
"""
