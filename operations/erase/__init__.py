"""`make erase`: erases what a stack has of one session that has ended."""
