"""Deploys the Pulumi program onto the emulator: mocks whose resources are real."""

from local.deployer.deployer import Deployer, Ledger
from local.deployer.resource import Created, DeployError, Kind, Resource

__all__ = ["Created", "DeployError", "Deployer", "Kind", "Ledger", "Resource"]
