"""Which tokens are a speaker's: an OIDC issuer's ID and access tokens for one of our audiences."""

from dataclasses import dataclass
from typing import Any, cast

import jwt

from live_sessions.speakers.signing_keys import (
    ALGORITHMS,
    KeysUnavailable,
    KeyUnknown,
    SigningKeys,
)

CLOCK_LEEWAY_SECONDS = 5
REQUIRED_CLAIMS = ("exp", "iat", "iss", "sub")
TOKEN_TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
"""Of ID and access tokens; an issuer signs others for the same client, such as a logout token.

https://www.rfc-editor.org/rfc/rfc9068#section-2.1
"""

COGNITO = "https://cognito-idp."
COGNITO_USES = ("id", "access")


class TokenRefused(Exception):
    """The token is invalid; the message says why and never repeats any of it."""


@dataclass(frozen=True, kw_only=True)
class TokenRules:
    """Accepts tokens of one issuer, signed with one of `keys`, for one of `audiences`."""

    keys: SigningKeys
    issuer: str
    audiences: tuple[str, ...]

    def user_of(self, token: str) -> str:
        """The user id (`sub`) of the token, after checks of signature and claims.

        Raises TokenRefused.
        """
        try:
            claims = self._verified(token)
        except (KeysUnavailable, KeyUnknown) as failure:
            raise TokenRefused(str(failure)) from None
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            # The texts of these errors may quote the token.
            raise TokenRefused(type(error).__name__) from None
        self._check_audience(claims)
        # Of Cognito's tokens, as the others need not have it.
        if self.issuer.startswith(COGNITO) and claims.get("token_use") not in COGNITO_USES:
            raise TokenRefused("token_use is neither id nor access")
        if not claims["sub"]:
            raise TokenRefused("sub is empty")
        return claims["sub"]

    def _verified(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise TokenRefused(f"it is not signed by {' or '.join(ALGORITHMS)}")
        token_type = header.get("typ")
        if (token_type.lower() if isinstance(token_type, str) else token_type) not in TOKEN_TYPES:
            raise TokenRefused("it is neither an ID nor an access token")
        return jwt.decode(
            token,
            self.keys.key_of(algorithm, header.get("kid")),
            algorithms=[algorithm],
            issuer=self.issuer,
            leeway=CLOCK_LEEWAY_SECONDS,
            options={"require": [*REQUIRED_CLAIMS], "verify_aud": False},
        )

    def _check_audience(self, claims: dict[str, Any]) -> None:
        """`client_id` counts only without `aud`: a token for another API must not open ours."""
        if "aud" not in claims:
            if claims.get("client_id") not in self.audiences:
                raise TokenRefused("it has no aud, and its client_id is none of the audiences")
            return
        aud = claims["aud"]
        named = cast(list[Any], aud) if isinstance(aud, list) else [aud]
        if not any(each in self.audiences for each in named):
            raise TokenRefused("its aud holds none of the audiences")
