"""The rules of lint, a file for each subject. Each rule takes a `Lint` and says what it finds."""
