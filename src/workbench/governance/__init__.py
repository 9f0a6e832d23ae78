"""What a district must be able to do on request: show who saw a student's records, and erase a student."""
