"""`make rollback`: moves every function's alias back to the versions of an earlier release."""
