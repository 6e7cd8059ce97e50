"""`make release` and `make releases`: which version of each function a deployed commit has."""
