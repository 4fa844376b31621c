"""Where text formats write: straight into the file, or through a compressor."""

import gzip

import pyarrow as pa

from dtaas_desktop.domain.file_settings import FileSettings

_GZIP_LEVEL = (
    4  # measured on flights: twice as fast as 6 for 16 % more bytes; pyarrow's own gzip is fixed at 9, five times slower
)


class TextSink:
    """`stream` takes the text; `close` ends the compressed stream, if there is one."""

    def __init__(self, settings: FileSettings, sink: pa.NativeFile) -> None:
        self._compressor: pa.NativeFile | gzip.GzipFile | None = None
        if settings.compression == "gzip":
            self._compressor = gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=sink, mtime=0)
        elif settings.compression == "zstd":
            self._compressor = pa.CompressedOutputStream(sink, "zstd")
        self.stream = self._compressor or sink

    def close(self) -> None:
        if self._compressor is not None:
            self._compressor.close()

    def abandon(self) -> None:
        """Drop the compressor: closing it would write into a file that is given up, perhaps on a full disk."""
        if isinstance(self._compressor, gzip.GzipFile):
            vars(self._compressor)["fileobj"] = None  # as GzipFile itself does when it is closed: nothing is written any more
        self._compressor = None
