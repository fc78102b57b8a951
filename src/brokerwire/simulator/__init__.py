"""A synthetic exchange that speaks the venues' own protocols on loopback, for tests, demonstrations and weekends."""

from brokerwire.simulator.faults import KNOWN_FAULTS, Fault, Faults
from brokerwire.simulator.journal import Journal, JournalEntry
from brokerwire.simulator.market import Market
from brokerwire.simulator.server import Simulator, known_venues

__all__ = ["KNOWN_FAULTS", "Fault", "Faults", "Journal", "JournalEntry", "Market", "Simulator", "known_venues"]
