"""Quarterdeck: a terminal console for live maintenance sessions."""

__version__ = "0.1.0"
