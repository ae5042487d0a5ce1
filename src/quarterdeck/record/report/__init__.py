"""What a record says: the report's model, and the rooms that fill it from the events."""
