"""What a record says: the report's model, and the modules that fill it from the events."""
