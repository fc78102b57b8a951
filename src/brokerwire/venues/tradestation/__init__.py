"""TradeStation: chunked HTTP streams, REST v3 and the v2 tick bars behind the venue interface."""

from brokerwire.errors import BrokerwireError, ConnectionLostError
from brokerwire.venue import OrderRules, Venue
from brokerwire.venues.tradestation import spec
from brokerwire.venues.tradestation.auth import TOKENS, authorize, error_from
from brokerwire.venues.tradestation.codec import advances, build_dial, build_topic, kind_of, opened_ns, reach_back
from brokerwire.venues.tradestation.rest import OPERATIONS, streamed_accounts
from brokerwire.venues.tradestation.session import new_session

__all__ = ["VENUE"]


def _close_error(close_code: int, reason: str) -> BrokerwireError:
    # HTTP streams have no close codes: the end of the answer is all there is.
    return ConnectionLostError("the stream ended", venue=spec.NAME)


VENUE = Venue(
    name=spec.NAME,
    capabilities={**spec.CAPABILITIES, **dict.fromkeys(OPERATIONS, "request")},
    endpoints=spec.ENDPOINTS,
    credentials=spec.CREDENTIALS,
    required=spec.REQUIRED,
    settings=spec.SETTINGS,
    budgets=spec.BUDGETS,
    intervals=spec.INTERVALS,
    tokens=TOKENS,
    build_topic=build_topic,
    kind_of=kind_of,
    build_dial=build_dial,
    reach_back=reach_back,
    new_session=new_session,
    authorize=authorize,
    error_from=error_from,
    close_error=_close_error,
    operations=OPERATIONS,
    streamed_accounts=streamed_accounts,
    orders=OrderRules(advances, names_executions=False, opened_ns=opened_ns),
)
