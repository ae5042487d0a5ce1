"""Screens of the console: the session, bars that ask, help and other reading. Their looks are the panes'."""
