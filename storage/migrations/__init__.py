"""The schema's steps, applied in order by ``storage.migrate``."""
