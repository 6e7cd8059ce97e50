"""botocore's clients: one session per container, short timeouts, connections kept alive.

They are boto3's own clients without the import of boto3. botocore itself is imported at the first
use, so that a function that needs none of these clients does not pay for it.
"""

import gzip
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import msgspec

from live_sessions.aws.credentials import Keys
from live_sessions.aws.http import AwsHttp
from live_sessions.aws.runtime import AwsEnvironment, read_environment

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_translate import TranslateClient

# A call that fails for good does so within six seconds, with two attempts within three, or half as
# much again if no connection can be made. Past a route's time limit the client gets API Gateway's
# own frame instead of our reply.
CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 1
ATTEMPTS = 3

FAIL_FAST_TIMEOUT_SECONDS = 0.5
"""For calls whose result is not worth waiting for."""

AT_MOST_ONCE_TIMEOUT_SECONDS = 3

SERVICES = ("dynamodb", "lambda", "s3", "sqs", "sts", "translate")


class Clients:
    """The AWS clients of one container, each built at its first use and then kept.

    `threads` creates a thread pool of the given size, for concurrent calls.
    """

    threads: Callable[[int], Executor] = ThreadPoolExecutor

    def __init__(self, aws: AwsEnvironment) -> None:
        self.aws = aws
        self._session: Session | None = None
        self._made: dict[tuple[object, ...], Any] = {}
        # botocore's session must not build two clients at once.
        self._making = Lock()

    @classmethod
    def of_this_account(cls) -> Self:
        """The clients with the credentials and the Region that Lambda sets."""
        return cls(read_environment(AwsEnvironment))

    def dynamodb(self, *, attempts: int = ATTEMPTS, connections: int = 10) -> "DynamoDBClient":
        """`connections` is how many calls can be made at once."""
        return self._client("dynamodb", attempts=attempts, connections=connections)

    def fail_fast_dynamodb(self, timeout_seconds: float) -> "DynamoDBClient":
        """A client that gives up after `timeout_seconds` without a second attempt."""
        return self._client(
            "dynamodb",
            attempts=1,
            connect_timeout_seconds=timeout_seconds,
            read_timeout_seconds=timeout_seconds,
        )

    def dynamodb_at_most_once(self) -> "DynamoDBClient":
        """A client for calls that must not be carried out twice."""
        return self.fail_fast_dynamodb(AT_MOST_ONCE_TIMEOUT_SECONDS)

    def lambda_(self) -> "LambdaClient":
        """A client for asynchronous invocations."""
        return self._client("lambda", attempts=2, read_timeout_seconds=3)

    def lambda_at_most_once(
        self, timeout_seconds: float, *, connections: int = 10
    ) -> "LambdaClient":
        """A client that waits that long for a function's result and never invokes it twice.

        `connections` is how many results it can wait for at once.
        """
        return self._client(
            "lambda",
            attempts=1,
            read_timeout_seconds=timeout_seconds,
            connections=connections,
        )

    def sqs(self, *, attempts: int = 2) -> "SQSClient":
        """A client for sending, and for receiving with a wait of up to two seconds."""
        return self._client("sqs", attempts=attempts, read_timeout_seconds=3)

    def translate(self) -> "TranslateClient":
        """A client that gives up after 1.5 s: a late caption is of little use."""
        return self._client("translate", attempts=1, read_timeout_seconds=1.5, connections=20)

    def sts(self) -> "STSClient":
        """A client that takes on other roles."""
        return self._client("sts", attempts=2, read_timeout_seconds=2)

    def s3(self) -> "S3Client":
        """A client for writing files of some megabytes."""
        return self._client("s3", attempts=ATTEMPTS, read_timeout_seconds=10)

    def s3_with(self, keys: Keys) -> "S3Client":
        """A client with other keys than the function's own; it is not kept, since they expire."""
        from botocore.config import Config

        config = self._config(attempts=2, read_timeout_seconds=2)
        # Links that are signed in the older way are not valid in every Region.
        config = config.merge(Config(signature_version="s3v4"))
        with self._making:
            session: Any = self._botocore_session()
            return session.create_client(
                "s3",
                config=config,
                aws_access_key_id=keys.access_key_id,
                aws_secret_access_key=keys.secret_access_key,
                aws_session_token=keys.session_token,
            )

    def http(self, endpoint: str, service: str, *, timeout_seconds: float) -> AwsHttp:
        """A client of one endpoint without botocore."""
        return self._kept(
            ("http", endpoint, service, timeout_seconds),
            lambda: AwsHttp(
                endpoint,
                service,
                self.aws,
                timeout_seconds=timeout_seconds * self.aws.aws_client_timeout_scale,
            ),
        )

    def _client(
        self,
        service: str,
        *,
        attempts: int,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
        connections: int = 10,
    ) -> Any:
        def build() -> Any:
            config = self._config(
                attempts=attempts,
                connect_timeout_seconds=connect_timeout_seconds,
                read_timeout_seconds=read_timeout_seconds,
                connections=connections,
            )
            return self._botocore_session().create_client(service, config=config)

        key = (service, attempts, connect_timeout_seconds, read_timeout_seconds, connections)
        return self._kept(key, build)

    def _config(
        self,
        *,
        attempts: int,
        read_timeout_seconds: float,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        connections: int = 10,
    ) -> "Config":
        from botocore.config import Config

        scale = self.aws.aws_client_timeout_scale
        return Config(
            connect_timeout=connect_timeout_seconds * scale,
            read_timeout=read_timeout_seconds * scale,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=connections,
            tcp_keepalive=True,
        )

    def _kept(self, key: tuple[object, ...], build: Callable[[], Any]) -> Any:
        with self._making:
            if key not in self._made:
                self._made[key] = build()
            return self._made[key]

    def _botocore_session(self) -> "Session":
        if self._session is None:
            from botocore.session import Session

            session = Session()
            session.register_component("data_loader", fast_loader(SERVICES))
            self._session = session
        return self._session


def start_function(client: "LambdaClient", function_name: str, task: msgspec.Struct) -> None:
    """Invoke a function asynchronously, with the task as its event; raises botocore's errors."""
    client.invoke(
        FunctionName=function_name, InvocationType="Event", Payload=msgspec.json.encode(task)
    )


def fast_loader(services: Iterable[str]) -> Any:
    """botocore's service models, found and read in a fraction of the time.

    botocore lists the folders of its four hundred services to find one, and parses JSON with a hook
    for every object; both take longer than the rest of building a client
    (benchmarks/cold_start.py).
    """
    from botocore.loaders import JSONFileLoader, Loader

    class ModelFiles(JSONFileLoader):
        def load_file(self, file_path: str) -> Any:
            for suffix, open_file in ((".json", open), (".json.gz", gzip.open)):
                try:
                    with open_file(file_path + suffix, "rb") as file:
                        return msgspec.json.decode(file.read())
                except FileNotFoundError:
                    continue
            return None

    class NamedServices(Loader):
        def list_available_services(self, type_name: str) -> list[str]:
            return sorted(services)

    return NamedServices(file_loader=ModelFiles())
