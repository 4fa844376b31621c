"""Files in a folder: formats, layouts, and a log that makes each revision of a target visible in one act."""

from dtaas_desktop.connectors.files.folder import FolderDestination

__all__ = ["FolderDestination"]
