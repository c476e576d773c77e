"""``python -m broker.mt5.connector``, or ``ai-trader-connector``: serve until stopped."""

import ipaddress
import logging
import secrets
import sys
from datetime import UTC, datetime

from aiohttp import web

from broker.mt5.connector.app import create_app
from broker.mt5.connector.journal import JournalTaken
from broker.mt5.connector.service import ABSENCE_SECONDS, build_service
from broker.mt5.connector.settings import ConnectorSettings, read_connector_settings
from engine.errors import InvalidInput

log = logging.getLogger("connector")


def now() -> datetime:
    """The wall's clock: the one place of this process that reads it."""
    return datetime.now(UTC)  # noqa: TID251


def main() -> None:
    """Read the settings and serve; a wrong one ends with 2 and one line that names it."""
    try:
        serve(read_connector_settings())
    except (InvalidInput, JournalTaken) as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)


def serve(
    settings: ConnectorSettings,
    *,
    module: str = "MetaTrader5",
    absence_seconds: float = ABSENCE_SECONDS,
) -> None:
    """Serve a terminal by the package of that name."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if not _is_loopback(settings.host):
        log.warning("others reach %s: put TLS or a VPN before it", settings.host)
    service = build_service(
        settings, now, chance=secrets.randbits(32), module=module, absence_seconds=absence_seconds
    )
    log.info("journal %s, listening on %s:%s", settings.journal, settings.host, settings.port)
    web.run_app(
        create_app(service), host=settings.host, port=settings.port, print=None,
        access_log_format='%r %s %Tf s',
    )  # fmt: skip


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    main()
