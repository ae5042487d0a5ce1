"""Procedures: the YAML format, its conditions and its lint. Pure but for reading files."""
