"""What the connector is told from outside: the environment, or a file ``.env``."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine.errors import InvalidInput

_SHORTEST = 32


class ConnectorSettings(BaseSettings):
    """Read once, at the start. Login, server and password may stay in the terminal."""

    model_config = SettingsConfigDict(
        env_prefix="MT5_CONNECTOR_", env_file=".env", extra="ignore", frozen=True
    )

    #: What every call carries; at least 32 characters.
    token: SecretStr
    host: str = "127.0.0.1"
    port: int = Field(default=8091, ge=0, le=65_535)
    #: ``terminal64.exe``; without it the package looks for an installed terminal.
    terminal: Path | None = None
    login: int | None = Field(default=None, gt=0)
    server: str | None = None
    password: SecretStr | None = None
    journal: Path = Field(default_factory=lambda: Path.home() / "ai-trader" / "connector.sqlite3")
    #: Seconds after which a call is answered, whatever the terminal does.
    deadline_seconds: float = Field(default=6.0, ge=1, le=8)
    #: Seconds after which the process that hangs in the terminal is ended.
    hang_seconds: float = Field(default=12.0, ge=2, le=120)
    #: Seconds the terminal may take to start.
    join_seconds: float = Field(default=60.0, ge=5, le=300)
    #: How far the price may have moved, in points, where the broker deals at a price.
    max_deviation_points: int = Field(default=30, ge=0, le=100_000)
    #: What the broker's clock follows, such as Europe/Athens; without it its present offset.
    clock_zone: str | None = None
    #: Whether a real account may open positions.
    live_trading_enabled: bool = Field(default=False, validation_alias="LIVE_TRADING_ENABLED")

    @field_validator("token")
    @classmethod
    def _long(cls, token: SecretStr) -> SecretStr:
        text = token.get_secret_value()
        if not (len(text) >= _SHORTEST and text.isascii() and text.isprintable()):
            raise ValueError(f"needs at least {_SHORTEST} characters: openssl rand -hex 32")
        if " " in text or len(set(text)) < 8:
            raise ValueError("is not random: openssl rand -hex 32")
        return token

    @field_validator("clock_zone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is None:
            return None
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is no time zone; write one such as Europe/Athens") from error
        return name

    @property
    def zone(self) -> ZoneInfo | None:
        """What the broker's clock follows."""
        return None if self.clock_zone is None else ZoneInfo(self.clock_zone)

    @property
    def join(self) -> dict[str, object]:
        """The arguments of the package's ``initialize``, besides the terminal's path."""
        found: dict[str, object] = {}
        if self.login is not None:
            found["login"] = self.login
        if self.server is not None:
            found["server"] = self.server
        if self.password is not None:
            found["password"] = self.password.get_secret_value()
        return found


def read_connector_settings() -> ConnectorSettings:
    """The settings of this process; raises :class:`InvalidInput` naming each wrong variable."""
    try:
        return ConnectorSettings()  # type: ignore[call-arg]
    except ValidationError as error:
        wrong = "; ".join(f"{_name(found['loc'][0])}: {found['msg']}" for found in error.errors())
        raise InvalidInput(f"settings are wrong: {wrong}") from error


def _name(field: object) -> str:
    text = str(field).upper()
    return text if text == "LIVE_TRADING_ENABLED" else f"MT5_CONNECTOR_{text}"
