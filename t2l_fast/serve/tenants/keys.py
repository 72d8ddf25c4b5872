"""Keys: who may use a server, and in which namespace."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from t2l_fast.errors import ConfigError

OPERATOR = "operator"
"""The tenant whose key reads the metrics, and nothing else."""
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_SHORTEST = 16


class Keys:
    """API keys by tenant; kept as digests.

    Args:
        secrets: key → tenant; several keys may name one tenant.

    Raises:
        ConfigError: no key, a short one, or a tenant's name that is not lower-case letters, digits,
            "_" and "-".
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        if not secrets:
            raise ConfigError("a server with keys needs at least one, got none")
        for key, tenant in secrets.items():
            if len(key) < _SHORTEST or not key.isascii():
                raise ConfigError(
                    f"a key of {tenant!r} must have at least {_SHORTEST} ASCII characters, got "
                    f"{len(key)}: make one with `openssl rand -hex 24`"
                )
            if not _TENANT.fullmatch(tenant):
                raise ConfigError(
                    "a tenant's name must be up to 32 lower-case letters, digits, '_' and '-', got "
                    f"{tenant!r}"
                )
        self._tenants = [(_digest(key), tenant) for key, tenant in secrets.items()]

    @classmethod
    def read(cls, path: str | Path) -> Keys:
        """Read a file with one `tenant:key` a line; blank lines and `#` lines don't count.

        Raises:
            ConfigError: it can't be read, or a line is something else.
        """
        try:
            lines = Path(path).read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the keys file {path} could not be read: {error}") from None
        secrets: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            tenant, colon, key = (part.strip() for part in line.partition(":"))
            if not colon or key in secrets:
                raise ConfigError(
                    f"line {number} of {path} must be tenant:key with a key of its own"
                )
            secrets[key] = tenant
        return cls(secrets)

    def tenant(self, key: str) -> str | None:
        """Return the key's tenant, None for an unknown key.

        It compares with all of them, in the same time whichever it is.
        """
        digest, owner = _digest(key), None
        for own, tenant in self._tenants:
            if hmac.compare_digest(own, digest):
                owner = tenant
        return owner


def _digest(key: str) -> bytes:
    return sha256(key.encode(errors="surrogateescape")).digest()
