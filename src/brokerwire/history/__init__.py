"""Downloads of bars that go on where they were, and a look at what was downloaded."""

from brokerwire.history.coverage import Asked
from brokerwire.history.download import Download, Patience, Progress, download, download_newest
from brokerwire.history.validation import Finding, Report, validate

__all__ = ["Asked", "Download", "Finding", "Patience", "Progress", "Report", "download", "download_newest", "validate"]
