"""The record: what the change ticket gets, and the check that it is whole. Knows session, logbook and station."""
