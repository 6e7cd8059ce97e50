"""boto3 as if this machine had no AWS configuration: a shell's profile is not the local cloud's."""

import os

import boto3
import botocore.session
from botocore.loaders import Loader

# botocore's session variables: config file's key, environment's name, default, conversion.
NO_HOST_CONFIGURATION = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}

# Reading the endpoints and a service's model takes longer than the rest of a client: once for all.
_MODELS = Loader()


def aws_session(
    *, region: str, access_key_id: str | None = None, secret_access_key: str | None = None
) -> boto3.Session:
    """A session that reads neither a profile nor the files of `~/.aws`."""
    session = botocore.session.Session(session_vars=NO_HOST_CONFIGURATION)
    session.register_component("data_loader", _MODELS)
    return boto3.Session(
        access_key_id, secret_access_key, region_name=region, botocore_session=session
    )
