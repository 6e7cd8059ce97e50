"""The pages for speakers and listeners: built by Node, served by CloudFront."""

from components.web_pages.build import PagesBuildError, build_pages
from components.web_pages.config import page_config
from components.web_pages.pages import WebPages, WebPagesArgs

__all__ = ["PagesBuildError", "WebPages", "WebPagesArgs", "build_pages", "page_config"]
