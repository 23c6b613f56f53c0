"""The store that the settings choose."""

from reports.files.directory import DirectoryFiles
from reports.files.store import ReportFiles
from reports.s3_settings import S3Settings
from reports.settings import StorageSettings


def chosen_files(storage: StorageSettings, s3: S3Settings) -> ReportFiles:
    """The bucket that ``REPORTS_STORE`` names, else the directory."""
    if storage.bucket is None:
        return DirectoryFiles(storage.directory)
    from reports.files.s3 import S3Files  # noqa: PLC0415 - who has no bucket pays nothing for its client

    return S3Files(storage.bucket, storage.prefix, storage.directory, s3)
