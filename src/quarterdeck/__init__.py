"""Quarterdeck: a terminal console for live maintenance sessions."""

__version__ = "0.2.0.dev0"
