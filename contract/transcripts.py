"""The bucket of transcripts: its name, and `{user}/{session}/{createdAt}/{language}.{format}`."""

from urllib.parse import quote

from contract.global_names import global_name


def bucket_name(prefix: str, account_id: str, region: str) -> str:
    """The name of a stack's bucket, which no other account or Region has."""
    return global_name(prefix, f"transcripts-{account_id}-{region}")


def user_folder(user_id: str) -> str:
    """Where the transcripts of a user are; nothing in it is a slash or a wildcard."""
    return f"{quote(user_id, safe='')}/"


def session_folder(user_id: str, session_id: str) -> str:
    """Where the transcripts of a user's sessions of that id are."""
    return session_in(user_folder(user_id), session_id)


def session_in(folder_of_user: str, session_id: str) -> str:
    """The same, given the folder of the user."""
    return f"{folder_of_user}{quote(session_id, safe='')}/"
