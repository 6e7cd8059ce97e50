"""The bucket of the pages, the distribution in front of it, and what is uploaded."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from components.settings import CERTIFICATE_REGION, WebPagesRules
from components.web_pages import WebPages, WebPagesArgs
from program.computed import ACCOUNT, REGION
from program.engine import Engine, Registered
from tests.components import stack_parts

BUCKET = f"{stack_parts.PREFIX}-pages-{ACCOUNT}-{REGION}"
NAME, ZONE = "talk.example.com", "Z0123456789"
CERTIFICATE = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/{'0' * 8}-0000-0000-0000-{'0' * 12}"
SOCKETS = "wss://abc123.execute-api.us-east-1.amazonaws.com/live"
PNG = b"\x89PNG\r\n"
FILES = {
    "index.html": b"<!doctype html>",
    "speak.html": "<!doctype html><title>\N{MICROPHONE}</title>".encode(),
    "404.html": b"<!doctype html>",
    "assets/index-1a2b.js": b"export {};",
    "assets/dot-3c4d.png": PNG,
}
CONFIG = {"websocketUrl": SOCKETS, "signIn": None, "transcripts": False}


@functools.cache
def run(*, preview: bool = False, **rules: Any) -> Engine:
    engine = Engine(preview=preview)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in FILES.items():
            (path := Path(folder, name)).parent.mkdir(exist_ok=True)
            path.write_bytes(content)

        def program() -> None:
            args = WebPagesArgs(
                platform=stack_parts.platform(),
                rules=WebPagesRules(
                    **{
                        "web_pages": True,
                        "web_pages_domain_name": "",
                        "web_pages_certificate_arn": "",
                        "web_pages_hosted_zone_id": "",
                        "web_pages_origins": (),
                        "web_pages_client_id": "",
                        "web_pages_sign_in_origin": "",
                        **rules,
                    }
                ),
                folder=Path(folder),
                connects_to=[SOCKETS, "https://login.example.com/tenant"],
                tags={"Stack": "test"},
            )
            WebPages("pages", args).publish(CONFIG)

        engine.run(program)
    return engine


def objects(engine: Engine) -> dict[str, Registered]:
    found = engine.of_type("s3/bucketObjectv2").values()
    return {each.inputs["key"]: each for each in found}


def test_the_bucket_is_private_encrypted_and_has_account_and_region_in_its_name():
    engine = run()
    bucket = engine.only("s3/bucket")
    assert bucket["bucket"] == BUCKET
    assert bucket["forceDestroy"] is True
    blocked = engine.only("s3/bucketPublicAccessBlock")
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [blocked[switch] for switch in switches] == [True] * 4
    owned = engine.only("s3/bucketOwnershipControls")
    assert owned["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    (rule,) = engine.only("s3/bucketServerSideEncryptionConfiguration")["rules"]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}


def test_only_this_distribution_may_read_and_only_over_tls():
    statements = json.loads(run().only("s3/bucketPolicy")["policy"])["Statement"]
    by_sid = {each["Sid"]: each for each in statements}
    assert by_sid.keys() == {"DenyPlainHttp", "ReadFromDistribution"}
    reading = by_sid["ReadFromDistribution"]
    assert reading["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert reading["Action"] == ["s3:GetObject"]
    assert reading["Resource"] == [f"arn:aws:s3:::{BUCKET}/*"]
    distribution = f"arn:aws:cloudfront::{ACCOUNT}:distribution/pages-distribution"
    assert reading["Condition"] == {"StringEquals": {"aws:SourceArn": distribution}}
    access = run().only("cloudfront/originAccessControl")
    assert (access["signingBehavior"], access["signingProtocol"]) == ("always", "sigv4")
    (origin,) = run().only("cloudfront/distribution")["origins"]
    assert origin["originAccessControlId"] == "pages-access-id"
    assert origin["domainName"] == f"{BUCKET}.s3.{REGION}.amazonaws.com"


def test_the_distribution_redirects_to_https_and_sends_the_security_headers():
    distribution = run().only("cloudfront/distribution")
    behavior = distribution["defaultCacheBehavior"]
    assert behavior["viewerProtocolPolicy"] == "redirect-to-https"
    assert behavior["allowedMethods"] == ["GET", "HEAD"]
    assert behavior["compress"] is True
    assert behavior["responseHeadersPolicyId"] == "pages-headers-id"
    assert distribution["defaultRootObject"] == "index.html"
    assert (distribution["httpVersion"], distribution["isIpv6Enabled"]) == ("http2and3", True)


def test_the_pages_may_connect_to_the_stack_and_to_the_sign_in_alone():
    security = run().only("cloudfront/responseHeadersPolicy")["securityHeadersConfig"]
    policy = security["contentSecurityPolicy"]["contentSecurityPolicy"]
    connect = next(each for each in policy.split("; ") if each.startswith("connect-src "))
    sockets = "wss://abc123.execute-api.us-east-1.amazonaws.com"
    assert connect == f"connect-src 'self' {sockets} https://login.example.com"
    assert security["strictTransportSecurity"]["accessControlMaxAgeSec"] == 31_536_000


def test_what_is_not_there_is_answered_with_404():
    responses = run().only("cloudfront/distribution")["customErrorResponses"]
    assert {each["errorCode"] for each in responses} == {403, 404}
    assert {(each["responseCode"], each["responsePagePath"]) for each in responses} == {
        (404, "/404.html")
    }
    assert "404.html" in objects(run())


def test_hashed_files_are_kept_by_browsers_and_pages_are_asked_for_each_time():
    sent = {key: each.inputs["cacheControl"] for key, each in objects(run()).items()}
    assert sent == {
        "index.html": "no-cache",
        "speak.html": "no-cache",
        "404.html": "no-cache",
        "config.json": "no-cache",
        "assets/index-1a2b.js": "public, max-age=31536000, immutable",
        "assets/dot-3c4d.png": "public, max-age=31536000, immutable",
    }


def test_pages_and_config_follow_the_files_that_they_need():
    uploaded = objects(run())
    needed = {"pages-assets/index-1a2b.js", "pages-assets/dot-3c4d.png"}
    for key in ("index.html", "speak.html", "config.json"):
        assert uploaded[key].depends_on >= needed, "an open page would miss its files"


def test_hashed_files_stay_for_pages_that_are_open_and_nothing_else_does():
    staying = {key for key, each in objects(run()).items() if each.retain_on_delete}
    assert staying == {"assets/index-1a2b.js", "assets/dot-3c4d.png"}


def test_files_are_uploaded_as_they_are_whatever_their_type():
    uploaded = {key: each.inputs for key, each in objects(run()).items()}
    assert uploaded["speak.html"]["content"] == FILES["speak.html"].decode()
    assert uploaded["assets/dot-3c4d.png"]["contentBase64"] == "iVBORw0K"
    assert "content" not in uploaded["assets/dot-3c4d.png"]
    assert json.loads(uploaded["config.json"]["content"]) == CONFIG
    assert uploaded["config.json"]["contentType"] == "application/json; charset=utf-8"


def test_objects_have_no_tags_of_which_s3_takes_ten_at_most():
    for each in objects(run()).values():
        assert each.inputs["overrideProvider"] == {"defaultTags": {"tags": {}}}


def test_no_input_has_a_path_of_this_machine():
    for each in run().registered:
        assert tempfile.gettempdir() not in json.dumps(each.inputs, default=str)


def test_without_a_name_of_their_own_the_pages_have_cloudfronts():
    engine = run()
    distribution = engine.only("cloudfront/distribution")
    assert distribution["viewerCertificate"] == {"cloudfrontDefaultCertificate": True}
    assert "aliases" not in distribution
    assert engine.inputs("acm/certificate") == engine.inputs("route53/record") == []
    assert not [each for each in engine.registered if each.typ == "pulumi:providers:aws"]


def test_a_named_certificate_is_used_and_none_is_made():
    engine = run(web_pages_domain_name=NAME, web_pages_certificate_arn=CERTIFICATE)
    distribution = engine.only("cloudfront/distribution")
    assert distribution["aliases"] == [NAME]
    assert distribution["viewerCertificate"] == {
        "acmCertificateArn": CERTIFICATE,
        "minimumProtocolVersion": "TLSv1.2_2021",
        "sslSupportMethod": "sni-only",
    }
    assert engine.inputs("acm/certificate") == engine.inputs("route53/record") == []


def test_a_certificate_is_made_in_cloudfronts_region_and_validated_in_the_zone():
    engine = run(web_pages_domain_name=NAME, web_pages_hosted_zone_id=ZONE)
    (provider,) = [each for each in engine.registered if each.typ == "pulumi:providers:aws"]
    assert provider.inputs["region"] == CERTIFICATE_REGION == "us-east-1"
    assert json.loads(provider.inputs["defaultTags"]) == {"tags": {"Stack": "test"}}
    for typ in ("acm/certificate", "acm/certificateValidation"):
        (made,) = engine.of_type(typ).values()
        assert "pages-us-east-1" in made.provider
    (distribution,) = engine.of_type("cloudfront/distribution").values()
    assert "pages-certificate-validation" in distribution.depends_on, (
        "CloudFront takes no certificate that is not issued"
    )


def test_the_zone_gets_records_for_ipv4_and_ipv6():
    engine = run(
        web_pages_domain_name=NAME,
        web_pages_certificate_arn=CERTIFICATE,
        web_pages_hosted_zone_id=ZONE,
    )
    records = engine.inputs("route53/record")
    assert {each["type"] for each in records} == {"A", "AAAA"}
    for each in records:
        assert (each["name"], each["zoneId"]) == (NAME, ZONE)
        assert each["aliases"][0]["name"] == "dpages-distribution.cloudfront.net"


@pytest.mark.parametrize("zone", ["", ZONE])
def test_a_preview_with_nothing_known_yet_plans_the_same(zone: str):
    rules = {"web_pages_domain_name": NAME, "web_pages_hosted_zone_id": zone} if zone else {}
    planned, made = run(**rules, preview=True), run(**rules)
    assert {each.urn for each in planned.registered} == {each.urn for each in made.registered}
