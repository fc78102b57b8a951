"""The tables of what is listed: names, home exchanges and the prices that the synthetic paths move around."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec


class Security(msgspec.Struct, frozen=True):
    """A share, fund or index with the price its path moves around."""

    symbol: str
    name: str
    exchange: str
    anchor: str


class Future(msgspec.Struct, frozen=True):
    """A futures root: tick, money value of one full point, and the codes of its delivery months."""

    root: str
    name: str
    exchange: str
    anchor: str
    tick: str
    point_value: str
    months: str


def _securities(exchange: str, text: str) -> list[Security]:
    rows = [line.split(maxsplit=2) for line in text.strip().splitlines()]
    return [Security(symbol=row[0], name=row[2], exchange=exchange, anchor=row[1]) for row in rows]


STOCKS: Sequence[Security] = (
    *_securities(
        "NASDAQ",
        """
        AAPL 270 Apple Inc
        MSFT 505 Microsoft Corporation
        GOOGL 285 Alphabet Inc Class A
        GOOG 286 Alphabet Inc Class C
        AMZN 230 Amazon.com Inc
        META 610 Meta Platforms Inc
        NVDA 190 Nvidia Corporation
        TSLA 420 Tesla Inc
        AMD 161 Advanced Micro Devices Inc
        NFLX 1100 Netflix Inc
        INTC 36 Intel Corporation
        PLTR 170 Palantir Technologies Inc
        AVGO 350 Broadcom Inc
        CSCO 76 Cisco Systems Inc
        ADBE 330 Adobe Inc
        PEP 145 PepsiCo Inc
        COST 915 Costco Wholesale Corporation
        QCOM 170 Qualcomm Inc
        TXN 160 Texas Instruments Inc
        AMGN 335 Amgen Inc
        SBUX 84 Starbucks Corporation
        GILD 125 Gilead Sciences Inc
        MDLZ 56 Mondelez International Inc
        ISRG 560 Intuitive Surgical Inc
        BKNG 4900 Booking Holdings Inc
        ADP 255 Automatic Data Processing Inc
        VRTX 430 Vertex Pharmaceuticals Inc
        REGN 700 Regeneron Pharmaceuticals Inc
        MU 240 Micron Technology Inc
        LRCX 150 Lam Research Corporation
        AMAT 230 Applied Materials Inc
        KLAC 1150 KLA Corporation
        PANW 200 Palo Alto Networks Inc
        CRWD 530 CrowdStrike Holdings Inc
        MRVL 85 Marvell Technology Inc
        ASML 1000 ASML Holding NV
        ARM 140 Arm Holdings plc
        PYPL 63 PayPal Holdings Inc
        ABNB 120 Airbnb Inc
        COIN 265 Coinbase Global Inc
        MSTR 200 MicroStrategy Inc
        HOOD 120 Robinhood Markets Inc
        SOFI 28 SoFi Technologies Inc
        RIVN 15 Rivian Automotive Inc
        LCID 14 Lucid Group Inc
        MARA 12 MARA Holdings Inc
        RIOT 15 Riot Platforms Inc
        SMCI 36 Super Micro Computer Inc
        TMUS 215 T-Mobile US Inc
        CMCSA 27 Comcast Corporation
        HON 195 Honeywell International Inc
        LIN 420 Linde plc
        INTU 650 Intuit Inc
        DDOG 180 Datadog Inc
        ZM 82 Zoom Communications Inc
        ROKU 100 Roku Inc
        DKNG 31 DraftKings Inc
        TTD 42 The Trade Desk Inc
        SHOP 150 Shopify Inc
        MELI 2050 MercadoLibre Inc
        PDD 130 PDD Holdings Inc
        JD 29 JD.com Inc
        BIDU 115 Baidu Inc
        WBA 12 Walgreens Boots Alliance Inc
        VOD 12 Vodafone Group plc
        """,
    ),
    *_securities(
        "NYSE",
        """
        F 13 Ford Motor Company
        GE 300 General Electric Company
        GM 70 General Motors Company
        IBM 300 International Business Machines Corporation
        JPM 305 JPMorgan Chase & Co
        BAC 52 Bank of America Corporation
        XOM 117 Exxon Mobil Corporation
        CVX 152 Chevron Corporation
        WFC 84 Wells Fargo & Company
        C 99 Citigroup Inc
        GS 780 Goldman Sachs Group Inc
        MS 160 Morgan Stanley
        V 330 Visa Inc
        MA 535 Mastercard Inc
        AXP 345 American Express Company
        BRK.A 760000 Berkshire Hathaway Inc Class A
        BRK.B 505 Berkshire Hathaway Inc Class B
        JNJ 200 Johnson & Johnson
        PFE 25 Pfizer Inc
        MRK 93 Merck & Co Inc
        LLY 1020 Eli Lilly and Company
        ABBV 232 AbbVie Inc
        UNH 320 UnitedHealth Group Inc
        CVS 78 CVS Health Corporation
        TMO 580 Thermo Fisher Scientific Inc
        ABT 128 Abbott Laboratories
        KO 71 Coca-Cola Company
        PG 147 Procter & Gamble Company
        WMT 103 Walmart Inc
        TGT 89 Target Corporation
        HD 360 Home Depot Inc
        LOW 230 Lowe's Companies Inc
        MCD 305 McDonald's Corporation
        NKE 64 Nike Inc
        DIS 106 Walt Disney Company
        T 26 AT&T Inc
        VZ 41 Verizon Communications Inc
        BA 190 Boeing Company
        CAT 560 Caterpillar Inc
        DE 480 Deere & Company
        MMM 170 3M Company
        LMT 470 Lockheed Martin Corporation
        RTX 175 RTX Corporation
        UPS 94 United Parcel Service Inc
        FDX 265 FedEx Corporation
        UBER 90 Uber Technologies Inc
        LYFT 22 Lyft Inc
        SNAP 8 Snap Inc
        PINS 26 Pinterest Inc
        SPOT 620 Spotify Technology SA
        ORCL 220 Oracle Corporation
        CRM 235 Salesforce Inc
        NOW 850 ServiceNow Inc
        SNOW 260 Snowflake Inc
        NET 210 Cloudflare Inc
        BABA 160 Alibaba Group Holding Ltd
        TSM 285 Taiwan Semiconductor Manufacturing Co
        NIO 6 NIO Inc
        TM 200 Toyota Motor Corporation
        SONY 29 Sony Group Corporation
        BP 36 BP plc
        SHEL 74 Shell plc
        RIO 70 Rio Tinto plc
        BHP 55 BHP Group Ltd
        VALE 12 Vale SA
        FCX 40 Freeport-McMoRan Inc
        NEM 88 Newmont Corporation
        SLB 36 Schlumberger NV
        OXY 41 Occidental Petroleum Corporation
        HAL 27 Halliburton Company
        DAL 60 Delta Air Lines Inc
        AAL 13 American Airlines Group Inc
        UAL 98 United Airlines Holdings Inc
        CCL 26 Carnival Corporation
        MO 58 Altria Group Inc
        PM 153 Philip Morris International Inc
        GME 21 GameStop Corp
        AMC 2 AMC Entertainment Holdings Inc
        BB 4 BlackBerry Limited
        NOK 6 Nokia Corporation
        KEY 18 KeyCorp
        USB 48 U.S. Bancorp
        BLK 1050 BlackRock Inc
        SCHW 94 Charles Schwab Corporation
        NEE 84 NextEra Energy Inc
        DUK 123 Duke Energy Corporation
        SO 90 Southern Company
        ACN 250 Accenture plc
        DELL 130 Dell Technologies Inc
        HPQ 25 HP Inc
        """,
    ),
)

ETFS: Sequence[Security] = _securities(
    "ARCX",
    """
    SPY 665 SPDR S&P 500 ETF Trust
    QQQ 605 Invesco QQQ Trust
    IWM 238 iShares Russell 2000 ETF
    DIA 465 SPDR Dow Jones Industrial Average ETF
    VOO 612 Vanguard S&P 500 ETF
    VTI 328 Vanguard Total Stock Market ETF
    IVV 668 iShares Core S&P 500 ETF
    GLD 375 SPDR Gold Shares
    SLV 46 iShares Silver Trust
    USO 71 United States Oil Fund
    UNG 14 United States Natural Gas Fund
    TLT 89 iShares 20+ Year Treasury Bond ETF
    HYG 80 iShares High Yield Corporate Bond ETF
    LQD 111 iShares Investment Grade Corporate Bond ETF
    EEM 54 iShares MSCI Emerging Markets ETF
    EFA 94 iShares MSCI EAFE ETF
    FXI 39 iShares China Large-Cap ETF
    XLF 52 Financial Select Sector SPDR Fund
    XLE 90 Energy Select Sector SPDR Fund
    XLK 280 Technology Select Sector SPDR Fund
    XLV 150 Health Care Select Sector SPDR Fund
    XLY 232 Consumer Discretionary Select Sector SPDR Fund
    XLP 77 Consumer Staples Select Sector SPDR Fund
    XLI 152 Industrial Select Sector SPDR Fund
    XLU 88 Utilities Select Sector SPDR Fund
    SMH 340 VanEck Semiconductor ETF
    ARKK 76 ARK Innovation ETF
    TQQQ 104 ProShares UltraPro QQQ
    SQQQ 14 ProShares UltraPro Short QQQ
    SPXL 205 Direxion Daily S&P 500 Bull 3X Shares
    SOXL 40 Direxion Daily Semiconductor Bull 3X Shares
    UVXY 12 ProShares Ultra VIX Short-Term Futures ETF
    VXX 34 iPath Series B S&P 500 VIX Short-Term Futures ETN
    IBIT 52 iShares Bitcoin Trust
    EDZ 10 Direxion Daily Emerging Markets Bear 3X Shares
    SCHD 27 Schwab US Dividend Equity ETF
    VXUS 74 Vanguard Total International Stock ETF
    BND 74 Vanguard Total Bond Market ETF
    AGG 100 iShares Core U.S. Aggregate Bond ETF
    """,
)

INDICES: Sequence[Security] = _securities(
    "INDEX",
    """
    $SPX.X 6650 S&P 500 Index
    $NDX.X 24500 Nasdaq 100 Index
    $COMPX.X 22500 Nasdaq Composite Index
    $INDU.X 46500 Dow Jones Industrial Average
    $RUT.X 2380 Russell 2000 Index
    $VIX.X 20 CBOE Volatility Index
    $OEX.X 3320 S&P 100 Index
    $IRX.X 3.75 13 Week Treasury Bill Index
    $TNX.X 41 10 Year Treasury Note Index
    $TYX.X 47 30 Year Treasury Bond Index
    $DXY.X 99.5 US Dollar Index
    $SOX.X 6700 PHLX Semiconductor Index
    """,
)

_QUARTERS = "HMUZ"
_ALL = "FGHJKMNQUVXZ"
_GRAINS = "HKNUZ"

FUTURES: Mapping[str, Future] = MappingProxyType(
    {
        row[0]: Future(*row)
        for row in (
            ("ES", "E-mini S&P 500", "CME", "6550", "0.25", "50", _QUARTERS),
            ("MES", "Micro E-mini S&P 500", "CME", "6550", "0.25", "5", _QUARTERS),
            ("NQ", "E-mini Nasdaq-100", "CME", "24600", "0.25", "20", _QUARTERS),
            ("MNQ", "Micro E-mini Nasdaq-100", "CME", "24600", "0.25", "2", _QUARTERS),
            ("RTY", "E-mini Russell 2000", "CME", "2390", "0.1", "50", _QUARTERS),
            ("M2K", "Micro E-mini Russell 2000", "CME", "2390", "0.1", "5", _QUARTERS),
            ("YM", "E-mini Dow ($5)", "CBOT", "46500", "1", "5", _QUARTERS),
            ("MYM", "Micro E-mini Dow", "CBOT", "46500", "1", "0.5", _QUARTERS),
            ("CL", "Crude Oil", "NYMEX", "59", "0.01", "1000", _ALL),
            ("MCL", "Micro Crude Oil", "NYMEX", "59", "0.01", "100", _ALL),
            ("NG", "Natural Gas", "NYMEX", "4.4", "0.001", "10000", _ALL),
            ("RB", "RBOB Gasoline", "NYMEX", "1.95", "0.0001", "42000", _ALL),
            ("HO", "NY Harbor ULSD", "NYMEX", "2.45", "0.0001", "42000", _ALL),
            ("GC", "Gold", "COMEX", "4080", "0.1", "100", "GJMQVZ"),
            ("MGC", "Micro Gold", "COMEX", "4080", "0.1", "10", "GJMQVZ"),
            ("SI", "Silver", "COMEX", "50", "0.005", "5000", _GRAINS),
            ("HG", "Copper", "COMEX", "5", "0.0005", "25000", _GRAINS),
            ("PL", "Platinum", "NYMEX", "1530", "0.1", "50", "FJNV"),
            ("TY", "10 Year U.S. Treasury Notes", "CBOT", "113", "0.015625", "1000", _QUARTERS),
            ("US", "30 Year U.S. Treasury Bonds", "CBOT", "117", "0.03125", "1000", _QUARTERS),
            ("FV", "5 Year U.S. Treasury Notes", "CBOT", "109", "0.0078125", "1000", _QUARTERS),
            ("TU", "2 Year U.S. Treasury Notes", "CBOT", "104", "0.00390625", "2000", _QUARTERS),
            ("EC", "Euro FX", "CME", "1.16", "0.00005", "125000", _QUARTERS),
            ("BP", "British Pound", "CME", "1.31", "0.0001", "62500", _QUARTERS),
            ("AD", "Australian Dollar", "CME", "0.65", "0.00005", "100000", _QUARTERS),
            ("CD", "Canadian Dollar", "CME", "0.71", "0.00005", "100000", _QUARTERS),
            ("JY", "Japanese Yen", "CME", "0.64", "0.00005", "125000", _QUARTERS),
            ("SF", "Swiss Franc", "CME", "1.25", "0.00005", "125000", _QUARTERS),
            ("C", "Corn", "CBOT", "438", "0.25", "50", _GRAINS),
            ("W", "Wheat", "CBOT", "530", "0.25", "50", _GRAINS),
            ("S", "Soybeans", "CBOT", "1125", "0.25", "50", "FHKNQUX"),
            ("LH", "Lean Hogs", "CME", "79", "0.025", "400", "GJKMNQVZ"),
            ("LC", "Live Cattle", "CME", "215", "0.025", "400", "GJMQVZ"),
            ("BTC", "Bitcoin", "CME", "92000", "5", "5", _ALL),
            ("MBT", "Micro Bitcoin", "CME", "92000", "5", "0.1", _ALL),
            ("ETH", "Ether", "CME", "3050", "0.5", "50", _ALL),
            ("VX", "Cboe Volatility Index", "CFE", "21", "0.05", "1000", _ALL),
        )
    }
)

FOREX: Mapping[str, str] = MappingProxyType(
    {
        "EURUSD": "1.155",
        "GBPUSD": "1.31",
        "USDJPY": "156",
        "AUDUSD": "0.648",
        "NZDUSD": "0.562",
        "USDCAD": "1.408",
        "USDCHF": "0.805",
        "EURGBP": "0.881",
        "EURJPY": "180",
        "GBPJPY": "204",
        "AUDJPY": "101",
        "EURCHF": "0.93",
        "XAUUSD": "4080",
    }
)

CRYPTO_WORTH: Mapping[str, float] = MappingProxyType(
    {
        "BTC": 92000.0,
        "ETH": 3050.0,
        "BNB": 905.0,
        "SOL": 141.0,
        "XRP": 2.15,
        "ADA": 0.47,
        "DOGE": 0.16,
        "AVAX": 14.3,
        "DOT": 2.75,
        "LINK": 13.8,
        "MATIC": 0.38,
        "POL": 0.15,
        "LTC": 96.0,
        "BCH": 505.0,
        "UNI": 7.3,
        "ATOM": 2.95,
        "XLM": 0.26,
        "ETC": 14.6,
        "FIL": 1.95,
        "APT": 2.9,
        "ARB": 0.22,
        "OP": 0.36,
        "NEAR": 2.3,
        "INJ": 6.4,
        "SUI": 1.63,
        "SEI": 0.15,
        "TIA": 0.74,
        "AAVE": 178.0,
        "MKR": 1500.0,
        "CRV": 0.44,
        "ALGO": 0.15,
        "VET": 0.0145,
        "ICP": 4.9,
        "HBAR": 0.146,
        "TRX": 0.287,
        "TON": 1.72,
        "SHIB": 0.0000087,
        "PEPE": 0.0000047,
        "BONK": 0.0000098,
        "WIF": 0.42,
        "FET": 0.25,
        "GRT": 0.056,
        "SAND": 0.17,
        "MANA": 0.19,
        "AXS": 1.1,
        "EOS": 0.26,
        "XTZ": 0.52,
        "ZEC": 620.0,
        "DASH": 72.0,
        "XMR": 395.0,
        "USDC": 1.0,
        "FDUSD": 0.999,
        "TUSD": 0.998,
        "DAI": 1.0,
        "WBTC": 91900.0,
        "PAXG": 4070.0,
        "EUR": 1.155,
    }
)

QUOTE_WORTH: Mapping[str, float] = MappingProxyType(
    {
        "USDT": 1.0,
        "USD": 1.0,
        "USDC": 1.0,
        "FDUSD": 0.999,
        "EUR": 1.155,
        "GBP": 1.31,
        "TRY": 0.0236,
        "BTC": 92000.0,
        "ETH": 3050.0,
        "BNB": 905.0,
    }
)

CRYPTO_QUOTES: Sequence[str] = tuple(QUOTE_WORTH)
COIN_QUOTES = frozenset({"BTC", "ETH", "BNB"})
