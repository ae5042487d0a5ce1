"""The Textual app: a disposable view on a station. Kill it, freeze it, drop its ssh, and the session goes on."""
