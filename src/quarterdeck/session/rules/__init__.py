"""What may happen, one file a subject: each intent with its rule (`decide`)."""
