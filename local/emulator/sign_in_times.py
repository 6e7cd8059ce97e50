"""Tokens that a refresh token was exchanged for have the time of the sign-in, as Cognito's do.

MiniStack writes the time of the exchange, which OpenID Connect forbids and clients refuse:
https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse
"""

from typing import Any

from ministack.services import cognito

_stock_apply_pretoken_trigger = cognito._apply_pretoken_trigger
# By what Cognito calls the origin of a token: the sign-in that it comes from.
_signed_in_at: dict[str, int] = {}


def install() -> None:
    """Replace MiniStack's function, which has the claims of each token before it is signed."""
    cognito._apply_pretoken_trigger = _with_time_of_sign_in


def _with_time_of_sign_in(*, claims: dict[str, Any], **token: Any) -> Any:
    if "auth_time" in claims:
        origin, now = claims["origin_jti"], claims["auth_time"]
        claims = {**claims, "auth_time": _signed_in_at.setdefault(origin, now)}
    return _stock_apply_pretoken_trigger(claims=claims, **token)
