from tests.handlers.properties.whole_world import world

__all__ = ["world"]
