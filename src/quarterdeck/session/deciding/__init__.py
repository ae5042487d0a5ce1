"""The rules, a room for each kind of question; `session.decide` asks them. Each answers with drafts or a refusal."""
