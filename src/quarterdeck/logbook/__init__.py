"""logbook"""
